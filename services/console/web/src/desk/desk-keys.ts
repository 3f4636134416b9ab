/** The desk's keyboard. Letters are taken by place, because Alt writes other characters on some keyboards. */

import {useEffect} from "react";
import {create} from "zustand";

import {actions, useDesk} from "./desk";
import {currentOffer} from "./desk-state";

export const MESSAGE_BOX = "tl-message-box";
export const TICKET_BUTTON = "tl-ticket-button";

/** Dialogs that keys open. */
export const useDialogs = create<{help: boolean}>(() => ({help: false}));

/** @param accepted called after an accept by keyboard. */
export function useDeskKeys(accepted?: () => void): void {
  useEffect(() => {
    const press = (event: KeyboardEvent) => {
      if (!event.isComposing && react(event, accepted)) event.preventDefault();
    };
    window.addEventListener("keydown", press);
    return () => window.removeEventListener("keydown", press);
  }, [accepted]);
}

function react(event: KeyboardEvent, accepted?: () => void): boolean {
  if (event.key === "Escape") return leaveBox();
  if (event.key === "?" && !isTyping(event.target)) return openHelp();
  if (!event.altKey || event.ctrlKey || event.metaKey) return false;
  const offer = currentOffer(useDesk.getState());
  switch (event.code) {
    case "KeyA":
      if (offer !== undefined && !event.repeat) void actions.accept(offer).then(accepted);
      return offer !== undefined;
    case "KeyD":
      if (offer !== undefined && !event.repeat) void actions.decline(offer);
      return offer !== undefined;
    case "KeyM":
      document.getElementById(MESSAGE_BOX)?.focus();
      return true;
    case "KeyT":
      if (!event.repeat) document.getElementById(TICKET_BUTTON)?.click();
      return true;
    default:
      return false;
  }
}

function openHelp(): boolean {
  useDialogs.setState({help: true});
  return true;
}

function leaveBox(): boolean {
  const box = document.getElementById(MESSAGE_BOX);
  if (box === null || document.activeElement !== box) return false;
  box.blur();
  return true;
}

function isTyping(target: EventTarget | null): boolean {
  return (
    target instanceof HTMLElement && (target.isContentEditable || /^(INPUT|TEXTAREA|SELECT)$/.test(target.tagName))
  );
}
