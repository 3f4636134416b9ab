/** The chats that this supervisor monitors: what is written, and one input whose label says who reads it. */

import {Alert, Button, Input} from "antd";
import {useLayoutEffect, useRef, useState} from "react";
import {useTranslation} from "react-i18next";

import type {MonitoringMode} from "../contract/desk";
import type {ReadChat} from "../contract/reading";
import {bytesOf, MAX_TEXT_BYTES} from "../contract/text";
import {Gathered} from "../desk/customer-panel";
import {linesOf} from "../desk/desk-state";
import {Lines} from "../desk/message-log";
import {sendsOnEnter} from "../desk/sends-on-enter";
import {useLanguage} from "../i18n";
import {useRefusalText} from "../i18n/refusal-text";
import {shortId} from "../i18n/short-id";
import {useMe, useNames} from "../rest/queries";
import {useConnected, useMonitoring} from "../rest/supervision";
import {useReading} from "./reading";

/** One monitoring of one chat: what ended stays in view until it is closed. */
interface Read {
  contact_id: string;
  monitoring_no: number;
}

/** Those that were monitored since this was opened. */
export function ReadChats({agent_id}: {agent_id: string}) {
  const {data} = useConnected(agent_id);
  const {data: me} = useMe();
  const [known, setKnown] = useState<readonly Read[]>([]);
  const fresh = (data?.contacts ?? []).flatMap(({contact_id, channel, monitoring}) => {
    if (channel !== "CHAT" || monitoring === null || monitoring.supervisor_id !== me?.user_id) return [];
    const {monitoring_no} = monitoring;
    const isKnown = known.some((read) => read.contact_id === contact_id && read.monitoring_no === monitoring_no);
    return isKnown ? [] : [{contact_id, monitoring_no}];
  });
  if (fresh.length > 0) setKnown([...known, ...fresh]);
  return known.map(({contact_id, monitoring_no}) => (
    <ReadAlong key={`${contact_id}/${monitoring_no.toString()}`} contact_id={contact_id} />
  ));
}

const ENDS = ["contact_ended", "given_on", "supervisor_gone", "on_the_call", "taken_over"] as const;

function ReadAlong({contact_id}: {contact_id: string}) {
  const {t} = useTranslation();
  const {chat, ended, connection} = useReading(contact_id);
  const [isClosed, setClosed] = useState(false);
  if (isClosed || ended === "stopped" || (ended !== null && chat === null)) return null;
  return (
    <section
      className="tl-reading"
      aria-label={t("reading.title", {contact: shortId(contact_id)})}
      data-testid={`reading-${contact_id}`}
    >
      <h2 title={contact_id}>{t("reading.title", {contact: shortId(contact_id)})}</h2>
      {connection === "waiting" && <Alert type="error" showIcon title={t("reading.lost")} />}
      {chat !== null && <Gathered texts={chat.gathered} />}
      {chat === null ? <p className="tl-quiet">{t("reading.opening")}</p> : <Log chat={chat} />}
      {ended !== null ? (
        <Over
          reason={ended}
          close={() => {
            setClosed(true);
          }}
        />
      ) : (
        chat !== null && <Writing chat={chat} />
      )}
    </section>
  );
}

function Over({reason, close}: {reason: string; close: () => void}) {
  const {t} = useTranslation();
  const known = ENDS.find((end) => end === reason);
  const action = (
    <Button size="small" onClick={close} data-testid="reading-close">
      {t("reading.close")}
    </Button>
  );
  return (
    <div role="status" data-testid="reading-over" data-reason={reason}>
      <Alert type="info" showIcon title={t(`reading.ended.${known ?? "other"}`)} action={action} />
    </div>
  );
}

