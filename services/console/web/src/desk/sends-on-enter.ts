/** Enter sends, unless an input method is composing a character; Shift and Enter begin a new line. */

import type {KeyboardEvent} from "react";

export function sendsOnEnter(send: () => void): (event: KeyboardEvent) => void {
  return (event) => {
    if (event.key !== "Enter" || event.shiftKey || event.nativeEvent.isComposing) return;
    event.preventDefault();
    send();
  };
}
