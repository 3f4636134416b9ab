import {describe, expect, test} from "vitest";

import type {AgentView, ContactView, Message, Whisper, WorkItem} from "../contract/desk";
import {restOf} from "./rest-of-offer";
import {
  currentOffer,
  type DeskState,
  type Echo,
  EMPTY_DESK,
  linesOf,
  newestOf,
  notesOf,
  parkedFirst,
  unreadOf,
  withSelected,
  merged,
  takenBy,
  vanished,
  withAgent,
  withContact,
} from "./desk-state";

const T0 = Date.parse("2026-01-01T00:00:00Z");
const at = (seconds: number) => new Date(T0 + seconds * 1000).toISOString();

function work(contact_id: string, change: Partial<WorkItem> = {}): WorkItem {
  return {
    contact_id,
    queue_id: "qu_support",
    segment_no: 1,
    offer_no: 1,
    channel: "CHAT",
    state: "CONNECTED",
    since: at(0),
    expires: null,
    entered: at(0),
    extensions_left: 0,
    callback: false,
    callback_reached: false,
    parked: null,
    customer_waits: null,
    asked_by: "",
    preference: "UNSPECIFIED",
    ...change,
  };
}

function agent(...items: WorkItem[]): AgentView {
  return {
    agent_id: "ag_li",
    version: 1,
    intent: "AVAILABLE",
    break_reason: "",
    next_intent: null,
    connectivity: "CONNECTED",
    not_responding: false,
    device: "UNSPECIFIED",
    called_in: null,
    since: at(0),
    now: at(0),
    work: items,
    explanation: null,
    outpaced: {contact_id: "", offer_no: 0},
    taken: {contact_id: "", agent_id: ""},
  };
}

function message(no: number, text: string): Message {
  return {no, author: "AGENT", agent_id: "ag_li", supervisor_id: "", text, at: at(no)};
}

function whisper(no: number, after_no: number): Whisper {
  const toLi = {supervisor_id: "us_zhao", agent_id: "ag_li", colleague_id: "", author_agent_id: ""};
  return {no, ...toLi, text: `whisper ${no.toString()}`, at: at(no), after_no};
}

function contact(contact_id: string, version: number, texts: string[]): ContactView {
  return {
    contact_id,
    version,
    state: "CONNECTED",
    channel: "CHAT",
    customer_id: "",
    customer: null,
    queue_id: "qu_support",
    agent_id: "ag_li",
    messages: texts.map((text, index) => message(index + 1, text)),
    gathered: {},
    opened: at(0),
    locale: "zh",
    transfer_queue_id: "",
    transfer_refusal: "",
    consultation: null,
    consultation_refusal: "",
    consultation_end: "",
    notes: [],
    monitoring: null,
    whispers: [],
  };
}

const offer = (contact_id: string, expires: number) => work(contact_id, {state: "OFFERED", expires: at(expires)});

