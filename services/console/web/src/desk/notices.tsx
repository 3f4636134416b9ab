/** Banners of the desk, on every page: lost connection, not responding, no telephone, called in, silent ring, refusals. */

import {Alert, App, Button} from "antd";
import {useEffect} from "react";
import {useTranslation} from "react-i18next";

import type {CallIn} from "../contract/desk";
import {moment} from "../i18n/duration";
import {useLanguage} from "../i18n";
import {useRefusalText} from "../i18n/refusal-text";
import {useNames} from "../rest/queries";
import {useSupervisionReason} from "../supervise/supervision-reason";
import {actions, useDesk} from "./desk";
import {enableSound, useRing} from "./ring";

export function Notices() {
  useToasts();
  const lost = useDesk(
    (desk) => desk.connection === "waiting" || (desk.connection === "connecting" && desk.agent !== null),
  );
  const blocked = useDesk((desk) => desk.agent?.not_responding ?? false);
  const noTelephone = useDesk((desk) => desk.agent?.device === "LOST");
  const called_in = useDesk((desk) => desk.agent?.called_in ?? null);
  return (
    <div className="tl-notices">
      {lost && <Lost />}
      {blocked && <NotResponding />}
      {noTelephone && <NoTelephone />}
      {called_in !== null && <CalledIn called_in={called_in} />}
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

/** It goes by itself once the agent is available. */
function CalledIn({called_in}: {called_in: CallIn}) {
  const {t} = useTranslation();
  const supervisionReason = useSupervisionReason();
  const pending = useDesk((desk) => desk.pending.has("dismiss_call_in"));
  const action = (
    <Button size="small" loading={pending} onClick={() => void actions.dismissCallIn()} data-testid="dismiss-call-in">
      {t("desk.dismissCallIn")}
    </Button>
  );
  return (
    <Alert
      banner
      type="info"
      title={t("desk.calledIn", {time: moment(called_in.at), reason: supervisionReason(called_in.reason)})}
      description={t("desk.calledInHelp")}
      action={action}
      data-testid="called-in"
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
