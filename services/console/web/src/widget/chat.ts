/**
 * One customer's chat: opens a session, keeps its WebSocket, sends what the customer says. Owns the token; what is
 * shown stands in chat-state and view.
 */

import {delay_ms} from "../connection/backoff";
import {ServerClock} from "../connection/clock";
import {type Outcome, Outbox} from "../connection/outbox";
import {ReconnectingSocket} from "../connection/socket";
import {socketUrl} from "../connection/url";
import {uuid7} from "../connection/uuid7";
import type {ChatFrame, Option} from "../contract/chat";
import {inLanguage, type Language, type Text} from "../contract/text";
import {
  type ChatState,
  IDLE_CHAT,
  isOver,
  openPrompt,
  questionOf,
  type Sent,
  type Told,
  withChatContact,
} from "./chat-state";
import type {Memory} from "./memory";

export interface Session {
  token: string;
  contact_id: string;
  visitor: string;
}

/** The edge refuses ids that are minutes old. */
const ID_LASTS_MS = 120_000;

/** The edge said no for good. */
class Refused extends Error {}

export class Chat {
  state: ChatState = IDLE_CHAT;
  readonly #channels: string;
  readonly #entry_point_id: string;
  readonly #memory: Memory;
  readonly #changed: () => void;
  readonly #clock = new ServerClock();
  readonly #socket: ReconnectingSocket;
  readonly #outbox: Outbox;
  #retry: ReturnType<typeof setTimeout> | undefined;
  #locale: Language = "en";
  /** Of the session that is being opened: a repeat must not open a second one. */
  #opening: {command_id: string; since_ms: number} | null = null;
  #refusals = 0;

