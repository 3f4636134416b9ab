/** What an agent is to do now: available, a break with its kind, signed out. */

import {Radio, Select} from "antd";
import {useState} from "react";
import {useTranslation} from "react-i18next";

import {useReasonName} from "../desk/reason-name";
import {useLanguage} from "../i18n";
import {useDirectory, useNames} from "../rest/queries";
import {type ForcedIntent, useDecisions} from "../rest/supervision";
import {Decision} from "./decision";

type Intent = ForcedIntent["intent"];

interface Props {
  agent_id: string;
  onClose: () => void;
}

export function AgentDecision({agent_id, onClose}: Props) {
  const {t} = useTranslation();
  const names = useNames(useLanguage());
  const reasonName = useReasonName();
  const {setIntent} = useDecisions();
  const {data: directory} = useDirectory();
  const [intent, choose] = useState<Intent>();
  const [break_reason, setBreakReason] = useState("");
  const breaks = (directory?.break_reasons ?? []).map((reason) => ({value: reason, label: reasonName(reason)}));
  const intents = (["AVAILABLE", "BREAK", "OFFLINE"] as const).map((value) => ({value, label: t(`intent.${value}`)}));
  const decide = async (reason: string) => {
    if (intent === undefined) return;
    await setIntent(agent_id, {intent, break_reason: intent === "BREAK" ? break_reason : "", reason});
  };
  return (
    <Decision
      title={t("supervise.agent", {agent: names.agent(agent_id)})}
      isComplete={intent !== undefined}
      decide={decide}
      onClose={onClose}
    >
      <p className="tl-quiet">{t("supervise.agentHelp")}</p>
      <Radio.Group
        {...(intent === undefined ? {} : {value: intent})}
        options={intents}
        onChange={({target}) => {
          choose(target.value as Intent);
        }}
        data-testid="decision-intent"
      />
      {intent === "BREAK" && (
        <Select
          {...(break_reason === "" ? {} : {value: break_reason})}
          options={breaks}
          onChange={setBreakReason}
          placeholder={t("supervise.breakReason")}
          aria-label={t("supervise.breakReason")}
          data-testid="decision-break"
        />
      )}
    </Decision>
  );
}
