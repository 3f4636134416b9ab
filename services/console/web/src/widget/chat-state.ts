/** What the widget shows, as pure functions. Owns no connection and no page. */

import type {ChatContact, ChatMessage, Option, Prompt} from "../contract/chat";
import {inLanguage, type Language, type Text} from "../contract/text";
import type {WidgetText} from "./texts";

export interface Sent {
  key: string;
  text: string;
  after_no: number;
  failed: boolean;
}

/** A prompt and the customer's answer: the server keeps neither as a message, but a conversation has no holes. */
export interface Told {
  key: string;
  after_no: number;
  question: Text;
  answer: Text;
}

export interface ChatState {
  /** `idle`: no chat. `starting`: a session is being opened. `live`: there is one. `refused`: not here. */
  phase: "idle" | "starting" | "live" | "refused";
  connected: boolean;
  /** Newer windows with this chat took the place; this one comes back when it is used. */
  replaced: boolean;
  /** Failures in a row of opening a session. */
  failures: number;
  contact: ChatContact | null;
  messages: readonly ChatMessage[];
  /** What the customer sent and the server has not shown yet. */
  sent: readonly Sent[];
  /** What the customer answered before an agent came. */
  told: readonly Told[];
  /** The prompt that was answered: its options are not shown again. */
  answered: string | null;
}

export const IDLE_CHAT: ChatState = {
  phase: "idle",
  connected: false,
  replaced: false,
  failures: 0,
  contact: null,
  messages: [],
  sent: [],
  told: [],
  answered: null,
};

/** The server told the contact; a view older than the known one is ignored. */
export function withChatContact(state: ChatState, contact: ChatContact): ChatState {
  if (state.contact !== null && state.contact.version > contact.version) return state;
  const by_no = new Map([...state.messages, ...contact.messages].map((message) => [message.no, message]));
  const messages = [...by_no.values()].sort((a, b) => a.no - b.no);
  const moved = state.contact === null || contact.version > state.contact.version;
  return {
    ...state,
    phase: "live",
    failures: 0,
    contact,
    messages,
    sent: state.sent.filter((sent) => !isShown(sent, messages)),
    answered: moved ? null : state.answered,
  };
}

function isShown(sent: Sent, messages: readonly ChatMessage[]): boolean {
  if (sent.failed) return false;
  return messages.some(({no, author, text}) => no > sent.after_no && author === "CUSTOMER" && shows(text, sent.text));
}

/** A choice may be recorded in one language or both. */
function shows(text: ChatMessage["text"], sent: string): boolean {
  return typeof text === "string" ? text === sent : text.zh === sent || text.en === sent;
}

export function isOver({contact}: ChatState): boolean {
  return contact?.state === "CLOSED";
}

/** What stands in the widget's head. */
export function statusOf(state: ChatState): WidgetText {
  if (state.phase === "refused") return "refused";
  if (state.phase === "idle") return "title";
  if (isOver(state)) return state.contact?.close_reason === "INACTIVE" ? "inactive" : "ended";
  if (state.failures > 0) return "failed";
  if (state.contact === null) return "starting";
  if (!state.connected) return state.replaced ? "elsewhere" : "offline";
  return STATUS[state.contact.state] ?? "starting";
}

const STATUS: Readonly<Record<string, WidgetText>> = {
  OPENED: "starting",
  SELF_SERVICE: "self_service",
  QUEUED: "waiting",
  OFFERED: "waiting",
  CONNECTING: "waiting",
  CONNECTED: "connected",
};

/** The choices that can be made now. */
export function optionsOf(state: ChatState): readonly Option[] {
  const prompt = openPrompt(state);
  return prompt !== null && state.answered !== prompt.node_id ? prompt.options : [];
}

/** What may be chosen while waiting, as often as wanted: the edge tells it until an agent has accepted. */
export function choicesOf(state: ChatState): readonly Option[] {
  return isOver(state) || openPrompt(state) !== null ? [] : (state.contact?.choices ?? []);
}

export function openPrompt(state: ChatState): Prompt | null {
  return isOver(state) ? null : (state.contact?.prompt ?? null);
}

/** Messages, and between them what was asked and answered before the agent came. */
export function transcriptOf({messages, told}: ChatState): readonly (ChatMessage | Told)[] {
  const place = (entry: ChatMessage | Told) => ("no" in entry ? entry.no : entry.after_no + 0.5);
  return [...messages, ...told].sort((a, b) => place(a) - place(b));
}

/** The question of the open prompt, unless the newest message says it already. */
export function questionOf(state: ChatState, language: Language): string {
  const question = inLanguage(openPrompt(state)?.text, language);
  const newest = state.messages.at(-1);
  return newest?.author === "SYSTEM" && inLanguage(newest.text, language) === question ? "" : question;
}
