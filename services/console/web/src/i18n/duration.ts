/** Durations and times for people. */

import dayjs from "dayjs";

/** `0:07`, `12:05`, `1:02:03`; never negative. */
export function clockTime(duration_ms: number): string {
  const total = Math.max(0, Math.floor(duration_ms / 1000));
  const [hours, minutes, seconds] = [Math.floor(total / 3600), Math.floor(total / 60) % 60, total % 60];
  const two = (value: number) => value.toString().padStart(2, "0");
  return hours > 0 ? `${hours}:${two(minutes)}:${two(seconds)}` : `${minutes}:${two(seconds)}`;
}

/** `14:05` today, with the date on other days. */
export function moment(iso: string, now_ms: number = Date.now()): string {
  const at = dayjs(iso);
  if (!at.isValid()) return "";
  return at.isSame(dayjs(now_ms), "day") ? at.format("HH:mm") : at.format("YYYY-MM-DD HH:mm");
}
