/** The messages of a conversation, the newest below and in view. */

import {Button} from "antd";
import {useLayoutEffect, useRef} from "react";
import {useTranslation} from "react-i18next";

import type {Channel, Message, Whisper} from "../contract/desk";
import {inLanguage} from "../contract/text";
import {moment} from "../i18n/duration";
import {useLanguage} from "../i18n";
import {useRefusalText} from "../i18n/refusal-text";
import {useNames} from "../rest/queries";
import {actions, deskClock, useDesk} from "./desk";
import {type Echo, type Line, linesOf} from "./desk-state";

interface Props {
  contact_id: string;
  channel: Channel;
  messages: readonly Message[];
  whispers: readonly Whisper[];
}

export function MessageLog({contact_id, channel, messages, whispers}: Props) {
  const {t} = useTranslation();
  const echoes = useDesk((desk) => desk.echoes);
  const mine = echoes.filter((echo) => echo.contact_id === contact_id);
  const log = useNewestInView(messages.length + whispers.length + mine.length);
  return (
    <div
      ref={log}
      className="tl-log"
      role="log"
      aria-label={t("conversation.log")}
      tabIndex={0}
      data-testid="message-log"
    >
      {messages.length === 0 && mine.length === 0 && channel === "CHAT" && (
        <p className="tl-quiet">{t("conversation.empty")}</p>
      )}
      <Lines lines={linesOf(messages, whispers)} />
      {mine.map((echo) => (
        <EchoBubble key={echo.key} echo={echo} />
      ))}
    </div>
  );
}

export function Lines({lines}: {lines: readonly Line[]}) {
  return lines.map(({message, whisper}) =>
    message !== undefined ? (
      <Bubble key={`message-${message.no.toString()}`} message={message} />
    ) : (
      <WhisperBubble key={`whisper-${whisper.no.toString()}`} whisper={whisper} />
    ),
  );
}

function WhisperBubble({whisper}: {whisper: Whisper}) {
  const {t} = useTranslation();
  const me = useDesk((desk) => desk.agent?.agent_id);
  const names = useNames(useLanguage());
  const {supervisor_id, agent_id, colleague_id, author_agent_id} = whisper;
  const byAgent = author_agent_id !== "";
  const reader = byAgent && author_agent_id === agent_id ? colleague_id : agent_id;
  const words = {
    name: byAgent ? names.agent(author_agent_id) : names.supervisor(supervisor_id),
    agent: names.agent(reader),
  };
  const way = byAgent ? "conversation.aside" : "conversation.whispered";
  const head = t(
    byAgent && author_agent_id === me ? "conversation.asideByYou" : `${way}${reader === me ? "ToYou" : "To"}`,
    words,
  );
  return (
    <div className="tl-bubble tl-whisper" data-testid={`whisper-${whisper.no.toString()}`}>
      <span className="tl-bubble-head">
        {head} <time dateTime={whisper.at}>{moment(whisper.at, deskClock.now())}</time>
      </span>
      <span className="tl-bubble-text">{whisper.text || t("conversation.erased")}</span>
    </div>
  );
}

function Bubble({message}: {message: Message}) {
  const {t} = useTranslation();
  const language = useLanguage();
  const text = inLanguage(message.text, language);
  const me = useDesk((desk) => desk.agent?.agent_id);
  const names = useNames(language);
  const agent = message.agent_id === me ? t("conversation.you") : names.agent(message.agent_id);
  const author = {
    CUSTOMER: t("conversation.customer"),
    AGENT: agent,
    SYSTEM: t("conversation.system"),
    SUPERVISOR: t("conversation.supervisor", {name: names.supervisor(message.supervisor_id)}),
  }[message.author];
  return (
    <div className={`tl-bubble tl-by-${message.author.toLowerCase()}`} data-testid={`message-${message.no}`}>
      <span className="tl-bubble-head">
        {author} <time dateTime={message.at}>{moment(message.at, deskClock.now())}</time>
      </span>
      <span className="tl-bubble-text">{text || t("conversation.erased")}</span>
    </div>
  );
}

function EchoBubble({echo}: {echo: Echo}) {
  const {t} = useTranslation();
  const refusalText = useRefusalText();
  const again = () => {
    actions.discard(echo.key);
    void actions.say(echo.contact_id, echo.text);
  };
  return (
    <div className="tl-bubble tl-by-agent tl-echo" data-refused={echo.refusal !== null}>
      <span className="tl-bubble-head">
        {t("conversation.you")} {t(echo.refusal === null ? "conversation.sending" : "conversation.failed")}
      </span>
      <span className="tl-bubble-text">{echo.text}</span>
      {echo.refusal !== null && (
        <span className="tl-bubble-head">
          {refusalText(echo.refusal)}
          <Button size="small" type="link" onClick={again}>
            {t("conversation.again")}
          </Button>
          <Button size="small" type="link" onClick={() => actions.discard(echo.key)}>
            {t("conversation.discard")}
          </Button>
        </span>
      )}
    </div>
  );
}

/** Also when the log becomes smaller because something else needs room. */
function useNewestInView(count: number) {
  const log = useRef<HTMLDivElement>(null);
  useLayoutEffect(() => {
    const shown = log.current;
    if (shown === null) return;
    const toNewest = () => (shown.scrollTop = shown.scrollHeight);
    toNewest();
    const observer = new ResizeObserver(toNewest);
    observer.observe(shown);
    return () => observer.disconnect();
  }, [count]);
  return log;
}
