/** How long to wait before connecting again. */

const FIRST_MS = 500;
const LONGEST_MS = 5000;

/** @param failures connections that failed in a row, from 0. @param chance 0 ≤ chance < 1; spreads many pages. */
export function delay_ms(failures: number, chance: number = Math.random()): number {
  const full = Math.min(LONGEST_MS, FIRST_MS * 2 ** failures);
  return Math.max(FIRST_MS, full * (0.7 + 0.3 * chance));
}
