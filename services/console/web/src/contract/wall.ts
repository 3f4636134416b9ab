/** What the console sends to the wall. The shapes only; no behaviour. */

import type {CallIn, Device} from "./desk";

export interface QueueRow {
  queue_id: string;
  waiting: number;
  ringing: number;
  connected: number;
  oldest_entered: string | null;
  entered_total: number;
  answered_total: number;
  abandoned_total: number;
  short_abandoned_total: number;
  flowed_out_total: number;
  limit_reached_total: number;
  /** Call-backs that are scheduled, wait, ring or are being dialled; they stand in no figure above but `connected`. */
  callbacks_open: number;
  /** The queue whose agents help out now; empty for none. */
  helping_queue_id: string;
  answered_wait_s: number;
}

export interface AgentRow {
  agent_id: string;
  intent: string;
  break_reason: string;
  connectivity: string;
  not_responding: boolean;
  device: Device;
  offered: number;
  connecting: number;
  connected: number;
  wrap_up: number;
  /** Chats whose customers are silent: they take no room and stand in no figure above. */
  parked: number;
  /** Null for an agent who is not called in. */
  called_in: CallIn | null;
  since: string;
}

export type WallFrame =
  | {type: "wall"; at: string; queues: QueueRow[]; agents: AgentRow[]}
  | {type: "rows"; at?: string; queues: QueueRow[]; agents: AgentRow[]}
  | {type: "pong"};
