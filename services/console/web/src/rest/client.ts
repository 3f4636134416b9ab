/** REST of the console. Owns headers and errors; every failure is a `Problem`. */

import {ServerClock} from "../connection/clock";
import {uuid7} from "../connection/uuid7";

/** The server's time for command ids; also told by the desk's views. */
export const restClock = new ServerClock();

export class Problem extends Error {
  /** @param status of HTTP; 0 when the server was not reached. @param reason name of the rule that said no, else the kind of error. */
  constructor(
    readonly status: number,
    message: string,
    readonly reason: string,
    readonly retry_after_s = 1,
  ) {
    super(message);
  }
}

interface ProblemBody {
  title?: string;
  detail?: string;
  rule?: string;
}

type Method = "GET" | "POST" | "PUT";

export async function request<T>(
  method: Method,
  path: string,
  body?: object,
  headers: Record<string, string> = {},
): Promise<T> {
  const sent: Record<string, string> = {"X-Trunkline": "1", ...headers};
  if (body !== undefined) sent["Content-Type"] = "application/json";
  const answer = await reach(path, {method, headers: sent, body: body === undefined ? null : JSON.stringify(body)});
  const date = answer.headers.get("Date");
  if (date !== null) restClock.note(date);
  const content = (await answer.json().catch(() => null)) as unknown;
  if (answer.ok) return content as T;
  const problem = (content ?? {}) as ProblemBody;
  const retry_after_s = Number(answer.headers.get("Retry-After") ?? "1") || 1;
  throw new Problem(
    answer.status,
    problem.detail ?? answer.statusText,
    problem.rule ?? problem.title ?? "Defect",
    retry_after_s,
  );
}

const RETRIED = new Set([0, 429, 503]);
const ATTEMPTS = 4;

export function newCommandId(): string {
  return uuid7(restClock.now());
}

/** A change, with an id by which the server knows it again: a repeat after a failure does nothing twice. */
export async function command<T>(
  method: "POST" | "PUT",
  path: string,
  body: object,
  headers?: Record<string, string>,
): Promise<T> {
  const frame = {command_id: newCommandId(), ...body};
  return repeated(() => request<T>(method, path, frame, headers));
}

/** Ask again while the server says that it may succeed later. */
export async function repeated<T>(ask: () => Promise<T>): Promise<T> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await ask();
    } catch (error) {
      if (!(error instanceof Problem) || !RETRIED.has(error.status) || attempt === ATTEMPTS) throw error;
      await new Promise((resolve) => setTimeout(resolve, error.retry_after_s * 1000));
    }
  }
}

async function reach(path: string, init: RequestInit): Promise<Response> {
  try {
    return await fetch(path, init);
  } catch {
    throw new Problem(0, "unreachable", "Unreachable");
  }
}
