/** What the agent should know: why this contact came to this very agent, and what colleagues left with it. */

import {Tag} from "antd";
import {useTranslation} from "react-i18next";

import type {ContactView, HandOnNote, NamedFor, WorkItem} from "../contract/desk";
import {moment} from "../i18n/duration";
import {useLanguage} from "../i18n";
import {useNames} from "../rest/queries";
import {notesOf} from "./desk-state";

export function KnownFor({preference}: {preference: NamedFor}) {
  const {t} = useTranslation();
  if (preference === "UNSPECIFIED") return null;
  return (
    <Tag color="blue" data-testid="known-for">
      {t(`note.because.${preference}`)}
    </Tag>
  );
}

export function HandOnNotes({item, contact}: {item: WorkItem; contact: ContactView | undefined}) {
  const {t} = useTranslation();
  const notes = notesOf(contact, item.asked_by);
  if (notes.length === 0 && item.preference === "UNSPECIFIED") return null;
  return (
    <section className="tl-panel tl-notes" aria-label={t("note.title")} data-testid="hand-on-notes">
      <KnownFor preference={item.preference} />
      {notes.map((note) => (
        <NoteLine key={`${note.agent_id} ${note.at ?? ""}`} {...note} />
      ))}
    </section>
  );
}

export function NoteLine({agent_id, text, at}: HandOnNote) {
  const {t} = useTranslation();
  const names = useNames(useLanguage());
  return (
    <figure className="tl-note">
      <figcaption className="tl-quiet">
        {t("note.from", {agent: names.agent(agent_id)})} {at !== null && <time dateTime={at}>{moment(at)}</time>}
      </figcaption>
      <blockquote>{text}</blockquote>
    </figure>
  );
}
