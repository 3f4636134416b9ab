/** Tickets made of conversations: one press makes one. Owns each attempt until it is known what became of it. */

import {create} from "zustand";

import {newCommandId, Problem} from "../rest/client";
import {createTicket, type NewTicket} from "../rest/queries";

export interface Making {
  busy: boolean;
  /** What was sent and may have been done: the next press sends the same again, and makes no second ticket. */
  open: NewTicket | null;
  /** The newest ticket that was made of the conversation on this desk. */
  ticket_id: string | null;
}

const NOTHING: Making = {busy: false, open: null, ticket_id: null};

/** By contact. */
export const useMaking = create<Readonly<Record<string, Making>>>(() => ({}));

export function makingOf(all: Readonly<Record<string, Making>>, contact_id: string): Making {
  return all[contact_id] ?? NOTHING;
}

/** Does nothing while one is being made. Fails as REST does. */
export async function makeTicket(contact_id: string, subject: string): Promise<void> {
  const {busy, open} = makingOf(useMaking.getState(), contact_id);
  if (busy) return;
  const ticket = open ?? {contact_id, subject, command_id: newCommandId()};
  note(contact_id, {busy: true});
  try {
    note(contact_id, {busy: false, open: null, ticket_id: await createTicket(ticket)});
  } catch (error) {
    note(contact_id, {busy: false, open: isRefusal(error) ? null : ticket});
    throw error;
  }
}

export function forgetTickets(): void {
  useMaking.setState({}, true);
}

function note(contact_id: string, change: Partial<Making>): void {
  useMaking.setState((all) => ({[contact_id]: {...makingOf(all, contact_id), ...change}}));
}

/** After all other failures it may have been done. */
function isRefusal(error: unknown): boolean {
  return error instanceof Problem && error.status >= 400 && error.status < 500 && error.status !== 429;
}
