/** What the chat edge sends to the widget. The shapes only; no behaviour. */

import type {Text} from "./text";

export interface Option {
  option_id: string;
  label: Text;
}

export interface Prompt {
  node_id: string;
  text: Text;
  options: Option[];
}

export interface ChatMessage {
  no: number;
  author: "CUSTOMER" | "AGENT" | "SYSTEM";
  text: Text;
  at: string;
}

export interface ChatContact {
  type: "contact";
  version: number;
  state: string;
  prompt: Prompt | null;
  /** What the customer may choose while waiting; an older edge tells none. */
  choices?: Option[];
  messages: ChatMessage[];
  close_reason?: string | null;
  /** The server's time, where it tells it. */
  now?: string;
}

export type ChatFrame =
  | ChatContact
  | {type: "done"; command_id: string}
  | {type: "refused"; command_id: string; reason: string; message: string; retry_after_s: number | null}
  | {type: "pong"};
