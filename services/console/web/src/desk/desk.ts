/**
 * The agent's desk of this tab: one connection, kept while the tab moves between pages. Owns wiring; what frames mean
 * stands in desk-state.
 */

import {create} from "zustand";

import {ServerClock} from "../connection/clock";
import {Outbox, type Outcome, type Refusal} from "../connection/outbox";
import {ReconnectingSocket, type SocketState} from "../connection/socket";
import {uuid7} from "../connection/uuid7";
import {socketUrl} from "../connection/url";
import type {AgentView, DeskFrame, Intent, WorkItem} from "../contract/desk";
import {
  type DeskState,
  type Echo,
  EMPTY_DESK,
  type Ended,
  offersOf,
  takenBy,
  vanished,
  withAgent,
  withContact,
  withSelected,
} from "./desk-state";
import {forgetTickets} from "./ticket-making";

export interface Desk extends DeskState {
  connection: SocketState;
  /** Another tab took the desk over. */
  replaced: boolean;
  /** Controls that wait for the server. */
  pending: ReadonlySet<string>;
  refusal: Refusal | null;
  /** How the last offer ended, if not by the agent. */
  ended: Ended | null;
  /** Who got the contact that a supervisor took over last; null once the agent was told. */
  taken_by: string | null;
  drafts: Readonly<Record<string, string>>;
}

const IDLE: Desk = {
  ...EMPTY_DESK,
  connection: "stopped",
  replaced: false,
  pending: new Set(),
  refusal: null,
  ended: null,
  taken_by: null,
  drafts: {},
};

export const useDesk = create<Desk>(() => IDLE);

/** The time by which offers are counted down. */
export const deskClock = new ServerClock();

const declined = new Set<string>();
let onRejected: () => void = () => undefined;

const socket = new ReconnectingSocket(() => socketUrl("/desk/ws"), {
  opened: () => {
    deskClock.reset();
    outbox.resend();
  },
  frame: (frame) => receive(frame as DeskFrame),
  changed: (connection) => useDesk.setState({connection}),
  rejected: () => onRejected(),
});

const outbox = new Outbox(
  (frame) => socket.send(frame),
  () => deskClock.now(),
);

/** @param rejected called when the server refuses connections: perhaps the session has ended. */
export function startDesk(rejected: () => void): void {
  onRejected = rejected;
  socket.start();
}

export function stopDesk(): void {
  socket.stop();
  declined.clear();
  forgetTickets();
  useDesk.setState(IDLE);
}

/** Take the desk back from the other tab. */
export function takeDesk(): void {
  useDesk.setState({replaced: false});
  socket.start();
}

function receive(frame: DeskFrame): void {
  switch (frame.type) {
    case "agent":
      return receiveAgent(frame.agent);
    case "contact":
      return useDesk.setState((desk) => withContact(desk, frame.contact));
    case "done":
    case "refused":
      return outbox.answered(frame);
    case "replaced":
      socket.stop();
      return useDesk.setState({...EMPTY_DESK, replaced: true});
    case "pong":
      return;
  }
}

function receiveAgent(agent: AgentView): void {
  deskClock.note(agent.now);
  useDesk.setState((desk) => {
    const ended = vanished(withoutDeclined(desk.agent), agent, deskClock.now());
    const taken_by = takenBy(desk.agent, agent) ?? desk.taken_by;
    return {...withAgent(desk, agent), taken_by, ended: ended ?? (offersOf(agent).length > 0 ? null : desk.ended)};
  });
}

function withoutDeclined(agent: AgentView | null): AgentView | null {
  return agent === null ? null : {...agent, work: agent.work.filter((item) => !declined.has(offerKey(item)))};
}

function offerKey(offer: WorkItem): string {
  return `${offer.contact_id}/${offer.offer_no}`;
}

