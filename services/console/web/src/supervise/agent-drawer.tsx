/** Whom an agent talks to now, and how a supervisor listens, whispers, barges in or takes over. */

import {Alert, Button, Drawer, Space, Table, Tag} from "antd";
import {useState} from "react";
import {useTranslation} from "react-i18next";

import {useNow} from "../connection/ticking";
import type {MonitoringMode} from "../contract/desk";
import type {ConnectedContact} from "../contract/rest";
import {ChannelIcon} from "../desk/channel-icon";
import {clockTime} from "../i18n/duration";
import {useLanguage} from "../i18n";
import {useRefusalText} from "../i18n/refusal-text";
import {shortId} from "../i18n/short-id";
import {useMe, useNames} from "../rest/queries";
import {useConnected, useMonitoring} from "../rest/supervision";
import {wallClock} from "../wall/wall";
import {MonitorDecision, TakeOverDecision} from "./monitoring-decisions";
import {ReadChats} from "./read-along";

const MODES = ["LISTEN", "WHISPER", "BARGE"] as const;

interface Props {
  agent_id: string;
  onClose: () => void;
}

/** What is being decided, about which contact. */
interface Chosen {
  contact: ConnectedContact;
  what: MonitoringMode | "take-over";
}

export function AgentDrawer({agent_id, onClose}: Props) {
  const {t} = useTranslation();
  const names = useNames(useLanguage());
  return (
    <Drawer open size="large" title={t("monitoring.title", {agent: names.agent(agent_id)})} onClose={onClose}>
      <div data-testid="agent-contacts">
        <ContactTable agent_id={agent_id} />
        <ReadChats agent_id={agent_id} />
      </div>
    </Drawer>
  );
}

function ContactTable({agent_id}: {agent_id: string}) {
  const {t} = useTranslation();
  const names = useNames(useLanguage());
  const refusalText = useRefusalText();
  const {data, error, isPending} = useConnected(agent_id);
  const [chosen, choose] = useState<Chosen>();
  const close = () => {
    choose(undefined);
  };
  const columns = [
    {
      title: t("supervise.channel"),
      render: (contact: ConnectedContact) => <ChannelIcon channel={contact.channel} />,
    },
    {
      title: t("supervise.contactId"),
      render: ({contact_id}: ConnectedContact) => <span title={contact_id}>{shortId(contact_id)}</span>,
    },
    {title: t("monitoring.queue"), render: ({queue_id}: ConnectedContact) => names.queue(queue_id)},
    {title: t("monitoring.since"), render: ({since}: ConnectedContact) => <Since since={since} />},
    {title: t("monitoring.who"), render: (contact: ConnectedContact) => <Who contact={contact} />},
    {
      key: "actions",
      render: (contact: ConnectedContact) => (
        <Actions
          contact={contact}
          choose={(what) => {
            choose({contact, what});
          }}
        />
      ),
    },
  ];
  return (
    <>
      {error !== null && <Alert type="error" showIcon title={refusalText(error)} />}
      <Table
        rowKey="contact_id"
        columns={columns}
        dataSource={data?.contacts ?? []}
        loading={isPending}
        pagination={false}
        locale={{emptyText: t("monitoring.nobody")}}
        size="small"
      />
      <p className="tl-quiet">{t("monitoring.help")}</p>
      {chosen?.what === "take-over" && (
        <TakeOverDecision contact={chosen.contact} agent_id={agent_id} onClose={close} />
      )}
      {chosen !== undefined && chosen.what !== "take-over" && (
        <MonitorDecision contact={chosen.contact} mode={chosen.what} onClose={close} />
      )}
    </>
  );
}

/** Who listens, or what became of it last. */
function Who({contact}: {contact: ConnectedContact}) {
  const {t} = useTranslation();
  const names = useNames(useLanguage());
  const refusalText = useRefusalText();
  const {monitoring, monitoring_end: end, taking_over_agent_id: taker, take_over_refusal: refusal} = contact;
  if (taker !== "") return <Tag>{t("monitoring.takingOver", {agent: names.agent(taker)})}</Tag>;
  const worth = ENDS.find((known) => known === end);
  return (
    <span
      data-testid={`monitoring-${contact.contact_id}`}
      data-mode={monitoring?.is_joined === true ? monitoring.mode : ""}
    >
      {monitoring !== null && (
        <Tag className={monitoring.is_joined ? "tl-tag-monitored" : ""}>
          {t(monitoring.is_joined ? `${kindOf(contact)}.state.${monitoring.mode}` : "monitoring.joining", {
            name: monitoring.supervisor_name,
          })}
        </Tag>
      )}
      {monitoring === null && worth !== undefined && <span className="tl-quiet">{t(`monitoring.ended.${worth}`)}</span>}
      {refusal !== "" && <Alert type="error" title={refusalText({reason: refusal, message: refusal})} />}
    </span>
  );
}

/** Where the words for it stand: a chat is read, not heard. */
function kindOf({channel}: ConnectedContact) {
  return channel === "CHAT" ? "monitoring.chat" : "monitoring";
}

/** What the supervisor did not choose. */
const ENDS = ["supervisor_gone", "not_joined", "leg_failed", "on_the_call"] as const;

function Actions({contact, choose}: {contact: ConnectedContact; choose: (what: Chosen["what"]) => void}) {
  const {t} = useTranslation();
  const {data: me} = useMe();
  const {monitor, stop} = useMonitoring();
  const [refusal, setRefusal] = useState<Error>();
  const [isStopping, setStopping] = useState(false);
  const refusalText = useRefusalText();
  const {contact_id, monitoring, channel} = contact;
  const own = monitoring !== null && monitoring.supervisor_id === me?.user_id ? monitoring : null;
  const isOthers = monitoring !== null && own === null;
  const run = (doing: Promise<void>) => {
    setRefusal(undefined);
    return doing.catch((error: unknown) => {
      setRefusal(error as Error);
    });
  };
  /** Until the row is read again it shows what was: a mode pressed then would begin anew, and ask for no reason. */
  const stopHere = () => {
    setStopping(true);
    void run(stop(contact_id)).finally(() => {
      setStopping(false);
    });
  };
  const isReady = channel === "CHAT" || (own?.is_joined === true && (me?.agent_id ?? null) !== null);
  return (
    <Space wrap>
      {MODES.map((mode) => (
        <Button
          key={mode}
          size="small"
          disabled={isOthers || isStopping || own?.mode === mode}
          onClick={() => {
            if (own === null) choose(mode);
            else void run(monitor(contact_id, mode, own.reason)); // the reason stands: who must speak must not look for one
          }}
          data-testid={`monitor-${mode}`}
        >
          {t(`${kindOf(contact)}.mode.${mode}`)}
        </Button>
      ))}
      {own !== null && (
        <Button size="small" loading={isStopping} onClick={stopHere} data-testid="monitor-stop">
          {t("monitoring.stop")}
        </Button>
      )}
      <Button
        size="small"
        danger
        disabled={!isReady}
        title={isReady ? "" : t("monitoring.takeOverNeeds")}
        onClick={() => {
          choose("take-over");
        }}
        data-testid="take-over"
      >
        {t("monitoring.takeOver")}
      </Button>
      {refusal !== undefined && <Alert type="error" title={refusalText(refusal)} data-testid="monitoring-refused" />}
    </Space>
  );
}

function Since({since}: {since: string}) {
  return <>{clockTime(useNow(wallClock) - Date.parse(since))}</>;
}
