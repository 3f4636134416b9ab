/** Where the agent writes. Enter sends, unless an input method is composing a character. */

import {Button, Input} from "antd";
import {useTranslation} from "react-i18next";

import {bytesOf, MAX_TEXT_BYTES} from "../contract/text";
import {actions, useDesk} from "./desk";
import {MESSAGE_BOX} from "./desk-keys";
import {sendsOnEnter} from "./sends-on-enter";

interface Props {
  contact_id: string;
  /** Shown above the field, where it is not the only one. */
  label?: string | undefined;
  /** Not where it appears beside another field, in which the agent may be writing. */
  autoFocus: boolean;
}

export function MessageBox({contact_id, label, autoFocus}: Props) {
  const {t} = useTranslation();
  const text = useDesk((desk) => desk.drafts[contact_id] ?? "");
  const bytes = bytesOf(text.trim());
  const tooLong = bytes > MAX_TEXT_BYTES;
  const ready = text.trim() !== "" && !tooLong;
  const send = () => {
    if (!ready) return;
    void actions.say(contact_id, text.trim());
    actions.draft(contact_id, "");
  };
  return (
    <div className="tl-message-box tl-labelled-box">
      {label !== undefined && <label htmlFor={MESSAGE_BOX}>{label}</label>}
      <Input.TextArea
        id={MESSAGE_BOX}
        autoFocus={autoFocus}
        autoSize={{minRows: 2, maxRows: 6}}
        value={text}
        status={tooLong ? "error" : ""}
        placeholder={t("conversation.placeholder")}
        {...(label === undefined ? {"aria-label": t("conversation.input")} : {})}
        onChange={(event) => actions.draft(contact_id, event.target.value)}
        onKeyDown={sendsOnEnter(send)}
        data-testid="message-input"
      />
      <Button type="primary" disabled={!ready} onClick={send} data-testid="message-send">
        {t("conversation.send")}
      </Button>
      {tooLong && <span role="alert">{t("conversation.tooLong", {bytes, most: MAX_TEXT_BYTES})}</span>}
    </div>
  );
}
