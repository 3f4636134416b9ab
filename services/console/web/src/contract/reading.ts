/** What the console sends to a supervisor who reads a chat along. The shapes only; no behaviour. */

import type {Message, MonitoringMode, Whisper} from "./desk";

/** The whole of it, at each change. */
export interface ReadChat {
  contact_id: string;
  version: number;
  /** Who has it. */
  agent_id: string;
  mode: MonitoringMode;
  /** What the customer told the menu, by name. */
  gathered: Record<string, string>;
  messages: Message[];
  whispers: Whisper[];
}

/** `ended` is the last one: `reason` is how the monitoring ended, empty where there was none. */
export type ReadingFrame = {type: "chat"; chat: ReadChat} | {type: "ended"; reason: string} | {type: "pong"};
