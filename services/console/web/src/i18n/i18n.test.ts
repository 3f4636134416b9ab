import {describe, expect, test} from "vitest";

import {inLanguage} from "../contract/text";
import {clockTime, moment} from "./duration";
import {en} from "./en";
import {languageFor} from "./index";
import {zh} from "./zh";

interface Tree {
  [key: string]: string | Tree;
}

function leaves(tree: Tree, path = ""): [string, string][] {
  return Object.entries(tree).flatMap(([key, value]) =>
    typeof value === "string" ? [[`${path}${key}`, value] as [string, string]] : leaves(value, `${path}${key}.`),
  );
}

const placeholders = (text: string) => [...text.matchAll(/\{\{(\w+)\}\}/g)].map((match) => match[1]).sort();

describe("texts", () => {
  test("have the same keys and placeholders in both languages", () => {
    const english = new Map(leaves(en));
    const chinese = new Map(leaves(zh));
    expect([...chinese.keys()].sort()).toEqual([...english.keys()].sort());
    for (const [key, text] of english) expect(placeholders(chinese.get(key) ?? ""), key).toEqual(placeholders(text));
  });

  test("are never empty", () => {
    for (const [key, text] of [...leaves(en), ...leaves(zh)]) expect(text.trim(), key).not.toBe("");
  });
});

test("the language is what the user chose, else the browser's, else English", () => {
  expect(languageFor("en", "zh-CN")).toBe("en");
  expect(languageFor(null, "zh-Hans-SG")).toBe("zh");
  expect(languageFor("klingon", "de-DE")).toBe("en");
});

test("a text that lacks a language is shown in the other one", () => {
  expect(inLanguage({zh: "你好", en: ""}, "en")).toBe("你好");
  expect(inLanguage({en: "hello"}, "zh")).toBe("hello");
  expect(inLanguage("as it is", "zh")).toBe("as it is");
  expect(inLanguage(null, "zh")).toBe("");
});

test("durations read like a clock and are never negative", () => {
  expect([0, 7_900, 65_000, 3_723_000, -5].map(clockTime)).toEqual(["0:00", "0:07", "1:05", "1:02:03", "0:00"]);
});

test("a moment of today has no date, and nonsense is empty", () => {
  const noon = new Date(2026, 0, 5, 12, 30).toISOString();
  expect(moment(noon, Date.parse(noon))).toBe("12:30");
  expect(moment(noon, Date.parse(noon) + 86_400_000)).toBe("2026-01-05 12:30");
  expect(moment("soon")).toBe("");
});
