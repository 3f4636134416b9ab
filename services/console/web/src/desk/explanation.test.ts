import i18next from "i18next";
import {beforeAll, expect, test} from "vitest";

import {en} from "../i18n/en";
import {zh} from "../i18n/zh";
import type {Candidate, Explanation} from "../contract/desk";
import {reasonsOf} from "./explanation";

beforeAll(async () => {
  const resources = {en: {translation: en}, zh: {translation: zh}};
  await i18next.init({lng: "en", resources, interpolation: {escapeValue: false}});
});

const name = (agent_id: string) => `<${agent_id}>`;

const NOTHING: Explanation = {
  policy_version: 3,
  trigger: "",
  value_score_permille: 0,
  urgency_score_permille: 0,
  wait_score_permille: 0,
  waiting_count: 0,
  candidates: [],
  ring: 0,
  helping_queue_id: "",
  asked_count: 0,
  preference: "PREFERENCE_UNSPECIFIED",
};

function candidate(agent_id: string, not_chosen_because = "", idle_ms = 0): Candidate {
  return {agent_id, not_chosen_because, idle_ms};
}

test("says in plain words why the longest idle agent was chosen and why the others were not", () => {
  const reasons = reasonsOf(
    {
      ...NOTHING,
      trigger: "ContactArrived",
      wait_score_permille: 500,
      waiting_count: 2,
      candidates: [candidate("a", "", 65_000), candidate("b", "IdleShorter", 5000), candidate("c", "OnBreak")],
    },
    i18next.t,
    name,
  );
  expect(reasons.sentences).toEqual([
    "This contact has just arrived and you were free.",
    "Of 2 agents who could take it, you were free the longest: 1:05.",
    "Contacts waiting at that moment: 2.",
    "It had used 50 % of the target wait.",
  ]);
  expect(reasons.others).toEqual([
    {name: "<b>", reason: "free for less time (0:05)"},
    {name: "<c>", reason: "is on a break"},
  ]);
});

test("says how a strategy preferred the chosen one, and which ring it came through", () => {
  const candidates = [candidate("a"), candidate("b", "TurnLater"), candidate("c", "OnBreak")];
  const {sentences, others} = reasonsOf({...NOTHING, candidates, ring: 2}, i18next.t, name);
  expect(sentences).toEqual([
    "Of 2 agents who could take it, it was your turn.",
    "Less skill is asked for by now than it came for; loosened steps: 2.",
  ]);
  expect(others[0]).toEqual({name: "<b>", reason: "has a later turn"});
});

test("says that the agent's queue helps another one out, and who would only have done so", () => {
  const candidates = [candidate("a"), candidate("b", "OnlyHelps")];
  const chosen = reasonsOf({...NOTHING, candidates}, i18next.t, name);
  expect(chosen.sentences).toEqual(["An agent of its own queue goes before those who only help out."]);
  expect(chosen.others[0]?.reason).toBe("would only help out from another queue");
  const helper = reasonsOf({...NOTHING, helping_queue_id: "qu_orders"}, i18next.getFixedT("zh"), name);
  expect(helper.sentences).toEqual(["您所在的队列正在支援其他队列。"]);
});

test.each([
  ["LAST_AGENT", "You had this customer last.", "您上次接待过该客户。"],
  ["ACCOUNT_OWNER", "This customer's account is yours.", "该客户由您专属负责。"],
  ["NAMED", "A colleague gave it on to you.", "同事指定转给您。"],
] as const)("says first that the agent was named for it: %s", (why, en, zh) => {
  const named: Explanation = {...NOTHING, candidates: [candidate("a")], preference: `PREFERENCE_${why}`};
  expect(reasonsOf(named, i18next.t, name).sentences[0]).toBe(en);
  expect(reasonsOf(named, i18next.getFixedT("zh"), name).sentences[0]).toBe(zh);
});

test("says so when nobody else could take it", () => {
  const {sentences} = reasonsOf({...NOTHING, candidates: [candidate("a", "", 1000)]}, i18next.getFixedT("zh"), name);
  expect(sentences).toEqual(["只有您可以接待。", "您已空闲 0:01。"]);
});

test("says at how many it rings at once", () => {
  const candidates = [candidate("a", "", 1000), candidate("b", "AskedToo"), candidate("c", "OnBreak")];
  const reasons = reasonsOf({...NOTHING, candidates, asked_count: 2}, i18next.t, name);
  expect(reasons.sentences).toEqual(["It rings at 2 of you at once: whoever accepts first has it."]);
  expect(reasons.others[0]).toEqual({name: "<b>", reason: "is asked at the same time"});
});

test("passes over words of a newer server and shows their reasons as they are", () => {
  const candidates = [candidate("a"), candidate("b", "MoonTooFull")];
  const reasons = reasonsOf({...NOTHING, trigger: "SomethingNew", candidates}, i18next.t, name);
  expect(reasons.others).toEqual([{name: "<b>", reason: "MoonTooFull"}]);
  expect(reasons.sentences[0]).toBe("You were the only one who could take it.");
});

test("says nothing when nothing is known", () => {
  expect(reasonsOf(NOTHING, i18next.t, name)).toEqual({sentences: [], others: []});
});