export const actions = {
  /** With a conversation or wrap-up at hand it holds from when that is done; until then nothing new rings. */
  intend: (intent: Intent, break_reason = "") => {
    const when_free = useDesk.getState().agent?.work.some((item) => item.state !== "OFFERED") ?? false;
    return run(`intent:${intent}`, {type: "intent", intent, break_reason, when_free});
  },
  rearm: () => run("rearm", {type: "rearm"}),
  dismissCallIn: () => run("dismiss_call_in", {type: "dismiss_call_in"}),
  accept: (offer: WorkItem) => {
    actions.select(offer.contact_id);
    return run(`offer:${offer.contact_id}`, answerTo("accept", offer));
  },
  decline: (offer: WorkItem) => {
    declined.add(offerKey(offer));
    return run(`offer:${offer.contact_id}`, answerTo("decline", offer));
  },
  end: (contact_id: string) => run(`end:${contact_id}`, {type: "end", contact_id}),
  transfer: (contact_id: string, queue_id: string, agent_id = "", note = "") =>
    run(`transfer:${contact_id}`, {type: "transfer", contact_id, queue_id, agent_id, note}),
  unpark: (contact_id: string) => run(`unpark:${contact_id}`, {type: "unpark", contact_id}),
  consult: (contact_id: string, agent_id: string, note = "") =>
    run(`consult:${contact_id}`, {type: "consult", contact_id, agent_id, note}),
  talkTo: (contact_id: string, party: "CUSTOMER" | "COLLEAGUE") =>
    run(`talk_to:${contact_id}`, {type: "talk_to", contact_id, party}),
  merge: (contact_id: string) => run(`merge:${contact_id}`, {type: "merge", contact_id}),
  complete: (contact_id: string) => run(`complete:${contact_id}`, {type: "complete", contact_id}),
  leaveConsultation: (contact_id: string) =>
    run(`leave_consultation:${contact_id}`, {type: "leave_consultation", contact_id}),
  extend: (contact_id: string) => run(`extend:${contact_id}`, {type: "extend", contact_id}),
  wrapUp: (contact_id: string, code: string) => run(`wrap_up:${contact_id}`, {type: "wrap_up", contact_id, code}),
  select: (contact_id: string) => useDesk.setState((desk) => withSelected(desk, contact_id)),
  draft: (contact_id: string, text: string) =>
    useDesk.setState(({drafts}) => ({drafts: {...drafts, [contact_id]: text}})),
  acknowledge: () => useDesk.setState({refusal: null}),
  forgetEnded: () => useDesk.setState({ended: null}),
  forgetTaken: () => useDesk.setState({taken_by: null}),
  say,
  sayToColleague,
  discard: (key: string) => useDesk.setState(({echoes}) => ({echoes: echoes.filter((echo) => echo.key !== key)})),
};

function answerTo(type: "accept" | "decline", offer: WorkItem) {
  return {type, contact_id: offer.contact_id, offer_no: offer.offer_no};
}

async function run(control: string, command: {type: string} & Record<string, unknown>): Promise<Outcome> {
  if (useDesk.getState().pending.has(control)) return null;
  useDesk.setState(({pending}) => ({pending: new Set(pending).add(control), refusal: null}));
  const outcome = await outbox.submit(command);
  useDesk.setState(({pending, refusal}) => ({pending: without(pending, control), refusal: outcome ?? refusal}));
  return outcome;
}

function without(controls: ReadonlySet<string>, control: string): ReadonlySet<string> {
  return new Set([...controls].filter((other) => other !== control));
}

async function say(contact_id: string, text: string): Promise<void> {
  const after_no = useDesk.getState().contacts[contact_id]?.messages.at(-1)?.no ?? 0;
  const echo: Echo = {key: uuid7(deskClock.now()), contact_id, text, after_no, refusal: null};
  useDesk.setState(({echoes}) => ({echoes: [...echoes, echo]}));
  const refusal = await outbox.submit({type: "message", contact_id, text});
  if (refusal === null) return;
  useDesk.setState(({echoes}) => ({echoes: echoes.map((each) => (each.key === echo.key ? {...each, refusal} : each))}));
}

/** In a consultation about a chat. What was refused comes back into the field, unless something else stands there by now. */
async function sayToColleague(contact_id: string, offer_no: number, text: string): Promise<void> {
  const key = colleagueDraft(contact_id, offer_no);
  actions.draft(key, "");
  const refusal = await run(`to_colleague:${contact_id}`, {type: "colleague_message", contact_id, offer_no, text});
  if (refusal !== null && (useDesk.getState().drafts[key] ?? "") === "") actions.draft(key, text);
}

/** What is begun for a colleague has a draft of its own: it reaches neither the customer nor the next colleague. */
export function colleagueDraft(contact_id: string, offer_no: number): string {
  return `${contact_id}/${offer_no.toString()}`;
}
