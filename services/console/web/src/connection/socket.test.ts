import {afterEach, beforeEach, describe, expect, test, vi} from "vitest";

import {ReconnectingSocket} from "./socket";

/** The browser's WebSocket as far as the class uses it; the test plays the server. */
class PlayedSocket {
  static readonly OPEN = 1;
  static made: PlayedSocket[] = [];
  readyState = 0;
  sent: string[] = [];
  closed = false;
  onopen: (() => void) | null = null;
  onmessage: ((message: {data: string}) => void) | null = null;
  onclose: ((event: {code: number}) => void) | null = null;

  constructor(readonly url: string) {
    PlayedSocket.made.push(this);
  }

  send(text: string): void {
    this.sent.push(text);
  }

  close(): void {
    this.closed = true;
  }

  open(): void {
    this.readyState = 1;
    this.onopen?.();
  }

  say(data: string): void {
    this.onmessage?.({data});
  }

  lose(code = 1006): void {
    this.readyState = 3;
    this.onclose?.({code});
  }
}

describe("a socket that comes back", () => {
  const heard: string[] = [];
  let socket: ReconnectingSocket;

  const latest = (): PlayedSocket => {
    const made = PlayedSocket.made.at(-1);
    if (made === undefined) throw new Error("no connection was made");
    return made;
  };

  beforeEach(() => {
    vi.useFakeTimers();
    vi.stubGlobal("WebSocket", PlayedSocket);
    vi.spyOn(Math, "random").mockReturnValue(1);
    PlayedSocket.made = [];
    heard.length = 0;
    socket = new ReconnectingSocket(() => "ws://server", {
      opened: () => heard.push("opened"),
      frame: (frame) => heard.push(JSON.stringify(frame)),
      changed: (state) => heard.push(state),
      rejected: () => heard.push("rejected"),
      replaced: () => heard.push("replaced"),
    });
    socket.start();
  });

  afterEach(() => {
    socket.stop();
    vi.unstubAllGlobals();
    vi.useRealTimers();
  });

  test("tells its state and hands over frames", () => {
    latest().open();
    latest().say('{"type":"pong"}');
    expect(heard).toEqual(["connecting", "open", "opened", '{"type":"pong"}']);
  });

  test("ignores frames that are no JSON", () => {
    latest().open();
    latest().say("hello?");
    expect(heard).toEqual(["connecting", "open", "opened"]);
  });

  test("connects again after a loss, later after each failure", async () => {
    latest().open();
    latest().say("{}");
    latest().lose();
    expect(socket.state).toBe("waiting");
    await vi.advanceTimersByTimeAsync(500);
    expect(PlayedSocket.made).toHaveLength(2);
    latest().lose();
    await vi.advanceTimersByTimeAsync(999);
    expect(PlayedSocket.made).toHaveLength(2);
    await vi.advanceTimersByTimeAsync(1);
    expect(PlayedSocket.made).toHaveLength(3);
  });

  test("says when a connection ended before the server spoke", () => {
    latest().lose();
    expect(heard).toContain("rejected");
  });

  test("stays away once a newer connection took its place, until it is started again", async () => {
    latest().open();
    latest().lose(4409);
    expect(heard.slice(-2)).toEqual(["stopped", "replaced"]);
    await vi.advanceTimersByTimeAsync(60_000);
    expect(PlayedSocket.made).toHaveLength(1);
    socket.start();
    expect(PlayedSocket.made).toHaveLength(2);
  });

  test("comes back later, and is not rejected, when it was there too often", async () => {
    latest().lose(4429);
    expect(heard).not.toContain("rejected");
    await vi.advanceTimersByTimeAsync(500);
    latest().lose(4429);
    await vi.advanceTimersByTimeAsync(999);
    expect(PlayedSocket.made).toHaveLength(2);
    await vi.advanceTimersByTimeAsync(1);
    expect(PlayedSocket.made).toHaveLength(3);
  });

  test("pings, and gives up a connection that is silent", async () => {
    latest().open();
    const silent = latest();
    await vi.advanceTimersByTimeAsync(8_000);
    expect(silent.sent).toEqual(['{"type":"ping"}', '{"type":"ping"}']);
    await vi.advanceTimersByTimeAsync(8_500);
    expect(silent.closed).toBe(true);
    expect(PlayedSocket.made.length).toBeGreaterThan(1);
  });

  test("does not send while it is not open", () => {
    expect(socket.send({type: "rearm"})).toBe(false);
    latest().open();
    expect(socket.send({type: "rearm"})).toBe(true);
    expect(latest().sent).toEqual(['{"type":"rearm"}']);
  });

  test("stays away when stopped", async () => {
    latest().open();
    socket.stop();
    await vi.advanceTimersByTimeAsync(60_000);
    expect(PlayedSocket.made).toHaveLength(1);
    expect(socket.state).toBe("stopped");
  });
});
