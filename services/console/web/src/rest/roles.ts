/** What a role may see; the server decides what it may do. */

import type {Me} from "../contract/rest";

/** Commands agents, and takes contacts to agents and queues. */
export function mayCommand(me: Me | null | undefined): boolean {
  return me?.roles.includes("SUPERVISOR") ?? false;
}

/** Reads and erases what concerns all agents; listens to calls, reads chats along and takes contacts over. */
export function maySupervise(me: Me | null | undefined): boolean {
  return me?.roles.some((role) => role === "SUPERVISOR" || role === "ADMIN") ?? false;
}