describe("the desk", () => {
  test("selects what needs the agent, and keeps what the agent looks at", () => {
    const first = withAgent(EMPTY_DESK, agent(offer("ct_1", 30)));
    expect(first.selected).toBe("ct_1");
    const both = withAgent(first, agent(work("ct_1"), offer("ct_2", 30)));
    expect(both.selected).toBe("ct_1");
    expect(withAgent(both, agent(offer("ct_2", 30))).selected).toBe("ct_2");
    expect(withAgent(both, agent()).selected).toBeNull();
  });

  test("shows what colleagues left, the newest first, without what was erased", () => {
    const note = (text: string) => ({agent_id: "ag_wang", text, at: at(0)});
    const left = {...contact("ct_1", 1, []), notes: [note("first"), note(""), note("last")]};
    expect(notesOf(left, "").map(({text}) => text)).toEqual(["last", "first"]);
    const asked = {
      agent_id: "ag_li",
      offer_no: 2,
      state: "OFFERED",
      talks_to: "COLLEAGUE",
      note: "what do I say?",
    } as const;
    const shown = notesOf({...left, consultation: asked}, "ag_wang").map(({text}) => text);
    expect(shown).toEqual(["what do I say?", "last", "first"]);
    expect(notesOf({...left, consultation: asked}, "")).toHaveLength(2);
  });

  test("tells customers apart by what they said last, else by what they told the menu", () => {
    const silent = {...contact("ct_1", 1, ["hello"]), gathered: {topic: "a broken box"}};
    expect(newestOf(silent)).toBe("a broken box");
    const said = {...message(2, "are you there?"), author: "CUSTOMER" as const, agent_id: ""};
    expect(newestOf({...silent, messages: [...silent.messages, said]})).toBe("are you there?");
    expect(newestOf(undefined)).toBe("");
  });

  test("forgets contacts that left the agent's work", () => {
    const before = withContact(withAgent(EMPTY_DESK, agent(work("ct_1"))), contact("ct_1", 1, ["hello"]));
    expect(Object.keys(withAgent(before, agent(work("ct_2"))).contacts)).toEqual([]);
  });

  test("ignores a contact's view that is older than the known one", () => {
    const known = withContact(EMPTY_DESK, contact("ct_1", 5, ["a", "b"]));
    expect(withContact(known, contact("ct_1", 4, ["a"]))).toBe(known);
  });

  test("merges messages by number; the newer frame is right", () => {
    const known = [
      {no: 1, text: "a"},
      {no: 2, text: "secret"},
    ];
    const news = [
      {no: 3, text: "c"},
      {no: 2, text: ""},
    ];
    expect(merged(known, news)).toEqual([
      {no: 1, text: "a"},
      {no: 2, text: ""},
      {no: 3, text: "c"},
    ]);
  });

  test("shows a sent message once: its echo goes when the conversation has it", () => {
    const echo: Echo = {key: "k", contact_id: "ct_1", text: "hi", after_no: 1, refusal: null};
    const desk: DeskState = {...withContact(EMPTY_DESK, contact("ct_1", 1, ["hi"])), echoes: [echo]};
    expect(withContact(desk, contact("ct_1", 2, ["hi"])).echoes).toEqual([echo]);
    expect(withContact(desk, contact("ct_1", 3, ["hi", "hi"])).echoes).toEqual([]);
  });

  test("keeps the echo of a message that was refused", () => {
    const echo: Echo = {key: "k", contact_id: "ct_1", text: "hi", after_no: 0, refusal: {reason: "x", message: ""}};
    const desk: DeskState = {...EMPTY_DESK, echoes: [echo]};
    expect(withContact(desk, contact("ct_1", 1, ["hi"])).echoes).toEqual([echo]);
  });

  test("shows the selected offer, else the one that ends first", () => {
    const view = agent(offer("ct_1", 30), offer("ct_2", 20), work("ct_3"));
    expect(currentOffer({agent: view, selected: "ct_3"})?.contact_id).toBe("ct_2");
    expect(currentOffer({agent: view, selected: "ct_1"})?.contact_id).toBe("ct_1");
    expect(currentOffer({agent: null, selected: null})).toBeUndefined();
  });

  test("counts what the customer wrote while the agent looked elsewhere", () => {
    const two = withAgent(EMPTY_DESK, agent(work("ct_1"), work("ct_2")));
    const written = (version: number, texts: string[]): ContactView => {
      const view = contact("ct_1", version, texts);
      return {...view, messages: view.messages.map((message) => ({...message, author: "CUSTOMER"}))};
    };
    const elsewhere = withSelected(withContact(two, written(1, ["a"])), "ct_2");
    expect(unreadOf(elsewhere, "ct_1")).toBe(0);
    const news = withContact(elsewhere, written(2, ["a", "b", "c"]));
    expect(unreadOf(news, "ct_1")).toBe(2);
    expect(unreadOf(withSelected(news, "ct_1"), "ct_1")).toBe(0);
  });

  test("counts what a supervisor whispered meanwhile, also in a chat in which nothing else happens", () => {
    const two = withAgent(EMPTY_DESK, agent(work("ct_1"), work("ct_2")));
    const whispered = (version: number, whispers: Whisper[]) => ({...contact("ct_1", version, ["a"]), whispers});
    const elsewhere = withSelected(withContact(two, whispered(1, [whisper(1, 1)])), "ct_2");
    expect(unreadOf(elsewhere, "ct_1")).toBe(0);
    const news = withContact(elsewhere, whispered(2, [whisper(1, 1), whisper(2, 1)]));
    expect(unreadOf(news, "ct_1")).toBe(1);
    expect(unreadOf(withSelected(news, "ct_1"), "ct_1")).toBe(0);
  });

  test("counts what a colleague wrote, but not what the agent wrote to the colleague", () => {
    const two = withAgent(EMPTY_DESK, agent(work("ct_1"), work("ct_2")));
    const aside = (no: number, author_agent_id: string) => ({...whisper(no, 1), supervisor_id: "", author_agent_id});
    const elsewhere = withSelected(withContact(two, contact("ct_1", 1, ["a"])), "ct_2");
    const news = {...contact("ct_1", 2, ["a"]), whispers: [aside(1, "ag_li"), aside(2, "ag_wang")]};
    expect(unreadOf(withContact(elsewhere, news), "ct_1")).toBe(1);
  });

  test("shows what was whispered where it was whispered", () => {
    const lines = linesOf(
      [message(1, "a"), message(2, "b")],
      [whisper(1, 0), whisper(2, 1), whisper(3, 1), whisper(4, 2)],
    );
    const texts = lines.map(({message, whisper}) => (message ?? whisper).text);
    expect(texts).toEqual(["whisper 1", "a", "whisper 2", "whisper 3", "b", "whisper 4"]);
  });

  test("groups parked chats, whose customer waits first, and selects none of them by itself", () => {
    const silent = work("ct_1", {parked: at(10)});
    const waits = work("ct_2", {parked: at(20), customer_waits: at(30)});
    expect(parkedFirst([silent, work("ct_3"), waits]).map((item) => item.contact_id)).toEqual(["ct_2", "ct_1"]);
    expect(withAgent(EMPTY_DESK, agent(silent, work("ct_3"))).selected).toBe("ct_3");
  });

  test("tells a missed offer from one that went away", () => {
    const before = agent(offer("ct_1", 30));
    expect(vanished(before, agent(), T0 + 30_000)).toBe("missed");
    expect(vanished(before, agent(), T0 + 5_000)).toBe("gone");
    expect(vanished(before, agent(work("ct_1")), T0 + 5_000)).toBeNull();
    expect(vanished(null, agent(), T0)).toBeNull();
    const outpaced = {contact_id: "ct_1", offer_no: before.work[0]?.offer_no ?? 0};
    expect(vanished(before, {...agent(), outpaced}, T0 + 5_000)).toBe("outpaced");
    const another = {...outpaced, offer_no: outpaced.offer_no + 1};
    expect(vanished(before, {...agent(), outpaced: another}, T0 + 5_000)).toBe("gone");
  });
});

