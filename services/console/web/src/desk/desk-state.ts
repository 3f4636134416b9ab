/** What the desk shows, as pure functions from frame to frame. Owns no connection and no time. */

import type {AgentView, ContactView, HandOnNote, Message, Whisper, WorkItem} from "../contract/desk";
import type {Refusal} from "../connection/outbox";

/** A message of the agent that the conversation does not show yet. */
export interface Echo {
  key: string;
  contact_id: string;
  text: string;
  /** Messages up to this number were there when it was sent. */
  after_no: number;
  refusal: Refusal | null;
}

export interface DeskState {
  agent: AgentView | null;
  contacts: Readonly<Record<string, ContactView>>;
  selected: string | null;
  /** The newest message of each contact when the agent last looked away from it. */
  seen: Readonly<Record<string, number>>;
  /** The same of what was whispered. */
  seen_whispers: Readonly<Record<string, number>>;
  echoes: readonly Echo[];
}

export const EMPTY_DESK: DeskState = {
  agent: null,
  contacts: {},
  selected: null,
  seen: {},
  seen_whispers: {},
  echoes: [],
};

/** The agent as a whole changed; what left the agent's work leaves the desk. */
export function withAgent(state: DeskState, agent: AgentView): DeskState {
  const mine = new Set(agent.work.map((item) => item.contact_id));
  const contacts = Object.fromEntries(Object.entries(state.contacts).filter(([id]) => mine.has(id)));
  return {
    ...withSelected(state, selection(state.selected, agent.work)),
    agent,
    contacts,
    echoes: state.echoes.filter((echo) => mine.has(echo.contact_id)),
  };
}

/** One contact changed; a view older than the known one is ignored. */
export function withContact(state: DeskState, contact: ContactView): DeskState {
  const known = state.contacts[contact.contact_id];
  if (known !== undefined && known.version > contact.version) return state;
  const messages = merged(known?.messages ?? [], contact.messages);
  return {
    ...state,
    contacts: {...state.contacts, [contact.contact_id]: {...contact, messages}},
    echoes: state.echoes.filter((echo) => !arrived(echo, contact.contact_id, messages)),
  };
}

/** The agent looks at another contact, or at none. */
export function withSelected(state: DeskState, selected: string | null): DeskState {
  const left = state.selected;
  if (left === null || left === selected) return {...state, selected};
  const known = state.contacts[left];
  return {
    ...state,
    selected,
    seen: {...state.seen, [left]: known?.messages.at(-1)?.no ?? 0},
    seen_whispers: {...state.seen_whispers, [left]: known?.whispers.at(-1)?.no ?? 0},
  };
}

/** How many messages of the customer, and words of a supervisor or colleague, the agent has not looked at. */
export function unreadOf({agent, contacts, selected, seen, seen_whispers}: DeskState, contact_id: string): number {
  if (selected === contact_id) return 0;
  const {messages = [], whispers = []} = contacts[contact_id] ?? {};
  const written = messages.filter(({no, author}) => no > (seen[contact_id] ?? 0) && author === "CUSTOMER");
  const others = whispers.filter(({author_agent_id}) => author_agent_id !== agent?.agent_id);
  const whispered = others.filter(({no}) => no > (seen_whispers[contact_id] ?? 0));
  return written.length + whispered.length;
}

/** A line of a conversation: a message, or what was whispered. */
export type Line = {message: Message; whisper?: never} | {whisper: Whisper; message?: never};

/** All lines in the order in which they were written. */
export function linesOf(messages: readonly Message[], whispers: readonly Whisper[]): Line[] {
  const after = (no: number) => whispers.filter(({after_no}) => after_no === no).map((whisper) => ({whisper}));
  return [...after(0), ...messages.flatMap((message) => [{message}, ...after(message.no)])];
}

/** What the customer said last, or told the menu: it tells two unnamed customers apart. */
export function newestOf(contact: ContactView | undefined): string {
  const said = contact?.messages.filter(({author}) => author === "CUSTOMER").at(-1)?.text;
  if (typeof said === "string" && said !== "") return said;
  return Object.values(contact?.gathered ?? {}).at(-1) ?? "";
}

