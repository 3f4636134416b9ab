/** Banners of the desk, on every page: lost connection, not responding, no telephone, silent ring, refusals. */

import {Alert, App, Button} from "antd";
import {useEffect} from "react";
import {useTranslation} from "react-i18next";

import {useLanguage} from "../i18n";
import {useRefusalText} from "../i18n/refusal-text";
import {useNames} from "../rest/queries";
import {actions, useDesk} from "./desk";
import {enableSound, useRing} from "./ring";

export function Notices() {
  useToasts();
  const lost = useDesk(
    (desk) => desk.connection === "waiting" || (desk.connection === "connecting" && desk.agent !== null),
  );
  const blocked = useDesk((desk) => desk.agent?.not_responding ?? false);
  const noTelephone = useDesk((desk) => desk.agent?.device === "LOST");
  return (
    <div className="tl-notices">
      {lost && <Lost />}
      {blocked && <NotResponding />}
      {noTelephone && <NoTelephone />}
      <SilentRing />
    </div>
  );
}

function Lost() {
  const {t} = useTranslation();
  return <Alert banner type="error" title={t("connection.lost")} data-testid="disconnected" />;
}

function NotResponding() {
  const {t} = useTranslation();
  const pending = useDesk((desk) => desk.pending.has("rearm"));
  const action = (
    <Button type="primary" loading={pending} onClick={() => void actions.rearm()} data-testid="rearm">
      {t("desk.rearm")}
    </Button>
  );
  return <Alert banner type="error" title={t("desk.notResponding")} action={action} data-testid="not-responding" />;
}

function NoTelephone() {
  const {t} = useTranslation();
  return (
    <Alert
      banner
      type="warning"
      title={t("desk.noTelephone")}
      description={t("desk.noTelephoneHelp")}
      data-testid="no-telephone"
    />
  );
}

function SilentRing() {
  const {t} = useTranslation();
  const blocked = useRing((ring) => ring.blocked);
  const open = useDesk((desk) => desk.agent !== null);
  if (!blocked || !open) return null;
  const action = (
    <Button size="small" onClick={() => void enableSound()} data-testid="enable-sound">
      {t("desk.enableSound")}
    </Button>
  );
  return <Alert banner type="info" title={t("desk.soundOff")} action={action} />;
}

function useToasts(): void {
  const {t} = useTranslation();
  const {message} = App.useApp();
  const refusal = useDesk((desk) => desk.refusal);
  const ended = useDesk((desk) => desk.ended);
  const taken_by = useDesk((desk) => desk.taken_by);
  const names = useNames(useLanguage());
  const taker = taken_by === null ? null : names.agent(taken_by);
  const refusalText = useRefusalText();
  useEffect(() => {
    if (refusal === null) return;
    void message.error(refusalText(refusal), 6);
    actions.acknowledge();
  }, [message, refusal, refusalText]);
  useEffect(() => {
    if (ended === null) return;
    void message.info(t(`offer.${ended}`), 6);
    actions.forgetEnded();
  }, [ended, message, t]);
  useEffect(() => {
    if (taker === null) return;
    void message.warning(t("monitoring.taken", {agent: taker}), 10);
    actions.forgetTaken();
  }, [taker, message, t]);
}
