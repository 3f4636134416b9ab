/** What a supervisor reads and decides over REST. */

import {useQuery, useQueryClient} from "@tanstack/react-query";

import type {MonitoringMode} from "../contract/desk";
import type {ConnectedContact, Waiting, WaitingContact} from "../contract/rest";
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

/** Whom an agent talks to; read again and again while it is shown. */
export function useConnected(agent_id: string) {
  return useQuery({
    queryKey: ["connected", agent_id],
    queryFn: () =>
      request<{contacts: ConnectedContact[]}>("GET", `/api/agents/${encodeURIComponent(agent_id)}/contacts`),
    staleTime: 0,
    gcTime: 0,
    refetchInterval: REREAD_MS,
  });
}

export function useMonitoring() {
  const client = useQueryClient();
  const send = async (contact_id: string, what: string, body: object) => {
    await command("POST", `/api/contacts/${encodeURIComponent(contact_id)}/${what}`, body);
    await client.invalidateQueries({queryKey: ["connected"]});
  };
  return {
    monitor: (contact_id: string, mode: MonitoringMode, reason: string) => send(contact_id, "monitor", {mode, reason}),
    stop: (contact_id: string) => send(contact_id, "stop-monitoring", {}),
    /** `mode` says who is to read it: refused where the supervisor monitors otherwise by now. */
    write: (contact_id: string, mode: MonitoringMode, text: string) =>
      send(contact_id, "supervisor-message", {mode, text}),
    takeOver: (contact_id: string, agent_id: string, reason: string) =>
      send(contact_id, "take-over", {agent_id, reason}),
  };
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
    /** Of a contact that waits or rings; a call-back is withdrawn. */
    close: (contact_id: string, reason: string) =>
      decide(`/api/contacts/${encodeURIComponent(contact_id)}/close`, {reason}),
    setIntent: (agent_id: string, wanted: ForcedIntent) =>
      decide(`/api/agents/${encodeURIComponent(agent_id)}/intent`, wanted),
    forgetDevice: (agent_id: string, reason: string) =>
      decide(`/api/agents/${encodeURIComponent(agent_id)}/forget-device`, {reason}),
    callIn: (agent_id: string, reason: string) =>
      decide(`/api/agents/${encodeURIComponent(agent_id)}/call-in`, {reason}),
    endCallIn: (agent_id: string, reason: string) =>
      decide(`/api/agents/${encodeURIComponent(agent_id)}/end-call-in`, {reason}),
  };
}
