/** How much of an offer is left. */

import type {WorkItem} from "../contract/desk";

export interface Rest {
  seconds: number;
  /** 1 at the beginning, 0 at the end. */
  share: number;
}

/** `null` for an offer without an end. */
export function restOf(offer: Pick<WorkItem, "since" | "expires">, now_ms: number): Rest | null {
  if (offer.expires === null) return null;
  const [begins_ms, ends_ms] = [Date.parse(offer.since), Date.parse(offer.expires)];
  const rest_ms = Math.min(Math.max(0, ends_ms - now_ms), ends_ms - begins_ms);
  return {seconds: Math.ceil(rest_ms / 1000), share: ends_ms > begins_ms ? rest_ms / (ends_ms - begins_ms) : 0};
}
