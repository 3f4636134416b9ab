import {beforeEach, expect, test, vi} from "vitest";

import {forgetTickets, makeTicket, makingOf, useMaking} from "./ticket-making";

const fetched = vi.fn<(path: string, init: RequestInit) => Promise<Response>>();

beforeEach(() => {
  forgetTickets();
  fetched.mockReset();
  vi.stubGlobal("fetch", fetched);
});

function answers(status: number, body: object) {
  fetched.mockImplementationOnce(() => Promise.resolve(new Response(JSON.stringify(body), {status})));
}

function sent(): {contact_id: string; subject: string; command_id: string}[] {
  return fetched.mock.calls.map(
    ([, {body}]) => JSON.parse(body as string) as {contact_id: string; subject: string; command_id: string},
  );
}

const made = () => makingOf(useMaking.getState(), "ct_1");

test("one press makes a ticket, and pressing twice makes no second one", async () => {
  answers(200, {ticket_id: "tk_1"});
  const first = makeTicket("ct_1", "Support · tea");
  expect(made().busy).toBe(true);
  await makeTicket("ct_1", "Support · tea");
  await first;
  expect(sent()).toMatchObject([{contact_id: "ct_1", subject: "Support · tea"}]);
  expect(made()).toEqual({busy: false, open: null, ticket_id: "tk_1"});
});

test("after a failure that may have made one, the next press sends the very same again", async () => {
  answers(500, {title: "Defect", detail: "internal error"});
  await expect(makeTicket("ct_1", "Support · tea")).rejects.toMatchObject({reason: "Defect"});
  answers(200, {ticket_id: "tk_1"});
  await makeTicket("ct_1", "Support · a later message");
  const [first, again] = sent();
  expect(again).toEqual(first);
  expect(made().ticket_id).toBe("tk_1");
});

test("after a refusal or a ticket the next press is a new one", async () => {
  answers(409, {title: "Rejection", rule: "CommandExpired", detail: "CommandExpired"});
  await expect(makeTicket("ct_1", "a")).rejects.toMatchObject({reason: "CommandExpired"});
  answers(200, {ticket_id: "tk_1"});
  await makeTicket("ct_1", "b");
  answers(200, {ticket_id: "tk_2"});
  await makeTicket("ct_1", "b");
  expect(new Set(sent().map(({command_id}) => command_id)).size).toBe(3);
  expect(made().ticket_id).toBe("tk_2");
});