  /** @param channels address of the chat edge. @param changed called after each change of `state`. */
  constructor(channels: string, entry_point_id: string, memory: Memory, changed: () => void) {
    this.#channels = channels;
    this.#entry_point_id = entry_point_id;
    this.#memory = memory;
    this.#changed = changed;
    this.#socket = new ReconnectingSocket(() => socketUrl("/chat/v1/ws", channels), {
      opened: () => this.#hello(),
      frame: (frame) => this.#receive(frame as ChatFrame),
      changed: (state) => this.#set({connected: state === "open", replaced: false}),
      rejected: () => this.#renew(),
      replaced: () => this.#set({replaced: true}),
    });
    this.#outbox = new Outbox(
      (frame) => this.#socket.send(frame),
      () => this.#clock.now(),
    );
  }

  /** Go on with the chat that this browser remembers, if any. */
  resume(): void {
    if (this.state.phase !== "idle" || this.#memory.session() === null) return;
    this.#set({phase: "starting", told: this.#memory.told()});
    this.#socket.start();
  }

  /** Start a chat, unless one runs. */
  start(locale: Language): void {
    this.#locale = locale;
    if (this.state.phase !== "idle") return;
    this.#set({phase: "starting"});
    void this.#open();
  }

  /** Forget the ended chat and start the next. */
  again(locale: Language): void {
    this.#forget();
    this.start(locale);
  }

  choose(option: Option, language: Language): void {
    const prompt = openPrompt(this.state);
    const input = {type: "input", option_id: option.option_id, ...(prompt && {node_id: prompt.node_id})};
    if (prompt !== null) this.#set({answered: prompt.node_id});
    void this.#answer(inLanguage(option.label, language), option.label, input);
  }

  say(text: string): void {
    const prompt = openPrompt(this.state);
    if (prompt === null) void this.#say(text, {type: "message", text});
    else void this.#answer(text, text, {type: "input", node_id: prompt.node_id, text});
  }

  leave(): void {
    void this.#submit({type: "leave"});
  }

  async #say(text: string, command: {type: string} & Record<string, unknown>): Promise<void> {
    const sent = this.#echo(text);
    const refusal = await this.#submit(command);
    if (refusal === null) this.#settle(sent.key);
    else this.#fail(sent.key);
  }

  async #answer(text: string, answer: Text, command: {type: string} & Record<string, unknown>): Promise<void> {
    const isAsked = questionOf(this.state, this.#locale) !== "";
    const question = isAsked ? (openPrompt(this.state)?.text ?? "") : "";
    const {key, after_no} = this.#echo(text);
    const refusal = await this.#submit(command);
    if (refusal === null) this.#keep({key, after_no, question, answer});
    else this.#fail(key);
  }

  /** What is sent by a window that was replaced brings it back. */
  #submit(command: {type: string} & Record<string, unknown>): Promise<Outcome> {
    if (this.state.replaced) this.#socket.start();
    return this.#outbox.submit(command);
  }

  #echo(text: string): Sent {
    const sent = {key: uuid7(this.#clock.now()), text, after_no: this.state.messages.at(-1)?.no ?? 0, failed: false};
    this.#set({sent: [...this.state.sent, sent]});
    return sent;
  }

  #keep(told: Told): void {
    const all = [...this.state.told, told];
    this.#memory.keepTold(all);
    this.#set({told: all, sent: this.state.sent.filter((sent) => sent.key !== told.key)});
  }

  /** Done; the message itself comes with the next view, at the latest a moment later. */
  #settle(key: string): void {
    setTimeout(() => this.#set({sent: this.state.sent.filter((sent) => sent.key !== key)}), 300);
  }

  #fail(key: string): void {
    const sent = this.state.sent.map((each) => (each.key === key ? {...each, failed: true} : each));
    this.#set({sent, answered: null});
  }

  #hello(): void {
    const session = this.#memory.session();
    if (session === null) return;
    this.#clock.reset();
    this.#socket.send({type: "hello", token: session.token});
    this.#outbox.resend();
  }

  #receive(frame: ChatFrame): void {
    switch (frame.type) {
      case "contact":
        if (frame.now !== undefined) this.#clock.note(frame.now);
        this.state = withChatContact(this.state, frame);
        this.#changed();
        if (isOver(this.state)) this.#finish();
        return;
      case "done":
      case "refused":
        return this.#outbox.answered(frame);
      case "pong":
        return;
    }
  }

  /** The chat is over: nothing is left to reconnect to. The visitor stays known. */
  #finish(): void {
    this.#memory.endSession();
    this.#socket.stop();
  }

  #forget(): void {
    clearTimeout(this.#retry);
    this.#memory.endSession();
    this.#socket.stop();
    this.state = IDLE_CHAT;
    this.#changed();
  }

  /** The edge did not take the token on the socket: ask for a session with it. */
  #renew(): void {
    this.#socket.stop();
    this.#later();
  }

  #later(): void {
    clearTimeout(this.#retry);
    this.#retry = setTimeout(() => void this.#open(), delay_ms(this.state.failures));
  }

  async #open(): Promise<void> {
    try {
      this.#begin(await this.#post());
    } catch (error) {
      if (error instanceof Refused) this.#refused();
      else this.#fallBack();
    }
  }

  #begin(session: Session): void {
    if (session.contact_id !== this.#memory.session()?.contact_id) this.#startOver();
    this.#memory.keep(session);
    this.#opening = null;
    this.#refusals = 0;
    this.#socket.start();
  }

  #startOver(): void {
    this.#memory.keepTold([]);
    this.#set({contact: null, messages: [], sent: [], told: []});
  }

  #fallBack(): void {
    this.#set({failures: this.state.failures + 1});
    this.#later();
  }

  /** Once more without a token that is no longer good, and with an id by the time that the edge has told. */
  #refused(): void {
    this.#refusals += 1;
    this.#opening = null;
    this.#forget();
    if (this.#refusals === 1) this.start(this.#locale);
    else this.#set({phase: "refused"});
  }

  async #post(): Promise<Session> {
    const answer = await fetch(new URL("/chat/v1/sessions", this.#channels), {
      method: "POST",
      credentials: "omit",
      headers: {"Content-Type": "application/json"},
      body: JSON.stringify(this.#request()),
    });
    const date = answer.headers.get("Date");
    if (date !== null) this.#clock.note(date);
    if (answer.ok) return (await answer.json()) as Session;
    if (answer.status < 500 && answer.status !== 429) throw new Refused(answer.statusText);
    throw new Error(answer.statusText);
  }

  #request(): object {
    const token = this.#memory.session()?.token;
    const visitor = this.#memory.visitor();
    return {
      entry_point_id: this.#entry_point_id,
      locale: this.#locale,
      command_id: this.#commandId(),
      ...(token === undefined ? {} : {token}),
      ...(visitor === null ? {} : {visitor}),
    };
  }

  #commandId(): string {
    const now_ms = performance.now();
    if (this.#opening === null || now_ms - this.#opening.since_ms > ID_LASTS_MS) {
      this.#opening = {command_id: uuid7(this.#clock.now()), since_ms: now_ms};
    }
    return this.#opening.command_id;
  }

  #set(change: Partial<ChatState>): void {
    this.state = {...this.state, ...change};
    this.#changed();
  }
}
