/** Why a supervisor listens to a call or reads a chat along, and for whom a contact is taken over. */

import {Select} from "antd";
import {useState} from "react";
import {useTranslation} from "react-i18next";

import type {MonitoringMode} from "../contract/desk";
import type {ConnectedContact} from "../contract/rest";
import {shortId} from "../i18n/short-id";
import {useMe} from "../rest/queries";
import {useMonitoring} from "../rest/supervision";
import {useAgentOptions} from "./agent-options";
import {Decision} from "./decision";

interface Props {
  contact: ConnectedContact;
  onClose: () => void;
}

export function MonitorDecision({contact, mode, onClose}: Props & {mode: MonitoringMode}) {
  const {t} = useTranslation();
  const {monitor} = useMonitoring();
  const kind = contact.channel === "CHAT" ? "monitoring.chat" : "monitoring";
  return (
    <Decision
      title={t(`${kind}.decide.${mode}`, {contact: shortId(contact.contact_id)})}
      isComplete
      decide={(reason) => monitor(contact.contact_id, mode, reason)}
      onClose={onClose}
    >
      <p className="tl-quiet">{t(`${kind}.means.${mode}`)}</p>
    </Decision>
  );
}

/** A call goes to who listens to it, whose leg is up; a chat to anybody, at first to oneself. `agent_id` has it now. */
export function TakeOverDecision({contact, agent_id, onClose}: Props & {agent_id: string}) {
  const {t} = useTranslation();
  const {takeOver} = useMonitoring();
  const {data: me} = useMe();
  const own = me?.agent_id ?? undefined;
  const [target, setTarget] = useState<string | undefined>(own === agent_id ? undefined : own);
  const agents = useAgentOptions().filter(({value}) => value !== agent_id);
  return (
    <Decision
      title={t("monitoring.decide.takeOver", {contact: shortId(contact.contact_id)})}
      isComplete={target !== undefined}
      decide={(reason) => takeOver(contact.contact_id, target ?? "", reason)}
      onClose={onClose}
    >
      <p className="tl-quiet">{t("monitoring.means.takeOver")}</p>
      {contact.channel === "CHAT" && (
        <Select
          showSearch={{optionFilterProp: "label"}}
          {...(target === undefined ? {} : {value: target})}
          options={agents}
          onChange={setTarget}
          placeholder={t("supervise.chooseAgent")}
          aria-label={t("supervise.chooseAgent")}
          data-testid="decision-target"
        />
      )}
    </Decision>
  );
}
