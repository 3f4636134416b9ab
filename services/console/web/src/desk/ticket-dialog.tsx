/** Makes a ticket of a conversation; the subject is proposed. */

import {App, Form, Input, type InputRef, Modal} from "antd";
import {useRef} from "react";
import {useTranslation} from "react-i18next";

import type {ContactView, WorkItem} from "../contract/desk";
import {inLanguage} from "../contract/text";
import {useLanguage} from "../i18n";
import {Problem} from "../rest/client";
import {useCreateTicket, useNames} from "../rest/queries";
import {useCustomerName} from "./customer-name";
import {useDialogs} from "./desk-keys";
import {useRefusalText} from "./refusal-text";
import {proposedSubject} from "./ticket-subject";

interface Props {
  item: WorkItem;
  contact: ContactView | undefined;
}

export function TicketDialog({item, contact}: Props) {
  const {t} = useTranslation();
  const [form] = Form.useForm<{subject: string}>();
  const box = useRef<InputRef>(null);
  const open = useDialogs((dialogs) => dialogs.ticket);
  const subject = useProposal(item, contact);
  const {create, busy} = useCreation(item.contact_id);
  return (
    <Modal
      open={open}
      title={t("ticket.newTitle")}
      okText={t("ticket.submit")}
      okButtonProps={{"data-testid": "ticket-submit"}}
      confirmLoading={busy}
      onOk={form.submit}
      onCancel={close}
      afterOpenChange={(shown) => shown && box.current?.focus({cursor: "end"})}
      destroyOnHidden
    >
      <Form
        form={form}
        layout="vertical"
        initialValues={{subject}}
        onFinish={create}
        preserve={false}
        requiredMark={false}
      >
        <Form.Item
          name="subject"
          label={t("ticket.subject")}
          rules={[{required: true, whitespace: true, message: t("ticket.subjectMissing")}]}
        >
          <Input ref={box} maxLength={200} data-testid="ticket-subject" />
        </Form.Item>
      </Form>
    </Modal>
  );
}

function close(): void {
  useDialogs.setState({ticket: false});
}

function useProposal(item: WorkItem, contact: ContactView | undefined): string {
  const language = useLanguage();
  const names = useNames(language);
  const name = useCustomerName(contact);
  const texts = (contact?.messages ?? [])
    .filter(({author}) => author === "CUSTOMER")
    .map(({text}) => inLanguage(text, language));
  return proposedSubject(names.queue(item.queue_id), name, Object.values(contact?.gathered ?? {}), texts);
}

function useCreation(contact_id: string) {
  const {t} = useTranslation();
  const {message} = App.useApp();
  const refusalText = useRefusalText();
  const creation = useCreateTicket();
  const create = ({subject}: {subject: string}) =>
    creation.mutate(
      {contact_id, subject: subject.trim()},
      {
        onSuccess: () => {
          close();
          void message.success(t("ticket.created"));
        },
        onError: (error) => {
          const rule = error instanceof Problem ? error.rule : "";
          void message.error(refusalText({reason: rule, message: error.message}));
        },
      },
    );
  return {create, busy: creation.isPending};
}
