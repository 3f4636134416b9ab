/** Draws the agent's attention to an offer: the ring and the title of the tab. */

import {useEffect} from "react";
import {useTranslation} from "react-i18next";

import {useDesk} from "./desk";
import {offersOf} from "./desk-state";
import {awaitGesture, startRing, stopRing, useRing} from "./ring";

const FLASH_MS = 1000;

export function useOfferAlarm(): void {
  const count = useDesk((desk) => offersOf(desk.agent).length);
  useRinging(count > 0);
  useFlashingTitle(count);
}

function useRinging(ringing: boolean): void {
  const blocked = useRing((ring) => ring.blocked);
  useEffect(awaitGesture, []);
  useEffect(() => {
    if (!ringing || blocked) return;
    startRing();
    return stopRing;
  }, [ringing, blocked]);
}

function useFlashingTitle(count: number): void {
  const {t} = useTranslation();
  useEffect(() => {
    if (count === 0) return;
    const quiet = document.title;
    const faces = [`☎ (${count}) ${t("offer.tab")}`, `☎ (${count}) ————`];
    let turn = 0;
    const flash = () => {
      document.title = faces[turn++ % faces.length] ?? quiet;
    };
    flash();
    const timer = setInterval(flash, FLASH_MS);
    return () => {
      clearInterval(timer);
      document.title = quiet;
    };
  }, [count, t]);
}
