import {describe, expect, test} from "vitest";

import type {ChatContact} from "../contract/chat";
import {
  type ChatState,
  choicesOf,
  IDLE_CHAT,
  isOver,
  optionsOf,
  questionOf,
  statusOf,
  transcriptOf,
  withChatContact,
} from "./chat-state";

const MENU = {
  node_id: "menu",
  text: {zh: "需要什么？", en: "What do you need?"},
  options: [{option_id: "support", label: {zh: "人工", en: "A person"}}],
};

function contact(change: Partial<ChatContact> = {}): ChatContact {
  return {
    type: "contact",
    version: 1,
    state: "SELF_SERVICE",
    prompt: MENU,
    messages: [],
    close_reason: null,
    ...change,
  };
}

const customer = (no: number, text: string | {zh: string; en: string}) => ({
  no,
  author: "CUSTOMER" as const,
  text,
  at: "",
});
const system = (no: number, text: string | {zh: string; en: string}) => ({no, author: "SYSTEM" as const, text, at: ""});

const LIVE: ChatState = {...withChatContact(IDLE_CHAT, contact()), connected: true};

describe("the widget", () => {
  test.each([
    [contact({state: "OPENED"}), "starting"],
    [contact({state: "SELF_SERVICE"}), "self_service"],
    [contact({state: "QUEUED"}), "waiting"],
    [contact({state: "OFFERED"}), "waiting"],
    [contact({state: "CONNECTING"}), "waiting"],
    [contact({state: "CONNECTED"}), "connected"],
    [contact({state: "CLOSED", close_reason: "AGENT_ENDED"}), "ended"],
    [contact({state: "CLOSED", close_reason: "INACTIVE"}), "inactive"],
  ])("tells where the chat stands: $state", (frame, status) => {
    expect(statusOf({...withChatContact(IDLE_CHAT, frame), connected: true})).toBe(status);
  });

  test("tells when it is not connected, cannot begin, or may not", () => {
    expect(statusOf({...LIVE, connected: false})).toBe("offline");
    expect(statusOf({...LIVE, connected: false, replaced: true})).toBe("elsewhere");
    expect(statusOf({...IDLE_CHAT, phase: "starting"})).toBe("starting");
    expect(statusOf({...IDLE_CHAT, phase: "starting", failures: 1})).toBe("failed");
    expect(statusOf({...IDLE_CHAT, phase: "refused"})).toBe("refused");
  });

  test("says that a chat has ended even though its connection is closed", () => {
    expect(statusOf({...withChatContact(LIVE, contact({version: 2, state: "CLOSED"})), connected: false})).toBe(
      "ended",
    );
  });

  test("offers the prompt's choices until one was made or the chat is over", () => {
    expect(optionsOf(LIVE)).toEqual(MENU.options);
    expect(optionsOf({...LIVE, answered: "menu"})).toEqual([]);
    expect(optionsOf(withChatContact(LIVE, contact({version: 2, state: "CLOSED"})))).toEqual([]);
  });

  test("offers what may be chosen while waiting as often as wanted, and no more once the edge tells none", () => {
    const choices = [{option_id: "2", label: {zh: "销售", en: "Sales"}}];
    const waiting = withChatContact(IDLE_CHAT, contact({state: "QUEUED", prompt: null, choices}));
    expect(choicesOf(waiting)).toEqual(choices);
    expect(choicesOf({...waiting, answered: "menu"})).toEqual(choices);
    expect(choicesOf(withChatContact(waiting, contact({version: 2, state: "CONNECTING", prompt: null})))).toEqual([]);
    expect(choicesOf(withChatContact(waiting, contact({version: 2, state: "CLOSED", prompt: null, choices})))).toEqual(
      [],
    );
    expect(choicesOf(withChatContact(IDLE_CHAT, contact({choices})))).toEqual([]);
  });

  test("offers the choices again when the same menu comes back", () => {
    const chosen: ChatState = {...LIVE, answered: "menu"};
    expect(optionsOf(withChatContact(chosen, contact({version: 1})))).toEqual([]);
    expect(optionsOf(withChatContact(chosen, contact({version: 2})))).toEqual(MENU.options);
  });

  test("asks the question once: not when the newest message is the question", () => {
    expect(questionOf(LIVE, "en")).toBe("What do you need?");
    const asked = withChatContact(LIVE, contact({version: 2, messages: [system(1, MENU.text)]}));
    expect(questionOf(asked, "zh")).toBe("");
  });

  test("ignores older views and merges messages by number", () => {
    const newer = withChatContact(LIVE, contact({version: 3, messages: [customer(2, "b")]}));
    expect(withChatContact(newer, contact({version: 2}))).toBe(newer);
    const both = withChatContact(newer, contact({version: 4, messages: [customer(1, "a")]}));
    expect(both.messages.map(({no}) => no)).toEqual([1, 2]);
  });

  test("shows what was sent once, also a choice that is recorded in both languages", () => {
    const sent = {key: "k", text: "人工", after_no: 0, failed: false};
    const waiting: ChatState = {...LIVE, sent: [sent]};
    const news = contact({version: 2, messages: [customer(1, {zh: "人工", en: "A person"})]});
    expect(withChatContact(waiting, news).sent).toEqual([]);
    expect(withChatContact({...LIVE, sent: [{...sent, failed: true}]}, news).sent).toHaveLength(1);
  });

  test("knows when it is over", () => {
    expect(isOver(LIVE)).toBe(false);
    expect(isOver(withChatContact(LIVE, contact({version: 2, state: "CLOSED"})))).toBe(true);
  });

  test("keeps what was asked and answered between the messages before and after it", () => {
    const told = {key: "1", after_no: 1, question: MENU.text, answer: "A person"};
    const state = {...LIVE, messages: [system(1, "hello"), system(2, "please wait")], told: [told]};
    expect(transcriptOf(state)).toEqual([state.messages[0], told, state.messages[1]]);
  });
});
