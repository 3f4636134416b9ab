/** The wall of this tab: its connection and figures, while a page shows them. */

import {useEffect} from "react";
import {create} from "zustand";

import {ServerClock} from "../connection/clock";
import {ReconnectingSocket, type SocketState} from "../connection/socket";
import {socketUrl} from "../connection/url";
import type {WallFrame} from "../contract/wall";
import {queryClient} from "../rest/queries";
import {EMPTY_WALL, type WallState, withFrame} from "./wall-state";

export const useWall = create<WallState & {connection: SocketState}>(() => ({...EMPTY_WALL, connection: "stopped"}));

export const wallClock = new ServerClock();

const socket = new ReconnectingSocket(() => socketUrl("/wall/ws"), {
  opened: () => wallClock.reset(),
  frame: (frame) => receive(frame as WallFrame),
  changed: (connection) => useWall.setState({connection}),
  rejected: () => void queryClient.invalidateQueries({queryKey: ["me"]}),
});

function receive(frame: WallFrame): void {
  if (frame.type !== "wall" && frame.type !== "rows") return;
  if (frame.at !== undefined) wallClock.note(frame.at);
  useWall.setState((wall) => withFrame(wall, frame));
}

/** Parts of the page that show rows: a dialogue that closes leaves the others their rows. */
let watchers = 0;

export function useWallConnection(): void {
  useEffect(() => {
    if (watchers++ === 0) socket.start();
    return () => {
      if (--watchers === 0) socket.stop();
    };
  }, []);
}
