/** What the pages read and change over REST, and how long it stays fresh. */

import {QueryClient, skipToken, useInfiniteQuery, useMutation, useQuery, useQueryClient} from "@tanstack/react-query";

import type {ContactExplanation, Customer, Directory, Me, Ticket, TicketPage, TicketState} from "../contract/rest";
import {inLanguage, type Language} from "../contract/text";
import {command, Problem, repeated, request} from "./client";

const RETRIES = 2;

export const queryClient = new QueryClient({
  defaultOptions: {
    queries: {
      staleTime: 10_000,
      refetchOnWindowFocus: false,
      retry: (failures, error) =>
        failures < RETRIES && !(error instanceof Problem && error.status in {401: 1, 403: 1, 404: 1}),
    },
  },
});

/** `null` when nobody is logged in. */
export function useMe() {
  return useQuery({queryKey: ["me"], queryFn: readMe, staleTime: 60_000});
}

async function readMe(): Promise<Me | null> {
  try {
    return await request<Me>("GET", "/api/me");
  } catch (error) {
    if (error instanceof Problem && error.status === 401) return null;
    throw error;
  }
}

export async function logIn(login: string, password: string): Promise<void> {
  become(await request<Me>("POST", "/api/login", {login, password}));
}

/** Ends the session on the server. Fails when it could not: then the session goes on, and nobody must believe it over. */
export async function logOut(): Promise<void> {
  await repeated(() => request("POST", "/api/logout"));
  become(null);
}

/** What the one before has read is not for the next. */
function become(me: Me | null): void {
  queryClient.setQueryData(["me"], me);
  queryClient.removeQueries({predicate: ({queryKey}) => queryKey[0] !== "me"});
}

export function useDirectory() {
  return useQuery({
    queryKey: ["directory"],
    queryFn: () => request<Directory>("GET", "/api/directory"),
    staleTime: 60_000,
  });
}

/** Names by id; an id that the directory does not know stands for itself. */
export function useNames(language: Language) {
  const {data} = useDirectory();
  return {
    queue: (id: string) => inLanguage(data?.queues.find((queue) => queue.queue_id === id)?.name, language) || id,
    agent: (id: string) => (data?.agents.find((agent) => agent.agent_id === id)?.name ?? "") || id,
    supervisor: (id: string) => (data?.supervisors.find((known) => known.user_id === id)?.name ?? "") || id,
    code: (code: string) =>
      inLanguage(data?.wrap_up_codes.find((known) => known.code === code)?.name, language) || code,
  };
}

const REREAD_AFTER_MS = [400, 1500, 5000];

/** What is read follows what was acknowledged a moment later: read now, and again until that moment has passed. */
function rereadSoon(client: QueryClient, queryKey: string[]): Promise<void> {
  for (const after_ms of REREAD_AFTER_MS) setTimeout(() => void client.invalidateQueries({queryKey}), after_ms);
  return client.invalidateQueries({queryKey});
}

/** Never an old answer: what a contact waits for changes by the second. */
export function useExplanation(contact_id: string, language: Language) {
  return useQuery({
    queryKey: ["explanation", contact_id, language],
    queryFn: () =>
      request<ContactExplanation>(
        "GET",
        `/api/v1/contacts/${encodeURIComponent(contact_id)}/explanation?lang=${language}`,
      ),
    staleTime: 0,
    gcTime: 0,
  });
}

export function useCustomer(customer_id: string) {
  return useQuery({
    queryKey: ["customer", customer_id],
    queryFn: () => request<Customer>("GET", `/api/customers/${encodeURIComponent(customer_id)}`),
    enabled: customer_id !== "",
  });
}

/** What another part of the page has read already; asks nothing. */
export function useKnownCustomer(customer_id: string) {
  return useQuery<Customer>({queryKey: ["customer", customer_id], queryFn: skipToken});
}

export function useRenameCustomer(customer_id: string) {
  const client = useQueryClient();
  return useMutation({
    mutationFn: ({name, version}: {name: string; version: number}) =>
      command("PUT", `/api/customers/${encodeURIComponent(customer_id)}`, {name}, {"If-Match": version.toString()}),
    onSettled: () => rereadSoon(client, ["customer", customer_id]),
  });
}

/** Empty for nobody. */
export function useSetAccountOwner(customer_id: string) {
  const client = useQueryClient();
  return useMutation({
    mutationFn: (agent_id: string) =>
      command("PUT", `/api/customers/${encodeURIComponent(customer_id)}/owner`, {agent_id}),
    onSettled: () => rereadSoon(client, ["customer", customer_id]),
  });
}

export function useDoNotCall(customer_id: string) {
  const client = useQueryClient();
  return useMutation({
    mutationFn: (do_not_call: boolean) =>
      command("PUT", `/api/customers/${encodeURIComponent(customer_id)}/do-not-call`, {do_not_call}),
    onSettled: () => rereadSoon(client, ["customer", customer_id]),
  });
}

export function useEraseCustomer(customer_id: string) {
  const client = useQueryClient();
  return useMutation({
    mutationFn: () => command("POST", `/api/customers/${encodeURIComponent(customer_id)}/erase`, {}),
    onSettled: () => rereadSoon(client, ["customer", customer_id]),
  });
}

export function useTickets(state: TicketState | "") {
  return useInfiniteQuery({
    queryKey: ["tickets", state],
    queryFn: ({pageParam}) => request<TicketPage>("GET", `/api/tickets?${ticketQuery(state, pageParam)}`),
    initialPageParam: "",
    getNextPageParam: (page) => page.next,
  });
}

function ticketQuery(state: string, cursor: string): string {
  const query = new URLSearchParams();
  if (state !== "") query.set("state", state);
  if (cursor !== "") query.set("cursor", cursor);
  return query.toString();
}

export interface NewTicket {
  contact_id: string;
  subject: string;
  command_id: string;
}

/** Returns the ticket's id. */
export async function createTicket(ticket: NewTicket): Promise<string> {
  const {ticket_id} = await command<Pick<Ticket, "ticket_id">>("POST", "/api/tickets", ticket);
  void rereadSoon(queryClient, ["tickets"]);
  return ticket_id;
}

export function useMoveTicket() {
  return useTicketChange(({ticket_id, state}: {ticket_id: string; state: TicketState}) =>
    command("POST", `/api/tickets/${encodeURIComponent(ticket_id)}/state`, {state}),
  );
}

export function useAddNote() {
  return useTicketChange(({ticket_id, body}: {ticket_id: string; body: string}) =>
    command("POST", `/api/tickets/${encodeURIComponent(ticket_id)}/notes`, {body}),
  );
}

function useTicketChange<T, R>(change: (input: T) => Promise<R>) {
  const client = useQueryClient();
  return useMutation({
    mutationFn: change,
    onSettled: () => rereadSoon(client, ["tickets"]),
  });
}
