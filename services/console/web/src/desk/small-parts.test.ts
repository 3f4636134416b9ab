import {describe, expect, test} from "vitest";

import {bytesOf, MAX_TEXT_BYTES} from "../contract/text";
import {ringSamples} from "./ring";
import {proposedSubject} from "./ticket-subject";

describe("the subject of a ticket", () => {
  test("takes what the menu gathered before what was written", () => {
    expect(proposedSubject("Support", "Li", ["My tea broke"], ["hello, a long message of mine"])).toBe(
      "Support · My tea broke",
    );
  });

  test("takes the longest of the first messages, else the customer", () => {
    expect(proposedSubject("Support", "Li", [], ["hi", "where is\nmy order?"])).toBe("Support · where is my order?");
    expect(proposedSubject("Support", "Li", [], [])).toBe("Support · Li");
  });

  test("is one line without control characters, and never blank while the queue or the customer has a name", () => {
    expect(proposedSubject("Support", "Li", [" \u0007\n"], ["\u0000ring\u007f\n the bell "])).toBe(
      "Support · ring the bell",
    );
    expect(proposedSubject("Support", " ", [], [])).toBe("Support");
    expect(proposedSubject("", "Li", [], [])).toBe("Li");
  });

  test("stays below the server's limit, whatever it is made of", () => {
    const long = "𠮷".repeat(9000);
    for (const texts of [[], [long]]) expect(bytesOf(proposedSubject(long, long, [], texts))).toBeLessThan(1024);
  });

  test("is cut by characters, not in the middle of one", () => {
    const subject = proposedSubject("Q", "", ["𠮷".repeat(80)], []);
    expect(subject).toBe(`Q · ${"𠮷".repeat(59)}…`);
  });
});

describe("the length of a message", () => {
  test("is counted in bytes, as the server does", () => {
    expect([bytesOf("tea"), bytesOf("茶"), bytesOf("𠮷")]).toEqual([3, 3, 4]);
    expect(bytesOf("茶".repeat(11_000)) > MAX_TEXT_BYTES).toBe(true);
  });
});

describe("the ring", () => {
  test("lasts three seconds, is never too loud, and is silent at its end", () => {
    const samples = ringSamples(8000);
    expect(samples).toHaveLength(24_000);
    expect(Math.max(...samples)).toBeLessThan(0.5);
    expect(Math.max(...samples.slice(0, 3000))).toBeGreaterThan(0.2);
    expect(samples.slice(12_000).every((sample) => sample === 0)).toBe(true);
  });
});
