/** What the console's REST answers. The shapes only; no behaviour. */

import type {MonitoringMode} from "./desk";
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
  /** Who may supervise. */
  supervisors: {user_id: string; name: string}[];
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

/** A contact that an agent has connected, and the supervisor who monitors it. */
export interface ConnectedContact {
  contact_id: string;
  queue_id: string;
  channel: "CHAT" | "VOICE";
  since: string;
  monitoring: Monitoring | null;
  /** How the last monitoring ended; empty for none. */
  monitoring_end: string;
  /** For whom it is being taken over; empty for nobody. */
  taking_over_agent_id: string;
  /** Why the last take-over was refused; empty for none. */
  take_over_refusal: string;
}

export interface Monitoring {
  /** 1, 2, 3, … in the contact. */
  monitoring_no: number;
  supervisor_id: string;
  supervisor_name: string;
  mode: MonitoringMode;
  reason: string;
  /** Whether the supervisor's leg is up; before that nothing is heard. Always of a chat. */
  is_joined: boolean;
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
  /** What agents left for the next one, the oldest first. */
  notes: {agent_id: string; written: string; text: string}[];
}

export interface Customer {
  customer_id: string;
  version: number;
  name: string | null;
  do_not_call: boolean;
  identities: {channel: string; address: string}[];
  contacts: CustomerContact[];
  /** Whose account it is; empty for nobody's. */
  account_owner_id: string;
}
