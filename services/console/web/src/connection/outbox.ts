/**
 * Commands on their way. Owns each command until the server said done or refused, sends it again under the same id
 * after a reconnect, and gives up after a bounded time. Sending twice is harmless: the server knows the id.
 */

import {uuid7} from "./uuid7";

export interface Refusal {
  /** The server's rule, or `Timeout`. */
  reason: string;
  message: string;
}

/** `null` when it was done. */
export type Outcome = Refusal | null;

export interface Reply {
  type: "done" | "refused";
  command_id: string;
  reason?: string;
  message?: string;
  retry_after_s?: number | null;
}

interface Pending {
  frame: {command_id: string};
  settle: (outcome: Outcome) => void;
  deadline: ReturnType<typeof setTimeout>;
  again?: ReturnType<typeof setTimeout>;
}

export const GIVE_UP_MS = 30_000;

export class Outbox {
  readonly #pending = new Map<string, Pending>();
  readonly #send: (frame: object) => boolean;
  readonly #now_ms: () => number;

  /** @param now_ms the server's time: it goes into the ids. */
  constructor(send: (frame: object) => boolean, now_ms: () => number) {
    this.#send = send;
    this.#now_ms = now_ms;
  }

  /** Send a command; never rejects. */
  submit(command: {type: string} & Record<string, unknown>): Promise<Outcome> {
    const frame = {...command, command_id: uuid7(this.#now_ms())};
    return new Promise((settle) => {
      const late: Refusal = {reason: "Timeout", message: ""};
      const deadline = setTimeout(() => this.#settle(frame.command_id, late), GIVE_UP_MS);
      this.#pending.set(frame.command_id, {frame, settle, deadline});
      this.#send(frame);
    });
  }

  /** The connection is back. */
  resend(): void {
    for (const {frame} of this.#pending.values()) this.#send(frame);
  }

  /** The server answered. A refusal with a retry time is no answer yet: the same id goes out again. */
  answered(reply: Reply): void {
    const pending = this.#pending.get(reply.command_id);
    if (pending === undefined) return;
    if (reply.type === "done") this.#settle(reply.command_id, null);
    else if (reply.retry_after_s != null) this.#retry(pending, reply.retry_after_s);
    else this.#settle(reply.command_id, {reason: reply.reason ?? "Refused", message: reply.message ?? ""});
  }

  #retry(pending: Pending, after_s: number): void {
    clearTimeout(pending.again);
    pending.again = setTimeout(() => this.#send(pending.frame), Math.max(0.2, after_s) * 1000);
  }

  #settle(command_id: string, outcome: Outcome): void {
    const pending = this.#pending.get(command_id);
    if (pending === undefined) return;
    this.#pending.delete(command_id);
    clearTimeout(pending.deadline);
    clearTimeout(pending.again);
    pending.settle(outcome);
  }
}
