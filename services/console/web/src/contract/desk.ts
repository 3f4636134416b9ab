/** What the console sends to the desk. The shapes only; no behaviour. */

import type {Text} from "./text";

export type Intent = "AVAILABLE" | "BREAK" | "OFFLINE";
export type WorkState = "OFFERED" | "CONNECTING" | "CONNECTED" | "WRAP_UP";
export type Channel = "CHAT" | "VOICE";
/** The telephone, as gateways say: UNSPECIFIED where none ever said anything; LOST gets no calls. */
export type Device = "UNSPECIFIED" | "REGISTERED" | "LOST";

/** A supervisor asked the agent to come; it counts until then. */
export interface CallIn {
  at: string;
  until: string;
  reason: string;
}

export type NamedFor = "UNSPECIFIED" | "LAST_AGENT" | "ACCOUNT_OWNER" | "NAMED";

export interface WorkItem {
  contact_id: string;
  queue_id: string;
  segment_no: number;
  offer_no: number;
  channel: Channel;
  state: WorkState;
  since: string;
  expires: string | null;
  entered: string;
  /** How often the end of this timed wrap-up may still be put off. */
  extensions_left: number;
  /** The customer is called back: dialled once the agent accepts. */
  callback: boolean;
  /** Of a call-back: the customer was dialled first and is on the line. */
  callback_reached: boolean;
  /** Since when the chat is parked and takes no room; null: it is not. */
  parked: string | null;
  /** Since when the customer of a parked chat waits for room; null: the customer is silent. */
  customer_waits: string | null;
  /** The colleague who has the contact and asks about it; empty for a contact of one's own. */
  asked_by: string;
  /** Why this very agent was named for it. */
  preference: NamedFor;
}

export type MonitoringMode = "LISTEN" | "WHISPER" | "BARGE";

/** The colleague who is asked about a contact, and how far that is. */
export interface Consultation {
  agent_id: string;
  offer_no: number;
  state: "REQUESTED" | "OFFERED" | "CONNECTING" | "TALKING" | "CONFERENCE";
  /** Whom the agent who has a call talks to, while it is TALKING; the other one is on hold. */
  talks_to: "CUSTOMER" | "COLLEAGUE";
  /** What the colleague should know; empty for nothing. */
  note: string;
}

/** What an agent who gave a contact on left for the next one; an erased one is empty. */
export interface HandOnNote {
  agent_id: string;
  text: string;
  at: string | null;
}

export interface Candidate {
  agent_id: string;
  /** Empty for the chosen one. */
  not_chosen_because: string;
  idle_ms: number;
}

export interface Explanation {
  policy_version: number;
  trigger: string;
  value_score_permille: number;
  urgency_score_permille: number;
  wait_score_permille: number;
  waiting_count: number;
  /** The chosen one first. */
  candidates: Candidate[];
  /** 0: the chosen one meets all that the contact came with. */
  ring: number;
  /** The queue whose agents help out, where the chosen one could take it only for that. */
  helping_queue_id: string;
  /** At how many agents it rings at once; 0 where one alone is asked. */
  asked_count: number;
  /** Why the chosen one was named for it. */
  preference: `PREFERENCE_${NamedFor}`;
}

export interface AgentView {
  agent_id: string;
  version: number;
  intent: Intent;
  break_reason: string;
  /** What the agent will want once the work at hand is done. */
  next_intent: Intent | null;
  connectivity: string;
  not_responding: boolean;
  device: Device;
  since: string;
  now: string;
  work: WorkItem[];
  explanation: Explanation | null;
  /** The newest offer that a colleague accepted first; an empty contact before there was one. */
  outpaced: {contact_id: string; offer_no: number};
  /** The contact that a supervisor took over last, and who got it; an empty one before there was any. */
  taken: {contact_id: string; agent_id: string};
  /** Null for an agent who is not called in. */
  called_in: CallIn | null;
}

export interface Message {
  no: number;
  author: "CUSTOMER" | "AGENT" | "SYSTEM" | "SUPERVISOR";
  /** Which agent wrote it; empty for anybody else. */
  agent_id: string;
  /** Which supervisor wrote it; empty for anybody else. */
  supervisor_id: string;
  text: Text;
  at: string;
}

/** What the customer never gets: a supervisor wrote for the agent, or agents to each other; an erased one is empty. */
export interface Whisper {
  no: number;
  /** Empty where an agent wrote. */
  supervisor_id: string;
  agent_id: string;
  /** The colleague who was asked, and which of the two wrote; empty for a supervisor's. */
  colleague_id: string;
  author_agent_id: string;
  text: string;
  at: string;
  /** It stands after the message of this number. */
  after_no: number;
}

export interface ContactView {
  contact_id: string;
  version: number;
  state: string;
  channel: Channel;
  customer_id: string;
  customer: {name: string | null; contacts: number} | null;
  queue_id: string;
  agent_id: string;
  messages: Message[];
  gathered: Record<string, string>;
  opened: string;
  locale: string;
  /** Where the agent is giving it on; empty while nobody does. */
  transfer_queue_id: string;
  /** Why the last transfer came to nothing; empty for none. */
  transfer_refusal: string;
  consultation: Consultation | null;
  /** Why the last consultation was refused; empty for none. */
  consultation_refusal: string;
  /** How the last consultation ended without the colleague having the contact; empty for none. */
  consultation_end: string;
  /** The oldest first. */
  notes: HandOnNote[];
  /** How a supervisor monitors the contact, as far as its agent is told of it. */
  monitoring: MonitoringMode | null;
  /** What was whispered to this agent, or written to or by a colleague, the oldest first. */
  whispers: Whisper[];
}

export type DeskFrame =
  | {type: "agent"; agent: AgentView; owner_latency_ms: number | null}
  | {type: "contact"; contact: ContactView}
  | {type: "done"; command_id: string}
  | {type: "refused"; command_id: string; reason: string; message: string; retry_after_s: number | null}
  | {type: "pong"}
  | {type: "replaced"};
