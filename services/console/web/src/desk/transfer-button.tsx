/** Gives a conversation on to a queue, and says why where it stays. */

import {Alert, Button, Dropdown} from "antd";
import {useTranslation} from "react-i18next";

import type {ContactView, WorkItem} from "../contract/desk";
import {inLanguage} from "../contract/text";
import {useLanguage} from "../i18n";
import {useRefusalText} from "../i18n/refusal-text";
import {useDirectory} from "../rest/queries";
import {actions, useDesk} from "./desk";

interface Props {
  item: WorkItem;
  contact: ContactView | undefined;
}

export function TransferButton({item, contact}: Props) {
  const {t} = useTranslation();
  const language = useLanguage();
  const {data} = useDirectory();
  const asking = useDesk((desk) => desk.pending.has(`transfer:${item.contact_id}`));
  const waiting = asking || (contact?.transfer_queue_id ?? "") !== "";
  const queues = (data?.queues ?? []).map(({queue_id, name}) => ({
    key: queue_id,
    label: inLanguage(name, language) || queue_id,
  }));
  const menu = {items: queues, onClick: ({key}: {key: string}) => void actions.transfer(item.contact_id, key)};
  return (
    <Dropdown menu={menu} trigger={["click"]} disabled={waiting || queues.length === 0}>
      <Button loading={waiting} title={t("transfer.help")} data-testid="transfer">
        {t("transfer.button")}
      </Button>
    </Dropdown>
  );
}

export function TransferRefused({item, contact}: Props) {
  const {t} = useTranslation();
  const refusalText = useRefusalText();
  const reason = contact?.transfer_refusal ?? "";
  if (reason === "" || item.state !== "CONNECTED") return null;
  const why = refusalText({reason, message: reason});
  return (
    <Alert type="warning" showIcon title={t("transfer.refused")} description={why} data-testid="transfer-refused" />
  );
}
