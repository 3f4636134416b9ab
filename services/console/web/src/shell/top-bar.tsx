/** The bar on top: pages, the agent's state, connection, language, log out. */

import {App, Button} from "antd";
import {useTranslation} from "react-i18next";
import {NavLink} from "react-router";

import type {Me} from "../contract/rest";
import {ConnectionTag} from "../desk/connection-tag";
import {useDesk} from "../desk/desk";
import {IntentButtons} from "../desk/intent-buttons";
import {ShortcutsButton} from "../desk/shortcuts";
import {logOut} from "../rest/queries";
import {maySupervise} from "../rest/roles";
import {LanguageButton} from "./language-button";

export function TopBar({me}: {me: Me}) {
  const {t} = useTranslation();
  const {message} = App.useApp();
  const leave = () =>
    logOut().catch((error: unknown) => message.error(t("nav.stillIn", {message: (error as Error).message})));
  const hasDesk = useDesk((desk) => desk.connection !== "stopped");
  return (
    <header className="tl-bar">
      <span className="tl-brand" title={me.tenant_name}>
        <img src="/favicon.svg" alt="" width={24} height={24} />
        {t("brand")}
      </span>
      <nav className="tl-nav" aria-label={t("nav.label")}>
        {me.roles.includes("AGENT") && <NavLink to="/desk">{t("nav.desk")}</NavLink>}
        <NavLink to="/wall">{t("nav.wall")}</NavLink>
        {maySupervise(me) && <NavLink to="/why">{t("nav.why")}</NavLink>}
        <NavLink to="/tickets">{t("nav.tickets")}</NavLink>
      </nav>
      {hasDesk && <IntentButtons />}
      <span className="tl-spring" />
      {hasDesk && <ConnectionTag />}
      {hasDesk && <ShortcutsButton />}
      <LanguageButton />
      <span className="tl-me">{me.name}</span>
      <Button type="text" onClick={() => void leave()} data-testid="logout">
        {t("nav.logout")}
      </Button>
    </header>
  );
}
