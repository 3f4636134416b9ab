/** A ticket's notes, and a box for the next one. */

import {App, Button, Input} from "antd";
import {useState} from "react";
import {useTranslation} from "react-i18next";

import type {Note, Ticket} from "../contract/rest";
import {moment} from "../i18n/duration";
import {useLanguage} from "../i18n";
import {useRefusalText} from "../i18n/refusal-text";
import {useAddNote, useNames} from "../rest/queries";

export function Notes({ticket}: {ticket: Ticket}) {
  const {t} = useTranslation();
  return (
    <div className="tl-notes">
      {ticket.notes.length === 0 && <p className="tl-quiet">{t("ticket.noNotes")}</p>}
      <ul>
        {ticket.notes.map((note) => (
          <li key={note.note_id}>
            <NoteLine note={note} />
          </li>
        ))}
      </ul>
      <NoteBox ticket_id={ticket.ticket_id} />
    </div>
  );
}

function NoteLine({note}: {note: Note}) {
  const authorName = useAuthorName();
  return (
    <>
      <span className="tl-quiet">{[authorName(note.author), moment(note.created)].join(" · ")}</span>
      <p className="tl-break">{note.body}</p>
    </>
  );
}

/** An author is written as role and id; agents have names. */
function useAuthorName(): (author: string) => string {
  const {t} = useTranslation();
  const names = useNames(useLanguage());
  return (author) => {
    const [role = "", id = ""] = author.split(":");
    if (role === "agent") return names.agent(id);
    return t(`ticket.author.${role}` as "ticket.author.admin", {defaultValue: author});
  };
}

function NoteBox({ticket_id}: Pick<Ticket, "ticket_id">) {
  const {t} = useTranslation();
  const {message} = App.useApp();
  const refusalText = useRefusalText();
  const [body, write] = useState("");
  const adding = useAddNote();
  const add = () => {
    if (body.trim() === "") return;
    adding.mutate(
      {ticket_id, body: body.trim()},
      {
        onSuccess: () => write(""),
        onError: (error) => void message.error(refusalText(error)),
      },
    );
  };
  return (
    <div className="tl-note-box">
      <Input
        value={body}
        maxLength={4000}
        placeholder={t("ticket.notePlaceholder")}
        aria-label={t("ticket.notePlaceholder")}
        onChange={(event) => write(event.target.value)}
        onPressEnter={(event) => !event.nativeEvent.isComposing && add()}
        data-testid={`ticket-note-${ticket_id}`}
      />
      <Button
        onClick={add}
        loading={adding.isPending}
        disabled={body.trim() === ""}
        data-testid={`ticket-note-add-${ticket_id}`}
      >
        {t("ticket.addNote")}
      </Button>
    </div>
  );
}
