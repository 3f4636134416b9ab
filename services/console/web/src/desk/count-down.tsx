/** How long an offer still rings, by the server's time. */

import {useTranslation} from "react-i18next";

import {useNow} from "../connection/ticking";
import type {WorkItem} from "../contract/desk";
import {deskClock} from "./desk";
import {restOf} from "./rest-of-offer";

const EVERY_MS = 100;

export function CountDown({offer}: {offer: WorkItem}) {
  const {t} = useTranslation();
  const rest = restOf(offer, useNow(deskClock, EVERY_MS));
  if (rest === null) return null;
  const urgent = rest.seconds <= 5;
  return (
    <div
      className={urgent ? "tl-countdown tl-urgent" : "tl-countdown"}
      role="timer"
      aria-label={t("offer.leftLabel", {seconds: rest.seconds})}
      data-testid="offer-countdown"
      data-seconds={rest.seconds}
    >
      <div className="tl-countdown-bar" style={{width: `${(rest.share * 100).toFixed(1)}%`}} />
      <span className="tl-countdown-text">
        {rest.seconds > 0 ? t("offer.left", {seconds: rest.seconds}) : t("offer.over")}
      </span>
    </div>
  );
}
