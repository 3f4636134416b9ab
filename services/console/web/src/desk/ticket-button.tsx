/** Makes a ticket of a conversation with one press, and says that it was made. */

import {App, Button} from "antd";
import type {MouseEvent} from "react";
import {useTranslation} from "react-i18next";
import {Link} from "react-router";

import type {ContactView, WorkItem} from "../contract/desk";
import {inLanguage} from "../contract/text";
import {useLanguage} from "../i18n";
import {useRefusalText} from "../i18n/refusal-text";
import {useNames} from "../rest/queries";
import {useCustomerName} from "./customer-name";
import {TICKET_BUTTON} from "./desk-keys";
import {makeTicket, makingOf, useMaking} from "./ticket-making";
import {proposedSubject} from "./ticket-subject";

interface Props {
  item: WorkItem;
  contact: ContactView | undefined;
}

export function TicketButton({item, contact}: Props) {
  const {t} = useTranslation();
  const {message} = App.useApp();
  const refusalText = useRefusalText();
  const subject = useSubject(item, contact);
  const {busy, ticket_id} = useMaking((all) => makingOf(all, item.contact_id));
  const make = (event: MouseEvent) => {
    if (event.detail > 1) return; // the rest of a double click
    makeTicket(item.contact_id, subject).catch((error: unknown) => message.error(refusalText(error as Error), 6));
  };
  return (
    <Button id={TICKET_BUTTON} loading={busy} onClick={make} data-testid="ticket-create">
      {t(ticket_id === null ? "ticket.create" : "ticket.another")}
    </Button>
  );
}

/** Empty, but there, before there is something to say: only then do screen readers say it. */
export function TicketMade({item}: Pick<Props, "item">) {
  const {t} = useTranslation();
  const {busy, ticket_id} = useMaking((all) => makingOf(all, item.contact_id));
  return (
    <p className="tl-ticket-made" role="status" data-testid="ticket-made">
      {ticket_id !== null && !busy && (
        <>
          {t("ticket.created")} <Link to={`/tickets?ticket=${ticket_id}`}>{t("ticket.show")}</Link>
        </>
      )}
    </p>
  );
}

function useSubject(item: WorkItem, contact: ContactView | undefined): string {
  const language = useLanguage();
  const names = useNames(language);
  const name = useCustomerName(contact);
  const texts = (contact?.messages ?? [])
    .filter(({author}) => author === "CUSTOMER")
    .map(({text}) => inLanguage(text, language));
  return (
    proposedSubject(names.queue(item.queue_id), name, Object.values(contact?.gathered ?? {}), texts) || item.contact_id
  );
}
