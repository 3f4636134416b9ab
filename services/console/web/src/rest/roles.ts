/** What a role may see; the server decides what it may do. */

import type {Me} from "../contract/rest";

export function maySupervise(me: Me | null | undefined): boolean {
  return me?.roles.some((role) => role === "SUPERVISOR" || role === "ADMIN") ?? false;
}
