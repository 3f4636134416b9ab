/** What an agent is to do now: available, a break with its kind, signed out; or to get calls without a telephone. */

import {Radio, Select} from "antd";
import {useState} from "react";
import {useTranslation} from "react-i18next";

import {useReasonName} from "../desk/reason-name";
import {useLanguage} from "../i18n";
import {useDirectory, useNames} from "../rest/queries";
import {type ForcedIntent, useDecisions} from "../rest/supervision";
import {Decision} from "./decision";

/** What is chosen: a state, or that calls come although no gateway has the telephone. */
type Choice = ForcedIntent["intent"] | "FORGET_DEVICE";

interface Props {
  agent_id: string;
  lacksTelephone: boolean;
  onClose: () => void;
}

export function AgentDecision({agent_id, lacksTelephone, onClose}: Props) {
  const {t} = useTranslation();
  const names = useNames(useLanguage());
  const reasonName = useReasonName();
  const {setIntent, forgetDevice} = useDecisions();
  const {data: directory} = useDirectory();
  const [choice, choose] = useState<Choice>();
  const [break_reason, setBreakReason] = useState("");
  const breaks = (directory?.break_reasons ?? []).map((reason) => ({value: reason, label: reasonName(reason)}));
  const intents = (["AVAILABLE", "BREAK", "OFFLINE"] as const).map((value) => ({value, label: t(`intent.${value}`)}));
  const choices = [
    ...intents,
    ...(lacksTelephone ? [{value: "FORGET_DEVICE", label: t("supervise.forgetDevice")}] : []),
  ];
  const decide = async (reason: string) => {
    if (choice === undefined) return;
    if (choice === "FORGET_DEVICE") await forgetDevice(agent_id, reason);
    else await setIntent(agent_id, {intent: choice, break_reason: choice === "BREAK" ? break_reason : "", reason});
  };
  return (
    <Decision
      title={t("supervise.agent", {agent: names.agent(agent_id)})}
      isComplete={choice !== undefined}
      decide={decide}
      onClose={onClose}
    >
      <p className="tl-quiet">{t(choice === "FORGET_DEVICE" ? "supervise.forgetDeviceHelp" : "supervise.agentHelp")}</p>
      <Radio.Group
        {...(choice === undefined ? {} : {value: choice})}
        options={choices}
        onChange={({target}) => {
          choose(target.value as Choice);
        }}
        data-testid="decision-intent"
      />
      {choice === "BREAK" && (
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