/** The newest in view, unless the reader has gone back: then a button says how much is new. */
function Log({chat}: {chat: ReadChat}) {
  const {t} = useTranslation();
  const lines = linesOf(chat.messages, chat.whispers);
  const log = useRef<HTMLDivElement>(null);
  const [leftAt, setLeftAt] = useState<number | null>(null);
  const isAtEnd = leftAt === null;
  useLayoutEffect(() => {
    if (isAtEnd) toNewest(log.current);
  }, [isAtEnd, lines.length]);
  const fresh = isAtEnd ? 0 : lines.length - leftAt;
  return (
    <div className="tl-reading-log">
      <div
        ref={log}
        className="tl-log"
        role="log"
        aria-label={t("conversation.log")}
        tabIndex={0}
        onScroll={({currentTarget: {scrollHeight, scrollTop, clientHeight}}) => {
          const isBack = scrollHeight - scrollTop - clientHeight > NEAR_END;
          setLeftAt(isBack ? (leftAt ?? lines.length) : null);
        }}
        data-testid="reading-log"
      >
        {lines.length === 0 && <p className="tl-quiet">{t("conversation.empty")}</p>}
        <Lines lines={lines} />
      </div>
      {fresh > 0 && (
        <Button
          size="small"
          onClick={() => {
            toNewest(log.current);
          }}
          data-testid="reading-newest"
        >
          {t("reading.newest", {count: fresh})}
        </Button>
      )}
    </div>
  );
}

const NEAR_END = 24; // pixels

function toNewest(log: HTMLDivElement | null): void {
  if (log !== null) log.scrollTop = log.scrollHeight;
}

/** As many characters as channels takes of a whisper. */
const MAX_WHISPER = 500;

/** Each mode has a draft of its own: what was begun for the agent is never sent to the customer. */
function Writing({chat}: {chat: ReadChat}) {
  const {t} = useTranslation();
  const {mode} = chat;
  const [drafts, setDrafts] = useState<Partial<Record<MonitoringMode, string>>>({});
  const label = useLabel(chat);
  if (mode === "LISTEN") {
    return (
      <p className="tl-quiet" role="status">
        {t("reading.onlyReads")}
      </p>
    );
  }
  return (
    <Box
      key={mode}
      chat={chat}
      label={label}
      text={drafts[mode] ?? ""}
      onChange={(text) => {
        setDrafts((known) => ({...known, [mode]: text}));
      }}
    />
  );
}

function useLabel({mode, agent_id}: ReadChat): string {
  const {t} = useTranslation();
  const names = useNames(useLanguage());
  return mode === "BARGE" ? t("reading.customerReads") : t("reading.agentReads", {agent: names.agent(agent_id)});
}

interface BoxProps {
  chat: ReadChat;
  label: string;
  text: string;
  onChange: (text: string) => void;
}

function Box({chat: {contact_id, mode}, label, text, onChange}: BoxProps) {
  const {t} = useTranslation();
  const {write} = useMonitoring();
  const refusalText = useRefusalText();
  const [isSending, setSending] = useState(false);
  const [refusal, setRefusal] = useState<Error>();
  const bytes = bytesOf(text.trim());
  const tooLong = bytes > MAX_TEXT_BYTES;
  const ready = text.trim() !== "" && !tooLong && !isSending;
  const send = async () => {
    if (!ready) return;
    setSending(true);
    setRefusal(undefined);
    try {
      await write(contact_id, mode, text.trim());
      onChange("");
    } catch (error) {
      setRefusal(error as Error);
    } finally {
      setSending(false);
    }
  };
  const id = `reading-input-${contact_id}`;
  return (
    <div className={`tl-message-box tl-labelled-box tl-to-${mode.toLowerCase()}`} data-mode={mode}>
      <label htmlFor={id}>{label}</label>
      <Input.TextArea
        id={id}
        autoSize={{minRows: 1, maxRows: 6}}
        {...(mode === "WHISPER" ? {maxLength: MAX_WHISPER, showCount: true} : {})}
        value={text}
        status={tooLong ? "error" : ""}
        onChange={(event) => onChange(event.target.value)}
        onKeyDown={sendsOnEnter(() => void send())}
        data-testid="reading-input"
      />
      <Button
        type="primary"
        disabled={!ready}
        loading={isSending}
        onClick={() => void send()}
        data-testid="reading-send"
      >
        {t("conversation.send")}
      </Button>
      {tooLong && <span role="alert">{t("conversation.tooLong", {bytes, most: MAX_TEXT_BYTES})}</span>}
      {refusal !== undefined && (
        <span role="alert" data-testid="reading-refused">
          {refusalText(refusal)}
        </span>
      )}
    </div>
  );
}
