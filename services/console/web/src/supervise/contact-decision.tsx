/** Where a contact that waits or rings is to go: to an agent, to a queue, away from whom it rings at, or nowhere any more. */

import {Alert, Radio, Select} from "antd";
import {useState} from "react";
import {useTranslation} from "react-i18next";

import type {WaitingContact} from "../contract/rest";
import {inLanguage} from "../contract/text";
import {useLanguage} from "../i18n";
import {shortId} from "../i18n/short-id";
import {useDirectory, useNames} from "../rest/queries";
import {useDecisions} from "../rest/supervision";
import {useAgentOptions} from "./agent-options";
import {Decision} from "./decision";

/** `back/` and whom it is taken from: it may ring at several. */
type Way = "agent" | "queue" | "close" | `back/${string}`;

interface Props {
  contact: WaitingContact;
  queue_id: string;
  onClose: () => void;
}

export function ContactDecision({contact, queue_id, onClose}: Props) {
  const {t} = useTranslation();
  const language = useLanguage();
  const names = useNames(language);
  const {pull, requeue, close} = useDecisions();
  const {data: directory} = useDirectory();
  const [way, setWay] = useState<Way>("agent");
  const [target, setTarget] = useState<string>();
  const agents = useAgentOptions();
  const queues = (directory?.queues ?? [])
    .filter((queue) => queue.queue_id !== queue_id)
    .map((queue) => ({value: queue.queue_id, label: inLanguage(queue.name, language) || queue.queue_id}));
  const decide = (reason: string) =>
    way === "agent"
      ? pull(contact.contact_id, target ?? "", reason)
      : way === "queue"
        ? requeue(contact, target ?? "", reason)
        : way === "close"
          ? close(contact.contact_id, reason)
          : requeue({...contact, agent_id: way.slice("back/".length)}, "", reason);
  const needsTarget = way === "agent" || way === "queue";
  const choose = (chosen: Way) => {
    setWay(chosen);
    setTarget(undefined);
  };
  const ways = [
    {value: "agent", label: t("supervise.toAgent")},
    ...(contact.callback ? [] : [{value: "queue", label: t("supervise.toQueue")}]),
    ...contact.agent_ids.map((agent_id) => ({
      value: `back/${agent_id}`,
      label: t("supervise.back", {agent: names.agent(agent_id)}),
    })),
    {value: "close", label: t(contact.callback ? "supervise.withdraw" : "supervise.close")},
  ];
  return (
    <Decision
      title={t("supervise.contact", {contact: shortId(contact.contact_id)})}
      isComplete={!needsTarget || target !== undefined}
      decide={decide}
      onClose={onClose}
    >
      <Radio.Group
        value={way}
        options={ways}
        onChange={({target: chosen}) => {
          choose(chosen.value as Way);
        }}
        data-testid="decision-way"
      />
      {way === "close" && (
        <Alert type="warning" showIcon title={t(contact.callback ? "supervise.withdrawHelp" : "supervise.closeHelp")} />
      )}
      {needsTarget && (
        <Select
          key={way}
          showSearch={{optionFilterProp: "label"}}
          {...(target === undefined ? {} : {value: target})}
          options={way === "agent" ? agents : queues}
          onChange={setTarget}
          placeholder={t(way === "agent" ? "supervise.chooseAgent" : "supervise.chooseQueue")}
          aria-label={t(way === "agent" ? "supervise.chooseAgent" : "supervise.chooseQueue")}
          data-testid="decision-target"
        />
      )}
    </Decision>
  );
}
