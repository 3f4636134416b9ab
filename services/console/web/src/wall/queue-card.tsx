/** One queue in large figures; a supervisor sees who waits in it. */

import {Tag} from "antd";
import {useTranslation} from "react-i18next";

import {useNow} from "../connection/ticking";
import type {QueueRow} from "../contract/wall";
import {clockTime} from "../i18n/duration";
import {useLanguage} from "../i18n";
import {useNames} from "../rest/queries";
import {QueueDrawer} from "../supervise/queue-drawer";
import {SupervisorButton} from "../supervise/supervisor-button";
import {wallClock} from "./wall";
import {meanWait_s} from "./wall-state";

const LONG_WAIT_MS = 60_000;

export function QueueCard({row}: {row: QueueRow}) {
  const {t} = useTranslation();
  const names = useNames(useLanguage());
  const now_ms = useNow(wallClock);
  const longest_ms = row.oldest_entered === null ? null : now_ms - Date.parse(row.oldest_entered);
  const mean_s = meanWait_s(row);
  return (
    <section className="tl-queue" aria-label={names.queue(row.queue_id)}>
      <div className="tl-page-head">
        <h3>{names.queue(row.queue_id)}</h3>
        {row.helping_queue_id !== "" && (
          <Tag
            className="tl-tag-helping"
            title={t("wall.helpingWhy")}
            data-testid={`wall-queue-${row.queue_id}-helping`}
          >
            {t("wall.helping", {queue: names.queue(row.helping_queue_id)})}
          </Tag>
        )}
        <span className="tl-spring" />
        <SupervisorButton
          label={t("supervise.whoWaits")}
          testid={`wall-queue-${row.queue_id}-who`}
          opens={(close) => <QueueDrawer queue_id={row.queue_id} onClose={close} />}
        />
      </div>
      <div className="tl-figures tl-figures-large">
        <Figure id={row.queue_id} name="waiting" value={row.waiting} tone={row.waiting > 0 ? "warn" : "calm"} />
        <Figure
          id={row.queue_id}
          name="longest"
          value={longest_ms === null ? "–" : clockTime(longest_ms)}
          tone={(longest_ms ?? 0) > LONG_WAIT_MS ? "bad" : "calm"}
        />
        <Figure id={row.queue_id} name="ringing" value={row.ringing} />
        <Figure id={row.queue_id} name="connected" value={row.connected} />
        {row.callbacks_open > 0 && <Figure id={row.queue_id} name="callbacksOpen" value={row.callbacks_open} />}
      </div>
      <div className="tl-figures tl-figures-total" title={t("wall.counted")}>
        <Figure id={row.queue_id} name="entered" value={row.entered_total} />
        <Figure id={row.queue_id} name="answered" value={row.answered_total} />
        <Figure id={row.queue_id} name="abandoned" value={row.abandoned_total} />
        <Figure id={row.queue_id} name="shortAbandoned" value={row.short_abandoned_total} />
        {row.flowed_out_total > 0 && <Figure id={row.queue_id} name="flowedOut" value={row.flowed_out_total} />}
        {row.limit_reached_total > 0 && (
          <Figure id={row.queue_id} name="limitReached" value={row.limit_reached_total} />
        )}
        <Figure id={row.queue_id} name="meanWait" value={mean_s === null ? "–" : clockTime(mean_s * 1000)} />
      </div>
    </section>
  );
}

interface FigureProps {
  id: string;
  name:
    | "waiting"
    | "longest"
    | "ringing"
    | "connected"
    | "entered"
    | "answered"
    | "abandoned"
    | "shortAbandoned"
    | "flowedOut"
    | "limitReached"
    | "callbacksOpen"
    | "meanWait";
  value: number | string;
  tone?: "calm" | "warn" | "bad";
}

function Figure({id, name, value, tone = "calm"}: FigureProps) {
  const {t} = useTranslation();
  return (
    <div className={`tl-figure tl-figure-${tone}`}>
      <span className="tl-figure-value" data-testid={`wall-queue-${id}-${name}`}>
        {value}
      </span>
      <span className="tl-figure-name">{t(`wall.${name}`)}</span>
    </div>
  );
}
