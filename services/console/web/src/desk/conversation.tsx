/** One conversation: its head, the messages, the message box. */

import {Button, Space} from "antd";
import {useState} from "react";
import {useTranslation} from "react-i18next";

import type {ContactView, WorkItem} from "../contract/desk";
import {useLanguage} from "../i18n";
import {useNames} from "../rest/queries";
import {ChannelIcon} from "./channel-icon";
import {ColleagueBox} from "./colleague-box";
import {ConsultationPanel, ConsultButton} from "./consultation";
import {useCustomerName} from "./customer-name";
import {actions, useDesk} from "./desk";
import {MessageBox} from "./message-box";
import {MessageLog} from "./message-log";
import {Monitored} from "./monitored";
import {TicketButton, TicketMade} from "./ticket-button";
import {Unpark} from "./unpark";
import {TransferButton, TransferRefused} from "./transfer-button";

interface Props {
  item: WorkItem;
  contact: ContactView | undefined;
}

export function Conversation({item, contact}: Props) {
  return (
    <>
      <Head item={item} contact={contact} />
      <TicketMade item={item} />
      <TransferRefused item={item} contact={contact} />
      <Monitored item={item} contact={contact} />
      <ConsultationPanel item={item} contact={contact} />
      <MessageLog
        contact_id={item.contact_id}
        channel={item.channel}
        messages={contact?.messages ?? []}
        whispers={contact?.whispers ?? []}
      />
      <Foot item={item} contact={contact} />
    </>
  );
}

function Head({item, contact}: Props) {
  const {t} = useTranslation();
  const names = useNames(useLanguage());
  const name = useCustomerName(contact);
  const is_own = item.state === "CONNECTED" && item.asked_by === "";
  const is_alone = is_own && (contact?.consultation ?? null) === null;
  const isParked = item.parked !== null && item.state === "CONNECTED";
  const ending = useDesk((desk) => desk.pending.has(`end:${item.contact_id}`));
  return (
    <header className="tl-conversation-head">
      <div className="tl-cut">
        <h2 className="tl-cut">
          <ChannelIcon channel={item.channel} /> {name}
        </h2>
        <span className="tl-quiet">
          {names.queue(item.queue_id)} · {t(isParked ? "parking.parked" : `desk.state.${item.state}`)}
        </span>
      </div>
      <Space>
        <TicketButton item={item} contact={contact} />
        {is_alone && !isParked && <ConsultButton item={item} contact={contact} />}
        {is_alone && <TransferButton item={item} contact={contact} />}
        {is_own && (
          <Button danger loading={ending} onClick={() => void actions.end(item.contact_id)} data-testid="end-contact">
            {t(item.channel === "VOICE" ? "conversation.endCall" : "conversation.end")}
          </Button>
        )}
      </Space>
    </header>
  );
}

/** One field for each reader: the customer, and in a consultation the other agent. */
function Boxes({item, contact}: Props) {
  const {t} = useTranslation();
  const {contact_id, asked_by} = item;
  const [isOwn] = useState(asked_by === ""); // from the start: who was asked may be writing to the agent just now
  const asked = contact?.consultation ?? null;
  const colleague = asked !== null && (asked.state === "TALKING" || asked.state === "CONFERENCE") ? asked : null;
  const writesToCustomer = asked_by === "" || asked?.state === "CONFERENCE";
  return (
    <>
      {colleague !== null && (
        <ColleagueBox
          contact_id={contact_id}
          offer_no={colleague.offer_no}
          agent_id={asked_by === "" ? colleague.agent_id : asked_by}
        />
      )}
      {writesToCustomer && (
        <MessageBox
          contact_id={contact_id}
          autoFocus={isOwn}
          label={colleague === null ? undefined : t("consultation.chat.toCustomer")}
        />
      )}
    </>
  );
}

function Foot({item, contact}: Props) {
  const {t} = useTranslation();
  const names = useNames(useLanguage());
  const given_to = contact?.transfer_queue_id ?? ""; // mostly the last that this desk is told of what it gave on
  const own_id = useDesk((desk) => desk.agent?.agent_id ?? "");
  const handed_to = contact?.consultation?.agent_id ?? (contact?.agent_id === own_id ? "" : (contact?.agent_id ?? ""));
  const taken = useDesk((desk) => desk.agent?.taken);
  const hints = {
    OFFERED: t("conversation.waitAccept"),
    CONNECTING: t("conversation.connecting"),
    CONNECTED: t("conversation.voice"),
    WRAP_UP: given_to === "" ? t("conversation.over") : t("transfer.done", {queue: names.queue(given_to)}),
  };
  if (item.state === "WRAP_UP" && given_to === "" && handed_to !== "") {
    hints.WRAP_UP = t("consultation.done", {agent: names.agent(handed_to)});
  }
  if (item.state === "WRAP_UP" && taken?.contact_id === item.contact_id) {
    hints.WRAP_UP = t("monitoring.taken", {agent: names.agent(taken.agent_id)});
  }
  if (item.state === "CONNECTED" && item.parked !== null) return <Unpark item={item} />;
  if (item.state === "CONNECTED" && item.channel === "CHAT") return <Boxes item={item} contact={contact} />;
  return (
    <p className="tl-foot-hint" role="status">
      {hints[item.state]}
    </p>
  );
}
