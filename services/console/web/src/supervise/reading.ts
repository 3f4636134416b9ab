/** One chat that a supervisor reads along: its connection, as long as a page shows it. */

import {useEffect, useState} from "react";

import {ReconnectingSocket, type SocketState} from "../connection/socket";
import {socketUrl} from "../connection/url";
import type {ReadChat, ReadingFrame} from "../contract/reading";
import {queryClient} from "../rest/queries";

export interface Reading {
  /** Null until it came. */
  chat: ReadChat | null;
  /** How the monitoring ended; null while it lasts. */
  ended: string | null;
  connection: SocketState;
}

export function useReading(contact_id: string): Reading {
  const [reading, setReading] = useState<Reading>({chat: null, ended: null, connection: "connecting"});
  useEffect(() => {
    const socket = new ReconnectingSocket(() => socketUrl(`/reading/ws?contact_id=${encodeURIComponent(contact_id)}`), {
      opened: () => undefined,
      frame: (frame) => {
        setReading((known) => withFrame(known, frame as ReadingFrame));
        if ((frame as ReadingFrame).type === "ended") socket.stop();
      },
      changed: (connection) => {
        setReading((known) => ({...known, connection}));
      },
      rejected: () => void queryClient.invalidateQueries({queryKey: ["me"]}),
    });
    socket.start();
    return () => socket.stop();
  }, [contact_id]);
  return reading;
}

/** A chat that is older than the known one is ignored. */
export function withFrame(reading: Reading, frame: ReadingFrame): Reading {
  switch (frame.type) {
    case "chat":
      return (reading.chat?.version ?? 0) > frame.chat.version ? reading : {...reading, chat: frame.chat};
    case "ended":
      return {...reading, ended: frame.reason};
    case "pong":
      return reading;
  }
}
