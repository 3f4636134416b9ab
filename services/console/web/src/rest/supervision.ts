/** What a supervisor reads and decides over REST. */

import {useQuery, useQueryClient} from "@tanstack/react-query";

import type {Waiting, WaitingContact} from "../contract/rest";
import {command, request} from "./client";

const REREAD_MS = 2_000;

export interface ForcedIntent {
  intent: "AVAILABLE" | "BREAK" | "OFFLINE";
  break_reason: string;
  reason: string;
}

/** Read again and again while it is shown. */
export function useWaiting(queue_id: string) {
  return useQuery({
    queryKey: ["waiting", queue_id],
    queryFn: () => request<Waiting>("GET", `/api/queues/${encodeURIComponent(queue_id)}/waiting`),
    staleTime: 0,
    gcTime: 0,
    refetchInterval: REREAD_MS,
  });
}

export function useDecisions() {
  const client = useQueryClient();
  const decide = async (path: string, body: object) => {
    await command("POST", path, body);
    await client.invalidateQueries({queryKey: ["waiting"]});
  };
  return {
    pull: (contact_id: string, agent_id: string, reason: string) =>
      decide(`/api/contacts/${encodeURIComponent(contact_id)}/pull`, {agent_id, reason}),
    /** `agent_id` is whom it was seen to ring at: refused where it does not any more. */
    requeue: ({contact_id, agent_id}: WaitingContact, queue_id: string, reason: string) =>
      decide(`/api/contacts/${encodeURIComponent(contact_id)}/requeue`, {queue_id, agent_id, reason}),
    setIntent: (agent_id: string, wanted: ForcedIntent) =>
      decide(`/api/agents/${encodeURIComponent(agent_id)}/intent`, wanted),
  };
}
