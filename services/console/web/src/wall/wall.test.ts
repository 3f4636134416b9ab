import {describe, expect, test} from "vitest";

import type {AgentRow, QueueRow} from "../contract/wall";
import {agentsToChoose, sortedAgents, sortedQueues} from "./wall-order";
import {agentState, isSignedOut, lacksTelephone, EMPTY_WALL, meanWait_s, withFrame} from "./wall-state";

function queue(queue_id: string, waiting = 0): QueueRow {
  return {
    queue_id,
    waiting,
    ringing: 0,
    connected: 0,
    oldest_entered: null,
    entered_total: 0,
    answered_total: 0,
    abandoned_total: 0,
    short_abandoned_total: 0,
    flowed_out_total: 0,
    limit_reached_total: 0,
    callbacks_open: 0,
    helping_queue_id: "",
    answered_wait_s: 0,
  };
}

function row(change: Partial<AgentRow> = {}): AgentRow {
  return {
    agent_id: "ag_1",
    intent: "AVAILABLE",
    break_reason: "",
    connectivity: "CONNECTED",
    not_responding: false,
    device: "UNSPECIFIED",
    offered: 0,
    connecting: 0,
    connected: 0,
    wrap_up: 0,
    parked: 0,
    called_in: null,
    since: "2026-01-01T00:00:00Z",
    ...change,
  };
}

const AT = "2026-01-01T00:00:00Z";

describe("the wall's figures", () => {
  test("change row by row, and are replaced as a whole", () => {
    const whole = withFrame(EMPTY_WALL, {
      type: "wall",
      at: AT,
      queues: [queue("a", 1), queue("b", 2)],
      agents: [row()],
    });
    const changed = withFrame(whole, {type: "rows", queues: [queue("a", 5)], agents: []});
    expect(Object.values(changed.queues).map(({waiting}) => waiting)).toEqual([5, 2]);
    const again = withFrame(changed, {type: "wall", at: AT, queues: [queue("b", 3)], agents: []});
    expect(Object.keys(again.queues)).toEqual(["b"]);
    expect(again.agents).toEqual({});
    expect(again.known).toBe(true);
  });

  test("have a mean wait only when somebody was answered", () => {
    expect(meanWait_s(queue("a"))).toBeNull();
    expect(meanWait_s({...queue("a"), answered_total: 4, answered_wait_s: 50})).toBe(12.5);
  });

  test("show the directory's queues in its order, also without contacts, and others after them", () => {
    const rows = {z: queue("z", 1), b: queue("b", 2)};
    const shown = sortedQueues(rows, [{queue_id: "b"}, {queue_id: "a"}]);
    expect(shown.map(({queue_id, waiting}) => [queue_id, waiting])).toEqual([
      ["b", 2],
      ["a", 0],
      ["z", 1],
    ]);
  });
});

describe("an agent's state on the wall", () => {
  test.each([
    [{connected: 1, offered: 1}, "CONNECTED"],
    [{connecting: 1}, "CONNECTING"],
    [{offered: 1}, "RINGING"],
    [{wrap_up: 1, intent: "OFFLINE"}, "WRAP_UP"],
    [{not_responding: true}, "NOT_RESPONDING"],
    [{connectivity: "GRACE"}, "LOST"],
    [{connectivity: "DISCONNECTED"}, "OFFLINE"],
    [{intent: "OFFLINE"}, "OFFLINE"],
    [{intent: "BREAK"}, "BREAK"],
    [{}, "AVAILABLE"],
  ])("of %o is %s", (change, state) => {
    expect(agentState(row(change))).toBe(state);
  });

  test.each([
    [{device: "LOST"} as const, true],
    [{device: "LOST", intent: "BREAK"} as const, true],
    [{device: "LOST", intent: "OFFLINE"} as const, false],
    [{device: "REGISTERED"} as const, false],
    [{}, false],
  ])("of %o lacks a telephone: %s", (change, lacks) => {
    expect(lacksTelephone(row(change))).toBe(lacks);
  });

  test.each([
    [{}, false],
    [{intent: "BREAK"}, false],
    [{intent: "OFFLINE"}, true],
    [{connectivity: "GRACE"}, false],
    [{connectivity: "DISCONNECTED"}, true],
  ])("of %o is signed out, and may be called in: %s", (change, signedOut) => {
    expect(isSignedOut(row(change))).toBe(signedOut);
  });

  test("orders agents: trouble first, the longest in a state first", () => {
    const agents = {
      a: row({agent_id: "a", since: "2026-01-01T00:00:09Z"}),
      b: row({agent_id: "b", since: "2026-01-01T00:00:01Z"}),
      c: row({agent_id: "c", not_responding: true}),
    };
    expect(sortedAgents(agents).map(({agent_id}) => agent_id)).toEqual(["c", "b", "a"]);
  });

  test("to choose from come by name, those who are available first and who is signed out last", () => {
    const agents = {
      a: row({agent_id: "a", intent: "OFFLINE"}),
      b: row({agent_id: "b", intent: "BREAK"}),
      c: row({agent_id: "c"}),
      d: row({agent_id: "d", connected: 1}),
      e: row({agent_id: "e"}),
    };
    const names: Record<string, string> = {a: "Ann", b: "Zoe", c: "Tom", d: "Bea", e: "Sam"};
    const found = agentsToChoose(agents, (agent_id) => names[agent_id] ?? agent_id);
    expect(found.map(({name, state}) => `${name} ${state}`)).toEqual([
      "Sam AVAILABLE",
      "Tom AVAILABLE",
      "Bea CONNECTED",
      "Zoe BREAK",
      "Ann OFFLINE",
    ]);
  });
});