/**
 * What colleagues left, the newest first; who is asked about a call reads the note that came with the question above
 * them. What was erased is left out.
 */
export function notesOf(contact: ContactView | undefined, asked_by: string): HandOnNote[] {
  const left = [...(contact?.notes ?? [])].reverse();
  const asked = {agent_id: asked_by, text: contact?.consultation?.note ?? "", at: null};
  return [...(asked_by === "" ? [] : [asked]), ...left].filter(({text}) => text !== "");
}

/** Frames may carry all messages or only new ones; the number decides, and the newer frame is right. */
export function merged<M extends {no: number}>(known: readonly M[], news: readonly M[]): M[] {
  const by_no = new Map([...known, ...news].map((message) => [message.no, message]));
  return [...by_no.values()].sort((a, b) => a.no - b.no);
}

export function offersOf(agent: AgentView | null): WorkItem[] {
  return agent?.work.filter((item) => item.state === "OFFERED") ?? [];
}

/** Parked chats: those whose customers wait, then the others; who has been there longest first. */
export function parkedFirst(work: readonly WorkItem[]): WorkItem[] {
  const parked = work.filter((item) => item.parked !== null);
  const since_ms = ({customer_waits, parked}: WorkItem) => Date.parse(customer_waits ?? parked ?? "");
  const isSilent = (item: WorkItem) => Number(item.customer_waits === null);
  return parked.sort((a, b) => isSilent(a) - isSilent(b) || since_ms(a) - since_ms(b));
}

/** The offer that the desk shows: the selected one, else the one that ends first. */
export function currentOffer({agent, selected}: Pick<DeskState, "agent" | "selected">): WorkItem | undefined {
  const offers = offersOf(agent);
  const ends_ms = ({expires, since}: WorkItem) => Date.parse(expires ?? since);
  return offers.find((offer) => offer.contact_id === selected) ?? offers.sort((a, b) => ends_ms(a) - ends_ms(b))[0];
}

/** How an offer ended without the agent. */
export type Ended = "outpaced" | "missed" | "gone";

/** The agent's offers that ended without the agent: `outpaced` by a colleague, `missed` by time, else `gone`. */
export function vanished(before: AgentView | null, after: AgentView, now_ms: number): Ended | null {
  const live = new Set(after.work.map((item) => item.contact_id));
  const ended = offersOf(before).filter((offer) => !live.has(offer.contact_id));
  const first = ended[0];
  if (first === undefined) return null;
  const {contact_id, offer_no} = after.outpaced;
  if (first.contact_id === contact_id && first.offer_no === offer_no) return "outpaced";
  return first.expires !== null && Date.parse(first.expires) <= now_ms + 500 ? "missed" : "gone";
}

/** Who got a contact that was this agent's a moment ago, because a supervisor took it over; null for nobody. */
export function takenBy(before: AgentView | null, after: AgentView): string | null {
  const {contact_id, agent_id} = after.taken;
  const had = before?.work.some((item) => item.contact_id === contact_id && item.state === "CONNECTED") ?? false;
  const has = after.work.some((item) => item.contact_id === contact_id && item.state === "CONNECTED");
  return had && !has ? agent_id : null;
}

/** Keep what the agent looks at while it is there; else the next thing that needs the agent. */
function selection(selected: string | null, work: readonly WorkItem[]): string | null {
  if (work.some((item) => item.contact_id === selected)) return selected;
  const first = work.find((item) => item.state === "CONNECTED" && item.parked === null) ?? work[0];
  return first?.contact_id ?? null;
}

function arrived(echo: Echo, contact_id: string, messages: readonly Message[]): boolean {
  if (echo.contact_id !== contact_id || echo.refusal !== null) return false;
  return messages.some(
    (message) => message.no > echo.after_no && message.author === "AGENT" && message.text === echo.text,
  );
}
