/** A dialogue in which a supervisor decides something, with the reason; it stays open and says why where it is refused. */

import {Alert, Modal, Select} from "antd";
import {useState} from "react";
import {useTranslation} from "react-i18next";

import {useRefusalText} from "../i18n/refusal-text";
import {useDirectory} from "../rest/queries";
import {useSupervisionReason} from "./supervision-reason";

interface Props {
  title: string;
  /** False while something is still to be chosen. */
  isComplete: boolean;
  decide: (reason: string) => Promise<void>;
  onClose: () => void;
  children: React.ReactNode;
}

export function Decision({title, isComplete, decide, onClose, children}: Props) {
  const {t} = useTranslation();
  const refusalText = useRefusalText();
  const [reason, setReason] = useState<string>();
  const [isSending, setSending] = useState(false);
  const [refusal, setRefusal] = useState<Error>();
  const send = async () => {
    if (reason === undefined) return;
    setSending(true);
    setRefusal(undefined);
    try {
      await decide(reason);
      onClose();
    } catch (error) {
      setRefusal(error as Error);
    } finally {
      setSending(false);
    }
  };
  return (
    <Modal
      open
      title={title}
      okText={t("supervise.decide")}
      okButtonProps={{disabled: !isComplete || reason === undefined, loading: isSending}}
      cancelText={t("supervise.cancel")}
      cancelButtonProps={{disabled: isSending}}
      closable={!isSending}
      keyboard={!isSending}
      mask={{closable: !isSending}}
      onOk={() => void send()}
      onCancel={onClose}
    >
      <div className="tl-decision" data-testid="decision">
        {children}
        <ReasonSelect value={reason} onChange={setReason} />
        {refusal !== undefined && (
          <div data-testid="decision-refused">
            <Alert type="error" showIcon title={refusalText(refusal)} />
          </div>
        )}
      </div>
    </Modal>
  );
}

function ReasonSelect({value, onChange}: {value: string | undefined; onChange: (reason: string) => void}) {
  const {t} = useTranslation();
  const supervisionReason = useSupervisionReason();
  const {data} = useDirectory();
  const options = (data?.supervision_reasons ?? []).map((reason) => ({
    value: reason,
    label: supervisionReason(reason),
  }));
  return (
    <label className="tl-decision-reason">
      {t("supervise.why")}
      <Select
        {...(value === undefined ? {} : {value})}
        options={options}
        onChange={onChange}
        placeholder={t("supervise.whyHelp")}
        data-testid="decision-reason"
      />
    </label>
  );
}
