/** Who waits or rings in a queue now, and what a supervisor can do about each. */

import {Alert, Button, Drawer, Space, Table, Tag} from "antd";
import {useState} from "react";
import {useTranslation} from "react-i18next";
import {Link} from "react-router";

import {useNow} from "../connection/ticking";
import type {WaitingContact} from "../contract/rest";
import {ChannelIcon} from "../desk/channel-icon";
import {clockTime} from "../i18n/duration";
import {useLanguage} from "../i18n";
import {useRefusalText} from "../i18n/refusal-text";
import {shortId} from "../i18n/short-id";
import {useNames} from "../rest/queries";
import {useWaiting} from "../rest/supervision";
import {wallClock} from "../wall/wall";
import {ContactDecision} from "./contact-decision";

interface Props {
  queue_id: string;
  onClose: () => void;
}

export function QueueDrawer({queue_id, onClose}: Props) {
  const {t} = useTranslation();
  const names = useNames(useLanguage());
  return (
    <Drawer open size="large" title={t("supervise.queue", {queue: names.queue(queue_id)})} onClose={onClose}>
      <div data-testid="queue-waiting">
        <WaitingTable queue_id={queue_id} />
      </div>
    </Drawer>
  );
}

function WaitingTable({queue_id}: {queue_id: string}) {
  const {t} = useTranslation();
  const names = useNames(useLanguage());
  const refusalText = useRefusalText();
  const {data, error, isPending} = useWaiting(queue_id);
  const [chosen, choose] = useState<WaitingContact>();
  const columns = [
    {
      title: t("supervise.channel"),
      render: (contact: WaitingContact) => <ChannelIcon channel={contact.channel} />,
    },
    {
      title: t("supervise.contactId"),
      render: ({contact_id}: WaitingContact) => <span title={contact_id}>{shortId(contact_id)}</span>,
    },
    {title: t("supervise.waited"), render: (contact: WaitingContact) => <Waited since={contact.aged_since} />},
    {
      title: t("supervise.value"),
      render: ({value_permille}: WaitingContact) => (value_permille > 0 ? value_permille / 1000 : "–"),
    },
    {
      title: t("supervise.where"),
      render: ({agent_id, agent_ids, callback}: WaitingContact) => (
        <Space>
          {agent_ids.length > 1
            ? t("supervise.ringsAt", {count: agent_ids.length})
            : agent_id === ""
              ? t("supervise.waits")
              : t("supervise.rings", {agent: names.agent(agent_id)})}
          {callback && <Tag>{t("supervise.callback")}</Tag>}
        </Space>
      ),
    },
    {
      key: "actions",
      render: (contact: WaitingContact) => (
        <Space>
          <Button
            size="small"
            onClick={() => {
              choose(contact);
            }}
            data-testid={`decide-${contact.contact_id}`}
          >
            {t("supervise.decideContact")}
          </Button>
          <Link to={`/why/${encodeURIComponent(contact.contact_id)}`}>{t("nav.why")}</Link>
        </Space>
      ),
    },
  ];
  return (
    <>
      {error !== null && <Alert type="error" showIcon title={refusalText(error)} />}
      <Table
        rowKey="contact_id"
        columns={columns}
        dataSource={data?.contacts ?? []}
        loading={isPending}
        pagination={false}
        locale={{emptyText: t("supervise.nobody")}}
        size="small"
      />
      {data?.has_more === true && <p className="tl-quiet">{t("supervise.more", {count: data.contacts.length})}</p>}
      {chosen !== undefined && (
        <ContactDecision
          contact={chosen}
          queue_id={queue_id}
          onClose={() => {
            choose(undefined);
          }}
        />
      )}
    </>
  );
}

function Waited({since}: {since: string}) {
  return <>{clockTime(useNow(wallClock) - Date.parse(since))}</>;
}
