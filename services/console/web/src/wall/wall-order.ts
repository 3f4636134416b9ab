/** Which queues and agents the wall shows, and in which order. */

import type {AgentRow, QueueRow} from "../contract/wall";
import {AGENT_STATES, type AgentState, agentState} from "./wall-state";

const NO_FIGURES: Omit<QueueRow, "queue_id"> = {
  waiting: 0,
  ringing: 0,
  connected: 0,
  oldest_entered: null,
  entered_total: 0,
  answered_total: 0,
  abandoned_total: 0,
  short_abandoned_total: 0,
  flowed_out_total: 0,
  limit_reached_total: 0,
  callbacks_open: 0,
  helping_queue_id: "",
  answered_wait_s: 0,
};

/** The directory's queues in its order, also those without a contact yet; then what only the wall knows. */
export function sortedQueues(
  rows: Readonly<Record<string, QueueRow>>,
  known: readonly {queue_id: string}[],
): QueueRow[] {
  const listed = known.map(({queue_id}) => rows[queue_id] ?? {queue_id, ...NO_FIGURES});
  const ids = new Set(known.map(({queue_id}) => queue_id));
  const others = Object.values(rows).filter(({queue_id}) => !ids.has(queue_id));
  return [...listed, ...others.sort((a, b) => a.queue_id.localeCompare(b.queue_id))];
}

/** By state, the longest in a state first. */
export function sortedAgents(rows: Readonly<Record<string, AgentRow>>): AgentRow[] {
  const rank = (row: AgentRow) => AGENT_STATES.indexOf(agentState(row));
  return Object.values(rows).sort((a, b) => rank(a) - rank(b) || Date.parse(a.since) - Date.parse(b.since));
}

export interface NamedAgent {
  agent_id: string;
  name: string;
  state: AgentState;
}

/** To choose from: those who are available first, who is signed out last; by name. */
export function agentsToChoose(
  rows: Readonly<Record<string, AgentRow>>,
  nameOf: (agent_id: string) => string,
): NamedAgent[] {
  const rank = ({state}: NamedAgent) => (state === "AVAILABLE" ? 0 : state === "OFFLINE" ? 2 : 1);
  return Object.values(rows)
    .map((row) => ({agent_id: row.agent_id, name: nameOf(row.agent_id), state: agentState(row)}))
    .sort((a, b) => rank(a) - rank(b) || a.name.localeCompare(b.name));
}
