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
  return (
    <div role="status" data-testid="monitored" data-mode={mode}>
      <Alert
        type={mode === "LISTEN" ? "info" : "warning"}
        showIcon
        title={t(`${item.channel === "CHAT" ? "monitoring.chat" : "monitoring"}.told.${mode}`)}
      />
    </div>
  );
}
