import {afterEach, beforeEach, describe, expect, test, vi} from "vitest";

import {GIVE_UP_MS, Outbox, type Outcome} from "./outbox";

interface Frame {
  type: string;
  command_id: string;
}

describe("a command on its way", () => {
  let sent: Frame[] = [];
  let online = true;
  let outbox: Outbox;

  beforeEach(() => {
    vi.useFakeTimers();
    sent = [];
    online = true;
    outbox = new Outbox(
      (frame) => {
        if (online) sent.push(frame as Frame);
        return online;
      },
      () => Date.now(),
    );
  });
  afterEach(() => vi.useRealTimers());

  const only = (): Frame => {
    const [first] = sent;
    if (first === undefined) throw new Error("nothing was sent");
    return first;
  };

  test("is done when the server says so", async () => {
    const outcome = outbox.submit({type: "rearm"});
    outbox.answered({type: "done", command_id: only().command_id});
    expect(await outcome).toBeNull();
  });

  test("is refused with the server's rule", async () => {
    const outcome = outbox.submit({type: "accept"});
    const refusal = {reason: "OfferNotLive", message: "too late"};
    outbox.answered({type: "refused", command_id: only().command_id, ...refusal, retry_after_s: null});
    expect(await outcome).toEqual(refusal);
  });

  test("goes out again under the same id after a reconnect", async () => {
    online = false;
    const outcome = outbox.submit({type: "accept"});
    expect(sent).toEqual([]);
    online = true;
    outbox.resend();
    outbox.resend();
    expect(new Set(sent.map((frame) => frame.command_id)).size).toBe(1);
    outbox.answered({type: "done", command_id: only().command_id});
    expect(await outcome).toBeNull();
    outbox.resend();
    expect(sent).toHaveLength(2);
  });

  test("goes out again under the same id when the server asks for patience", async () => {
    const outcome = outbox.submit({type: "message"});
    const {command_id} = only();
    outbox.answered({type: "refused", command_id, reason: "Unavailable", message: "", retry_after_s: 1});
    await vi.advanceTimersByTimeAsync(1_000);
    expect(sent.map((frame) => frame.command_id)).toEqual([command_id, command_id]);
    outbox.answered({type: "done", command_id});
    expect(await outcome).toBeNull();
  });

  test("is given up after a bounded time, and a late answer changes nothing", async () => {
    let outcome: Outcome | "open" = "open";
    void outbox.submit({type: "end"}).then((settled) => (outcome = settled));
    await vi.advanceTimersByTimeAsync(GIVE_UP_MS - 1);
    expect(outcome).toBe("open");
    await vi.advanceTimersByTimeAsync(1);
    expect(outcome).toMatchObject({reason: "Timeout"});
    outbox.answered({type: "done", command_id: only().command_id});
    expect(outcome).toMatchObject({reason: "Timeout"});
  });

  test("ignores answers to commands of another desk", () => {
    expect(() => outbox.answered({type: "done", command_id: "unknown"})).not.toThrow();
  });
});
