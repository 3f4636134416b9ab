/** The messages of a conversation, the newest below and in view. */

import {Button} from "antd";
import {useLayoutEffect, useRef} from "react";
import {useTranslation} from "react-i18next";

import type {Channel, Message} from "../contract/desk";
import {inLanguage} from "../contract/text";
import {moment} from "../i18n/duration";
import {useLanguage} from "../i18n";
import {useRefusalText} from "../i18n/refusal-text";
import {useNames} from "../rest/queries";
import {actions, deskClock, useDesk} from "./desk";
import type {Echo} from "./desk-state";

interface Props {
  contact_id: string;
  channel: Channel;
  messages: readonly Message[];
}

export function MessageLog({contact_id, channel, messages}: Props) {
  const {t} = useTranslation();
  const echoes = useDesk((desk) => desk.echoes);
  const mine = echoes.filter((echo) => echo.contact_id === contact_id);
  const log = useNewestInView(messages.length + mine.length);
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
      {messages.map((message) => (
        <Bubble key={message.no} message={message} />
      ))}
      {mine.map((echo) => (
        <EchoBubble key={echo.key} echo={echo} />
      ))}
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
  const author = {CUSTOMER: t("conversation.customer"), AGENT: agent, SYSTEM: t("conversation.system")}[message.author];
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
