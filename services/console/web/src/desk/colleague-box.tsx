/** Where agent and colleague write to each other about a chat: beside the field for the customer, with a draft of its own. */

import {Button, Input} from "antd";
import {useId} from "react";
import {useTranslation} from "react-i18next";

import {useLanguage} from "../i18n";
import {useNames} from "../rest/queries";
import {actions, colleagueDraft, useDesk} from "./desk";
import {sendsOnEnter} from "./sends-on-enter";

/** As many characters as channels takes of a whisper. */
const MAX_WHISPER = 500;

interface Props {
  contact_id: string;
  offer_no: number;
  /** Who reads it. */
  agent_id: string;
}

export function ColleagueBox({contact_id, offer_no, agent_id}: Props) {
  const {t} = useTranslation();
  const names = useNames(useLanguage());
  const id = useId();
  const draft = colleagueDraft(contact_id, offer_no);
  const text = useDesk((desk) => desk.drafts[draft] ?? "");
  const isSending = useDesk((desk) => desk.pending.has(`to_colleague:${contact_id}`));
  const ready = text.trim() !== "" && !isSending;
  const send = () => {
    if (ready) void actions.sayToColleague(contact_id, offer_no, text.trim());
  };
  return (
    <div className="tl-message-box tl-labelled-box tl-to-whisper">
      <label htmlFor={id}>{t("consultation.chat.toColleague", {agent: names.agent(agent_id)})}</label>
      <Input.TextArea
        id={id}
        autoSize={{minRows: 1, maxRows: 4}}
        maxLength={MAX_WHISPER}
        showCount
        value={text}
        onChange={(event) => actions.draft(draft, event.target.value)}
        onKeyDown={sendsOnEnter(send)}
        data-testid="colleague-input"
      />
      <Button disabled={!ready} loading={isSending} onClick={send} data-testid="colleague-send">
        {t("conversation.send")}
      </Button>
    </div>
  );
}
