/** The agent's one screen: work on the left, the conversation in the middle, the customer on the right. */

import {Button, Result} from "antd";
import {useTranslation} from "react-i18next";

import {usePageTitle} from "../shell/page-title";
import {Waiting} from "../shell/waiting";
import {Conversation} from "./conversation";
import {CustomerPanel} from "./customer-panel";
import {takeDesk, useDesk} from "./desk";
import {useDeskKeys} from "./desk-keys";
import {HandOnNotes} from "./notes";
import {OfferCard} from "./offer-card";
import {WorkList} from "./work-list";
import {WrapUpPanel} from "./wrap-up-panel";

export default function DeskPage() {
  const {t} = useTranslation();
  const agent = useDesk((desk) => desk.agent);
  const replaced = useDesk((desk) => desk.replaced);
  usePageTitle(t("desk.title"));
  useDeskKeys();
  if (replaced) return <Replaced />;
  if (agent === null) return <Waiting text={t("desk.opening")} />;
  return (
    <div className="tl-desk">
      <h1 className="tl-unseen">{t("desk.title")}</h1>
      <aside className="tl-left" aria-label={t("desk.work")}>
        <WorkList work={agent.work} />
      </aside>
      <div className="tl-stage">
        <OfferCard />
        <Selected />
      </div>
    </div>
  );
}

function Replaced() {
  const {t} = useTranslation();
  const action = (
    <Button type="primary" onClick={takeDesk} data-testid="take-desk">
      {t("connection.useHere")}
    </Button>
  );
  return <Result status="info" title={<h1>{t("connection.replaced")}</h1>} extra={action} data-testid="replaced" />;
}

function Selected() {
  const {t} = useTranslation();
  const item = useDesk((desk) => desk.agent?.work.find((work) => work.contact_id === desk.selected));
  const contact = useDesk((desk) => (desk.selected === null ? undefined : desk.contacts[desk.selected]));
  if (item === undefined) return <Empty />;
  return (
    <div className="tl-columns">
      <section className="tl-middle" aria-label={t("conversation.log")}>
        <Conversation key={item.contact_id} item={item} contact={contact} />
      </section>
      <aside className="tl-right" aria-label={t("customer.title")}>
        {item.state === "WRAP_UP" && <WrapUpPanel key={item.contact_id} item={item} />}
        <HandOnNotes item={item} contact={contact} />
        <CustomerPanel key={item.contact_id} contact={contact} />
      </aside>
    </div>
  );
}

function Empty() {
  const {t} = useTranslation();
  const intent = useDesk((desk) => desk.agent?.intent ?? "OFFLINE");
  const blocked = useDesk((desk) => desk.agent?.not_responding ?? false);
  const noTelephone = useDesk((desk) => desk.agent?.device === "LOST");
  const working = useDesk((desk) => (desk.agent?.work.length ?? 0) > 0);
  const hint = intent === "AVAILABLE" && noTelephone ? "desk.hint.noTelephone" : (`desk.hint.${intent}` as const);
  return (
    <div className="tl-hint">
      <img src="/favicon.svg" alt="" width={56} height={56} />
      <p>{working ? t("desk.nothingSelected") : t(blocked ? "desk.notResponding" : hint)}</p>
    </div>
  );
}
