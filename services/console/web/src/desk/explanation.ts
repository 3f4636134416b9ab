/** Why a contact came to this agent, as plain sentences. */

import type {TFunction} from "i18next";

import type {Candidate, Explanation} from "../contract/desk";
import {clockTime} from "../i18n/duration";

const OUTDONE = ["OnlyHelps", "LaterRing", "LessProficient", "LoadHigher", "TurnLater", "NotDrawn"] as const;

export interface Reasons {
  sentences: string[];
  others: {name: string; reason: string}[];
}

export function reasonsOf(explanation: Explanation, t: TFunction, name: (agent_id: string) => string): Reasons {
  const others = explanation.candidates.slice(1);
  return {
    sentences: [
      ...sentence(explanation.trigger, "why.trigger", t),
      ...namedFor(explanation, t),
      ...preference(explanation, t),
      ...(explanation.waiting_count > 0 ? [t("why.waiting", {count: explanation.waiting_count})] : []),
      ...weights(explanation, t),
      ...(explanation.ring > 0 ? [t("why.ring", {ring: explanation.ring})] : []),
      ...(explanation.helping_queue_id === "" ? [] : [t("why.helped")]),
    ],
    others: others.map((other) => ({name: name(other.agent_id), reason: whyNot(other, t)})),
  };
}

/** That the chosen one was named for it goes before how it was chosen among several. */
function namedFor({preference}: Explanation, t: TFunction): string[] {
  return preference === "PREFERENCE_UNSPECIFIED" ? [] : [t(`why.named.${preference}`)];
}

/** Why a strategy took the chosen one of several: the reason why the rivals were not says which. */
function preference({asked_count, candidates: [chosen, ...others]}: Explanation, t: TFunction): string[] {
  if (chosen === undefined) return [];
  if (asked_count > 0) return [t("why.askedAtOnce", {count: asked_count})];
  const reasons = others.map((other) => other.not_chosen_because);
  const because = OUTDONE.find((reason) => reasons.includes(reason));
  if (because === undefined) return idleness(chosen, others, t);
  const rivals = reasons.filter((reason) => reason === "IdleShorter" || OUTDONE.some((known) => known === reason));
  return [t(`why.best.${because}`, {count: rivals.length + 1})];
}

function idleness(chosen: Candidate, others: Candidate[], t: TFunction): string[] {
  const rivals = others.filter((other) => other.not_chosen_because === "IdleShorter").length;
  const idle = clockTime(chosen.idle_ms);
  return rivals > 0 ? [t("why.longestIdle", {count: rivals + 1, idle})] : [t("why.alone"), t("why.idle", {idle})];
}

function weights(explanation: Explanation, t: TFunction): string[] {
  const wait = explanation.wait_score_permille / 1000;
  const value = explanation.value_score_permille / 1000;
  const urgency = explanation.urgency_score_permille / 1000;
  return [
    ...(wait > 0 ? [t("why.waitScore", {percent: Math.round(wait * 100)})] : []),
    ...(value > 0 ? [t("why.valueScore", {value})] : []),
    ...(urgency > 0 ? [t("why.urgencyScore", {value: urgency})] : []),
  ];
}

function whyNot(candidate: Candidate, t: TFunction): string {
  const because = candidate.not_chosen_because;
  return sentence(because, "why.not", t, {idle: clockTime(candidate.idle_ms)})[0] ?? because;
}

/** Nothing for a word that this version does not know. */
function sentence(word: string, group: "why.trigger" | "why.not", t: TFunction, values: object = {}): string[] {
  const text = t(`${group}.${word}` as "why.title", {defaultValue: "", ...values});
  return word === "" || text === "" ? [] : [text];
}
