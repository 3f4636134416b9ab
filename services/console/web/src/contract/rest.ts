/** What the console's REST answers. The shapes only; no behaviour. */

import type {LocalizedText} from "./text";

export type Role = "AGENT" | "SUPERVISOR" | "ADMIN";

export interface Me {
  user_id: string;
  name: string;
  roles: Role[];
  agent_id: string | null;
  tenant_id: string;
  tenant_name: string;
  time_zone: string;
}

/** Words for a reader; the facts behind them are for programs. */
export interface ContactExplanation {
  sentences: string[];
}

export interface Directory {
  queues: {queue_id: string; name: LocalizedText}[];
  agents: {agent_id: string; name: string; skills: {skill: string; level: number}[]}[];
  wrap_up_codes: {code: string; name: LocalizedText}[];
  break_reasons: string[];
  supervision_reasons: string[];
}

/** `agent_id` is whom it rings at, of several the one asked last, empty while it waits; `aged_since` is when its customer began to wait at all. */
export interface WaitingContact {
  contact_id: string;
  channel: "CHAT" | "VOICE";
  entered: string;
  agent_id: string;
  /** All whom it rings at, in the order in which they were asked. */
  agent_ids: string[];
  value_permille: number;
  aged_since: string;
  callback: boolean;
}

export interface Waiting {
  contacts: WaitingContact[];
  has_more: boolean;
  now: string;
}

export const TICKET_STATES = ["OPEN", "IN_PROGRESS", "RESOLVED"] as const;

export type TicketState = (typeof TICKET_STATES)[number];

/** `author` is role and id: `agent:ag_1`. A body of an erased person is empty. */
export interface Note {
  note_id: string;
  body: string;
  author: string;
  created: string;
}

export interface Ticket {
  ticket_id: string;
  state: TicketState;
  subject: string;
  contact_id: string;
  customer_id: string;
  created: string;
  notes: Note[];
}

export interface TicketPage {
  items: Ticket[];
  next: string | null;
}

export interface CustomerContact {
  contact_id: string;
  channel: string;
  opened: string;
  closed: string | null;
  queue_id: string;
  agent_id: string;
  wrap_up_code: string;
  close_reason: string;
}

export interface Customer {
  customer_id: string;
  version: number;
  name: string | null;
  identities: {channel: string; address: string}[];
  contacts: CustomerContact[];
}
