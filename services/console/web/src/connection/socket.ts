/**
 * A WebSocket that comes back. Owns connecting, back-off and noticing silence; knows nothing of what the frames mean.
 */

import {delay_ms} from "./backoff";

export type SocketState = "connecting" | "open" | "waiting" | "stopped";

export interface SocketEvents {
  opened(): void;
  frame(frame: unknown): void;
  changed(state: SocketState): void;
  /** A connection ended before any frame came: perhaps the server does not want us. */
  rejected?(): void;
  /** The server gave our place to a newer connection; this one stays away until it is started again. */
  replaced?(): void;
}

/** Codes of the chat edge, 4000 and an HTTP status: a newer page took the place; too many connections lately. */
const REPLACED = 4409;
const TOO_MANY = 4429;

const PING_EVERY_MS = 4000;
const SILENCE_MS = 12_000;

export class ReconnectingSocket {
  readonly #url: () => string;
  readonly #events: SocketEvents;
  #socket: WebSocket | null = null;
  #failures = 0;
  #heard_ms = 0;
  #retry: ReturnType<typeof setTimeout> | undefined;
  #watch: ReturnType<typeof setInterval> | undefined;
  #state: SocketState = "stopped";

  constructor(url: () => string, events: SocketEvents) {
    this.#url = url;
    this.#events = events;
  }

  get state(): SocketState {
    return this.#state;
  }

  start(): void {
    if (this.#state === "stopped") this.#connect();
  }

  stop(): void {
    clearTimeout(this.#retry);
    this.#drop();
    this.#failures = 0;
    this.#enter("stopped");
  }

  /** @returns whether it was handed to an open connection. */
  send(frame: object): boolean {
    if (this.#socket?.readyState !== WebSocket.OPEN) return false;
    this.#socket.send(JSON.stringify(frame));
    return true;
  }

  #connect(): void {
    this.#enter("connecting");
    const socket = new WebSocket(this.#url());
    let heard = false;
    this.#socket = socket;
    this.#heard_ms = performance.now();
    this.#watch = setInterval(() => this.#check(socket), PING_EVERY_MS);
    socket.onopen = () => {
      this.#heard_ms = performance.now();
      this.#enter("open");
      this.#events.opened();
    };
    socket.onmessage = (message: MessageEvent<unknown>) => {
      heard = true;
      this.#failures = 0;
      this.#heard_ms = performance.now();
      const frame = parsed(message.data);
      if (frame !== null) this.#events.frame(frame);
    };
    socket.onclose = ({code}: CloseEvent) => this.#closed(socket, heard || code === TOO_MANY, code);
  }

  #check(socket: WebSocket): void {
    if (performance.now() - this.#heard_ms > SILENCE_MS) this.#lost(socket, true);
    else this.send({type: "ping"});
  }

  #closed(socket: WebSocket, heard: boolean, code: number): void {
    if (code !== REPLACED) return this.#lost(socket, heard);
    if (this.#socket !== socket) return;
    this.stop();
    this.#events.replaced?.();
  }

  #lost(socket: WebSocket, heard: boolean): void {
    if (this.#socket !== socket) return;
    this.#drop();
    this.#enter("waiting");
    this.#retry = setTimeout(() => this.#connect(), delay_ms(this.#failures));
    this.#failures += 1;
    if (!heard) this.#events.rejected?.();
  }

  #drop(): void {
    clearInterval(this.#watch);
    const socket = this.#socket;
    this.#socket = null;
    if (socket === null) return;
    socket.onopen = socket.onmessage = socket.onclose = null;
    socket.close();
  }

  #enter(state: SocketState): void {
    if (this.#state === state) return;
    this.#state = state;
    this.#events.changed(state);
  }
}

function parsed(data: unknown): unknown {
  if (typeof data !== "string") return null;
  try {
    return JSON.parse(data) as unknown;
  } catch {
    return null;
  }
}
