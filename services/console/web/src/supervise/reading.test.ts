import {expect, test} from "vitest";

import type {ReadChat} from "../contract/reading";
import {type Reading, withFrame} from "./reading";

const NOTHING: Reading = {chat: null, ended: null, connection: "open"};

function chat(version: number): {type: "chat"; chat: ReadChat} {
  return {
    type: "chat",
    chat: {contact_id: "ct_1", version, agent_id: "ag_li", mode: "LISTEN", gathered: {}, messages: [], whispers: []},
  };
}

test("a chat that comes late, over a connection that was slow, replaces no newer one", () => {
  const newer = withFrame(NOTHING, chat(3));
  expect(withFrame(newer, chat(2)).chat?.version).toBe(3);
  expect(withFrame(newer, chat(3)).chat?.version).toBe(3);
  expect(withFrame(newer, chat(4)).chat?.version).toBe(4);
});

test("what was read stays in view when the monitoring ends", () => {
  const over = withFrame(withFrame(NOTHING, chat(3)), {type: "ended", reason: "given_on"});
  expect([over.ended, over.chat?.version]).toEqual(["given_on", 3]);
  expect(withFrame(over, {type: "pong"})).toBe(over);
});
