/** A customer's contacts, the newest first, in short. */

import {useTranslation} from "react-i18next";

import type {CustomerContact} from "../contract/rest";
import {moment} from "../i18n/duration";
import {useLanguage} from "../i18n";
import {useNames} from "../rest/queries";

export function History({contacts}: {contacts: readonly CustomerContact[]}) {
  const {t} = useTranslation();
  if (contacts.length === 0) return <p className="tl-quiet">{t("customer.noHistory")}</p>;
  const sorted = [...contacts].sort((a, b) => Date.parse(b.opened) - Date.parse(a.opened));
  return (
    <ul className="tl-history">
      {sorted.map((contact) => (
        <Entry key={contact.contact_id} contact={contact} />
      ))}
    </ul>
  );
}

/** What agents left for the next one, in the order in which they did. */
export function NotesOf({contact}: {contact: CustomerContact}) {
  const {t} = useTranslation();
  const names = useNames(useLanguage());
  return contact.notes.map(({agent_id, written, text}) => (
    <span className="tl-history-note" key={`${agent_id} ${written}`} data-testid="history-note">
      {t("note.from", {agent: names.agent(agent_id)})} {text}
    </span>
  ));
}

function Entry({contact}: {contact: CustomerContact}) {
  const {t} = useTranslation();
  const names = useNames(useLanguage());
  const channel = t(`desk.channel.${contact.channel}` as "desk.channel.CHAT", {defaultValue: contact.channel});
  const outcome =
    contact.closed === null ? t("customer.current") : contact.wrap_up_code && names.code(contact.wrap_up_code);
  const words = [
    channel,
    contact.queue_id && names.queue(contact.queue_id),
    contact.agent_id && names.agent(contact.agent_id),
  ];
  return (
    <li>
      <span className="tl-work-row">
        <time dateTime={contact.opened}>{moment(contact.opened)}</time>
        <span>{outcome}</span>
      </span>
      <span className="tl-quiet">{words.filter(Boolean).join(" · ")}</span>
      <NotesOf contact={contact} />
    </li>
  );
}
