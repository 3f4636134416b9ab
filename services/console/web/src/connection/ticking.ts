/** The server's time as a value that a page can show. */

import {useEffect, useState} from "react";

import type {ServerClock} from "./clock";

/** @returns Unix time in ms, renewed every `every_ms`. */
export function useNow(clock: ServerClock, every_ms = 1000): number {
  const [now_ms, setNow] = useState(() => clock.now());
  useEffect(() => {
    const timer = setInterval(() => setNow(clock.now()), every_ms);
    return () => clearInterval(timer);
  }, [clock, every_ms]);
  return now_ms;
}
