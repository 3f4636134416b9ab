/** One customer: profile, identities, contacts; erasing for those who may. */

import {App, Button, Card, Descriptions, Table} from "antd";
import {useTranslation} from "react-i18next";
import {useParams} from "react-router";

import type {Customer, CustomerContact} from "../contract/rest";
import {clockTime, moment} from "../i18n/duration";
import {useLanguage} from "../i18n";
import {useRefusalText} from "../i18n/refusal-text";
import {useCustomer, useEraseCustomer, useMe, useNames} from "../rest/queries";
import {maySupervise} from "../rest/roles";
import {usePageTitle} from "../shell/page-title";
import {Failed, Waiting} from "../shell/waiting";
import {AccountOwner} from "./account-owner";
import {CustomerName} from "./customer-name";
import {DoNotCall} from "./do-not-call";
import {NotesOf} from "./history";
import {Identities} from "./identities";

export default function CustomerPage() {
  const {t} = useTranslation();
  const {customerId = ""} = useParams();
  const {data: customer, isPending, refetch} = useCustomer(customerId);
  const {data: me} = useMe();
  usePageTitle(t("customer.title"));
  if (isPending) return <Waiting />;
  if (customer === undefined) return <Failed retry={() => void refetch()} />;
  return (
    <div className="tl-page tl-customer">
      <h1>{t("customer.title")}</h1>
      <Card>
        <Descriptions column={1} styles={{label: {width: 140}}}>
          <Descriptions.Item label={t("customer.name")}>
            <CustomerName customer={customer} />
          </Descriptions.Item>
          <Descriptions.Item label={t("customer.identities")}>
            <Identities identities={customer.identities} />
          </Descriptions.Item>
          <Descriptions.Item label={t("customer.owner")}>
            <AccountOwner customer={customer} />
          </Descriptions.Item>
          <Descriptions.Item label={t("customer.calls")}>
            <DoNotCall customer={customer} />
          </Descriptions.Item>
        </Descriptions>
        {maySupervise(me) && <Erase customer_id={customer.customer_id} />}
      </Card>
      <h2>{t("customer.history")}</h2>
      <Contacts contacts={customer.contacts} />
    </div>
  );
}

function Erase({customer_id}: Pick<Customer, "customer_id">) {
  const {t} = useTranslation();
  const {message, modal} = App.useApp();
  const refusalText = useRefusalText();
  const erasing = useEraseCustomer(customer_id);
  const erase = async () => {
    try {
      await erasing.mutateAsync();
      void message.success(t("customer.erased"));
    } catch (error) {
      void message.error(refusalText(error as Error));
    }
  };
  const ask = () =>
    modal.confirm({
      title: t("customer.eraseTitle"),
      content: t("customer.eraseText"),
      okText: t("customer.eraseConfirm"),
      okButtonProps: {danger: true, "data-testid": "erase-confirm"},
      cancelText: t("common.cancel"),
      focusable: {autoFocusButton: "cancel"},
      onOk: erase,
    });
  return (
    <Button danger loading={erasing.isPending} onClick={ask} data-testid="erase">
      {t("customer.erase")}
    </Button>
  );
}

function Contacts({contacts}: {contacts: CustomerContact[]}) {
  const {t} = useTranslation();
  const names = useNames(useLanguage());
  const channel = (name: string) => t(`desk.channel.${name}` as "desk.channel.CHAT", {defaultValue: name});
  const reason = (name: string) =>
    t(`customer.closeReason.${name}` as "customer.closeReason.INACTIVE", {defaultValue: name});
  const columns = [
    {title: t("customer.opened"), dataIndex: "opened", render: (opened: string) => moment(opened)},
    {title: t("customer.channel"), dataIndex: "channel", render: channel},
    {title: t("customer.duration"), key: "lasted", render: lasted},
    {title: t("customer.queue"), dataIndex: "queue_id", render: (id: string) => id && names.queue(id)},
    {title: t("customer.agent"), dataIndex: "agent_id", render: (id: string) => id && names.agent(id)},
    {title: t("customer.code"), dataIndex: "wrap_up_code", render: (code: string) => code && names.code(code)},
    {title: t("customer.notes"), key: "notes", render: notesOf},
    {title: t("customer.closed"), dataIndex: "close_reason", render: (name: string) => name && reason(name)},
  ];
  return (
    <Table<CustomerContact>
      rowKey="contact_id"
      size="middle"
      columns={columns}
      dataSource={[...contacts].sort((a, b) => Date.parse(b.opened) - Date.parse(a.opened))}
      pagination={{pageSize: 20, hideOnSinglePage: true}}
      locale={{emptyText: t("customer.noHistory")}}
    />
  );
}

function notesOf(_: unknown, contact: CustomerContact) {
  return <NotesOf contact={contact} />;
}

function lasted(_: unknown, {opened, closed}: CustomerContact): string {
  return closed === null ? "" : clockTime(Date.parse(closed) - Date.parse(opened));
}
