/** The figures of the wall, as pure functions from frame to frame. Owns no connection and no time. */

import type {AgentRow, QueueRow, WallFrame} from "../contract/wall";

export interface WallState {
  queues: Readonly<Record<string, QueueRow>>;
  agents: Readonly<Record<string, AgentRow>>;
  /** False until the first whole wall came. */
  known: boolean;
}

export const EMPTY_WALL: WallState = {queues: {}, agents: {}, known: false};

/** A whole wall replaces everything, rows replace rows. */
export function withFrame(state: WallState, frame: Exclude<WallFrame, {type: "pong"}>): WallState {
  const before = frame.type === "wall" ? EMPTY_WALL : state;
  return {
    queues: {...before.queues, ...byId(frame.queues, (row) => row.queue_id)},
    agents: {...before.agents, ...byId(frame.agents, (row) => row.agent_id)},
    known: state.known || frame.type === "wall",
  };
}

function byId<R>(rows: readonly R[], id: (row: R) => string): Record<string, R> {
  return Object.fromEntries(rows.map((row) => [id(row), row]));
}

/** In the order in which a supervisor looks: trouble, work, free, away. */
export const AGENT_STATES = [
  "NOT_RESPONDING",
  "LOST",
  "CONNECTED",
  "CONNECTING",
  "RINGING",
  "WRAP_UP",
  "AVAILABLE",
  "BREAK",
  "OFFLINE",
] as const;

export type AgentState = (typeof AGENT_STATES)[number];

/** What an agent does, as one word: work first, then why no work comes, then what the agent wants. */
export function agentState(row: AgentRow): AgentState {
  if (row.connected > 0) return "CONNECTED";
  if (row.connecting > 0) return "CONNECTING";
  if (row.offered > 0) return "RINGING";
  if (row.wrap_up > 0) return "WRAP_UP";
  if (row.intent === "OFFLINE") return "OFFLINE";
  if (row.connectivity !== "CONNECTED") return row.connectivity === "GRACE" ? "LOST" : "OFFLINE";
  if (row.not_responding) return "NOT_RESPONDING";
  return row.intent === "BREAK" ? "BREAK" : "AVAILABLE";
}

/** Whether somebody who is there gets no calls, because every gateway lost the telephone. */
export function lacksTelephone(row: AgentRow): boolean {
  return row.device === "LOST" && agentState(row) !== "OFFLINE";
}

/** Whether the agent is not there at all, and may be called in: signed out, or without a desk for longer than a moment. */
export function isSignedOut(row: AgentRow): boolean {
  return row.intent === "OFFLINE" || row.connectivity === "DISCONNECTED";
}

/** `asa_s` of docs/metrics.md: over the answered. */
export function meanWait_s(row: QueueRow): number | null {
  return row.answered_total === 0 ? null : row.answered_wait_s / row.answered_total;
}
