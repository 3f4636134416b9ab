/** Says that a supervisor listens to the call or reads the chat along, or is heard there. */

import {Alert} from "antd";
import {useTranslation} from "react-i18next";

import type {ContactView, WorkItem} from "../contract/desk";

interface Props {
  item: WorkItem;
  contact: ContactView | undefined;
}

export function Monitored({item, contact}: Props) {
  const {t} = useTranslation();
  const mode = contact?.monitoring ?? null;
  if (mode === null || item.state !== "CONNECTED") return null;
  const told = mode === "WHISPER" && item.asked_by !== "" ? "LISTEN" : mode; // it is for who has the contact alone
  return (
    <div role="status" data-testid="monitored" data-mode={mode}>
      <Alert
        type={told === "LISTEN" ? "info" : "warning"}
        showIcon
        title={t(`${item.channel === "CHAT" ? "monitoring.chat" : "monitoring"}.told.${told}`)}
      />
    </div>
  );
}
