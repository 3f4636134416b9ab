/** A dialogue in which an agent gives a contact on or asks about it: to whom, and what they should know. */

import {Input, Modal, Select} from "antd";
import {useId, useState} from "react";
import {useTranslation} from "react-i18next";

/** As long as a note may be; the server refuses longer ones. */
const LONGEST_NOTE = 500;

interface Props {
  title: string;
  okText: string;
  /** False while something is still to be chosen. */
  isComplete: boolean;
  send: (note: string) => void;
  onClose: () => void;
  children: React.ReactNode;
}

export function HandOnDialog({title, okText, isComplete, send, onClose, children}: Props) {
  const {t} = useTranslation();
  const [note, setNote] = useState("");
  const id = useId();
  const confirm = () => {
    send(note.trim());
    onClose();
  };
  return (
    <Modal
      open
      title={title}
      okText={okText}
      okButtonProps={{disabled: !isComplete, "data-testid": "hand-on-send"}}
      cancelText={t("common.cancel")}
      onOk={confirm}
      onCancel={onClose}
    >
      <div className="tl-decision" data-testid="hand-on">
        {children}
        <div className="tl-decision-reason tl-hand-on-note">
          <label htmlFor={id}>{t("note.label")}</label>
          <Input.TextArea
            id={id}
            value={note}
            maxLength={LONGEST_NOTE}
            showCount
            autoSize={{minRows: 2, maxRows: 6}}
            placeholder={t("note.help")}
            onChange={({target}) => {
              setNote(target.value);
            }}
            data-testid="hand-on-note"
          />
        </div>
      </div>
    </Modal>
  );
}

interface ChoiceProps {
  label: string;
  placeholder: string;
  value: string | undefined;
  options: {value: string; label: string}[];
  choose: (value: string | undefined) => void;
  isOptional?: boolean;
  testid: string;
}

export function Choice({label, placeholder, value, options, choose, isOptional = false, testid}: ChoiceProps) {
  const {t} = useTranslation();
  return (
    <label className="tl-decision-reason">
      {label}
      <Select
        showSearch={{optionFilterProp: "label"}}
        allowClear={isOptional}
        {...(value === undefined ? {} : {value})}
        options={options}
        onChange={choose}
        placeholder={placeholder}
        notFoundContent={t("note.nobody")}
        data-testid={testid}
      />
    </label>
  );
}
