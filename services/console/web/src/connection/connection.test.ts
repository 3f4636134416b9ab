import {describe, expect, test} from "vitest";

import {delay_ms} from "./backoff";
import {ServerClock} from "./clock";
import {socketUrl} from "./url";
import {uuid7} from "./uuid7";

describe("ids of commands", () => {
  test("are UUIDv7: 48 bits of time, version 7, variant 10", () => {
    const random = Uint8Array.from([0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff]);
    expect(uuid7(0x017f22e279b0, random)).toBe("017f22e2-79b0-7fff-bfff-ffffffffffff");
  });

  test("sort by time and differ within one millisecond", () => {
    expect(uuid7(1_000) < uuid7(2_000)).toBe(true);
    expect(uuid7(1_000)).not.toBe(uuid7(1_000));
    expect(uuid7(1_000)).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
  });
});

describe("back-off", () => {
  test("grows from half a second to five seconds and stays there", () => {
    expect([0, 1, 2, 3, 4, 20].map((failures) => delay_ms(failures, 1))).toEqual([500, 1000, 2000, 4000, 5000, 5000]);
  });

  test("is spread by chance, but never below half a second", () => {
    expect(delay_ms(0, 0)).toBe(500);
    expect(delay_ms(9, 0)).toBe(3500);
  });
});

describe("the server's clock", () => {
  const at = (monotonic_ms: number) => ({monotonic_ms});

  test("is the wall clock until the server has told its time", () => {
    expect(
      new ServerClock(
        () => 5,
        () => 777,
      ).now(),
    ).toBe(777);
  });

  test("runs on the monotonic clock, whatever the wall clock does", () => {
    const time = at(1_000);
    const clock = new ServerClock(
      () => time.monotonic_ms,
      () => 0,
    );
    clock.note("2026-01-01T00:00:10Z");
    time.monotonic_ms += 2_500;
    expect(new Date(clock.now()).toISOString()).toBe("2026-01-01T00:00:12.500Z");
  });

  test("does not run backwards when a view was made long before it came", () => {
    const time = at(0);
    const clock = new ServerClock(
      () => time.monotonic_ms,
      () => 0,
    );
    clock.note("2026-01-01T00:00:10Z");
    time.monotonic_ms = 4_000;
    clock.note("2026-01-01T00:00:11Z");
    expect(new Date(clock.now()).toISOString()).toBe("2026-01-01T00:00:14.000Z");
  });

  test("takes the next server's time after a reset, and keeps the old one until then", () => {
    const clock = new ServerClock(
      () => 0,
      () => 0,
    );
    clock.note("2026-01-01T00:00:10Z");
    clock.reset();
    expect(new Date(clock.now()).toISOString()).toBe("2026-01-01T00:00:10.000Z");
    clock.note("2026-01-01T00:00:04Z");
    expect(new Date(clock.now()).toISOString()).toBe("2026-01-01T00:00:04.000Z");
  });

  test("ignores what is no time", () => {
    const clock = new ServerClock(
      () => 0,
      () => 9,
    );
    clock.note("soon");
    expect(clock.now()).toBe(9);
  });
});

test("a socket's address follows the page's protocol", () => {
  expect(socketUrl("/desk/ws", "https://centre.example/desk?x=1")).toBe("wss://centre.example/desk/ws");
  expect(socketUrl("/chat/v1/ws", "http://127.0.0.1:8081")).toBe("ws://127.0.0.1:8081/chat/v1/ws");
});