describe("a contact that a supervisor took over", () => {
  const taken = {contact_id: "ct_1", agent_id: "ag_zhao"};

  test("is told of once, to whom it was taken from", () => {
    const before = agent(work("ct_1", {state: "CONNECTED"}));
    const after = {...agent(work("ct_1", {state: "WRAP_UP"})), taken};
    expect(takenBy(before, after)).toBe("ag_zhao");
    expect(takenBy(before, {...agent(), taken})).toBe("ag_zhao");
    expect(takenBy(after, {...agent(), taken})).toBeNull();
  });

  test("is not told of after a reload, or of another contact", () => {
    expect(takenBy(null, {...agent(), taken})).toBeNull();
    expect(takenBy(agent(work("ct_2", {state: "CONNECTED"})), {...agent(), taken})).toBeNull();
    const both = agent(work("ct_1", {state: "CONNECTED"}));
    expect(takenBy(both, {...both, taken})).toBeNull();
  });
});

describe("the count-down", () => {
  test("goes from the whole lease to nothing and never below", () => {
    const lease = {since: at(0), expires: at(20)};
    expect(restOf(lease, T0)).toEqual({seconds: 20, share: 1});
    expect(restOf(lease, T0 + 15_500)).toEqual({seconds: 5, share: 0.225});
    expect(restOf(lease, T0 + 99_000)).toEqual({seconds: 0, share: 0});
  });

  test("never shows more than the lease, even when the clocks differ", () => {
    expect(restOf({since: at(0), expires: at(20)}, T0 - 5_000)).toEqual({seconds: 20, share: 1});
  });

  test("is absent for an offer without an end", () => {
    expect(restOf({since: at(0), expires: null}, T0)).toBeNull();
  });
});
