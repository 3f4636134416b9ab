/**
 * What an agent is to do now: available, a break with its kind, signed out; to get calls without a telephone; or to come,
 * who is signed out.
 */

import {Radio, Select} from "antd";
import {useState} from "react";
import {useTranslation} from "react-i18next";

import type {AgentRow} from "../contract/wall";
import {useReasonName} from "../desk/reason-name";
import {useLanguage} from "../i18n";
import {useDirectory, useNames} from "../rest/queries";
import {type ForcedIntent, useDecisions} from "../rest/supervision";
import {isSignedOut, lacksTelephone} from "../wall/wall-state";
import {Decision} from "./decision";

/** What is chosen: a state, that calls come although no gateway has the telephone, or that the agent is called in. */
type Choice = ForcedIntent["intent"] | "FORGET_DEVICE" | "CALL_IN" | "END_CALL_IN";

const HELP = {
  FORGET_DEVICE: "supervise.forgetDeviceHelp",
  CALL_IN: "supervise.callInHelp",
  END_CALL_IN: "supervise.endCallInHelp",
} as const;

interface Props {
  row: AgentRow;
  onClose: () => void;
}

export function AgentDecision({row, onClose}: Props) {
  const {agent_id} = row;
  const {t} = useTranslation();
  const names = useNames(useLanguage());
  const reasonName = useReasonName();
  const {setIntent, forgetDevice, callIn, endCallIn} = useDecisions();
  const {data: directory} = useDirectory();
  const [choice, choose] = useState<Choice>();
  const [break_reason, setBreakReason] = useState("");
  const breaks = (directory?.break_reasons ?? []).map((reason) => ({value: reason, label: reasonName(reason)}));
  const intents = (["AVAILABLE", "BREAK", "OFFLINE"] as const).map((value) => ({value, label: t(`intent.${value}`)}));
  const choices = [
    ...intents,
    ...(lacksTelephone(row) ? [{value: "FORGET_DEVICE", label: t("supervise.forgetDevice")}] : []),
    ...(row.called_in === null && isSignedOut(row) ? [{value: "CALL_IN", label: t("supervise.callIn")}] : []),
    ...(row.called_in === null ? [] : [{value: "END_CALL_IN", label: t("supervise.endCallIn")}]),
  ];
  const decide = async (reason: string) => {
    if (choice === undefined) return;
    if (choice === "FORGET_DEVICE") await forgetDevice(agent_id, reason);
    else if (choice === "CALL_IN") await callIn(agent_id, reason);
    else if (choice === "END_CALL_IN") await endCallIn(agent_id, reason);
    else await setIntent(agent_id, {intent: choice, break_reason: choice === "BREAK" ? break_reason : "", reason});
  };
  return (
    <Decision
      title={t("supervise.agent", {agent: names.agent(agent_id)})}
      isComplete={choice !== undefined}
      decide={decide}
      onClose={onClose}
    >
      <p className="tl-quiet">{t(helpOf(choice))}</p>
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

function helpOf(choice: Choice | undefined) {
  return choice !== undefined && choice in HELP ? HELP[choice as keyof typeof HELP] : "supervise.agentHelp";
}
