/** Gives a conversation on to a queue, there to a colleague if one is named, and says why where it stays. */

import {Alert, Button} from "antd";
import {useState} from "react";
import {useTranslation} from "react-i18next";

import type {ContactView, WorkItem} from "../contract/desk";
import {inLanguage} from "../contract/text";
import {useLanguage} from "../i18n";
import {useRefusalText} from "../i18n/refusal-text";
import {useDirectory} from "../rest/queries";
import {useWallConnection} from "../wall/wall";
import {useNamedColleagues} from "./colleagues";
import {actions, useDesk} from "./desk";
import {Choice, HandOnDialog} from "./hand-on-dialog";

interface Props {
  item: WorkItem;
  contact: ContactView | undefined;
}

export function TransferButton({item, contact}: Props) {
  const {t} = useTranslation();
  const [isOpen, setOpen] = useState(false);
  const asking = useDesk((desk) => desk.pending.has(`transfer:${item.contact_id}`));
  const waiting = asking || (contact?.transfer_queue_id ?? "") !== "";
  return (
    <>
      <Button
        loading={waiting}
        disabled={waiting}
        title={t("transfer.help")}
        onClick={() => {
          setOpen(true);
        }}
        data-testid="transfer"
      >
        {t("transfer.button")}
      </Button>
      {isOpen && (
        <TransferDialog
          contact_id={item.contact_id}
          onClose={() => {
            setOpen(false);
          }}
        />
      )}
    </>
  );
}

function TransferDialog({contact_id, onClose}: {contact_id: string; onClose: () => void}) {
  const {t} = useTranslation();
  useWallConnection();
  const queues = useQueues();
  const colleagues = useNamedColleagues();
  const [queue_id, setQueue] = useState<string>();
  const [agent_id, setAgent] = useState<string>();
  return (
    <HandOnDialog
      title={t("transfer.title")}
      okText={t("transfer.button")}
      isComplete={queue_id !== undefined}
      send={(note) => void actions.transfer(contact_id, queue_id ?? "", agent_id ?? "", note)}
      onClose={onClose}
    >
      <p className="tl-quiet">{t("transfer.help")}</p>
      <Choice
        label={t("transfer.queue")}
        placeholder={t("transfer.chooseQueue")}
        value={queue_id}
        options={queues}
        choose={setQueue}
        testid="transfer-queue"
      />
      <Choice
        label={t("transfer.agent")}
        placeholder={t("transfer.anybody")}
        value={agent_id}
        options={colleagues}
        choose={setAgent}
        isOptional
        testid="transfer-agent"
      />
    </HandOnDialog>
  );
}

function useQueues() {
  const language = useLanguage();
  const {data} = useDirectory();
  return (data?.queues ?? []).map(({queue_id, name}) => ({
    value: queue_id,
    label: inLanguage(name, language) || queue_id,
  }));
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
