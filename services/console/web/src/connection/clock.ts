/**
 * The server's time as far as this page knows it. Owns the estimate; the computer's wall clock is used only until the
 * server has told its time once, because it may be hours off and may jump.
 */

export class ServerClock {
  #offset_ms: number | null = null;
  #starting = true;
  readonly #monotonic_ms: () => number;
  readonly #wall_ms: () => number;

  constructor(monotonic_ms: () => number = () => performance.now(), wall_ms: () => number = () => Date.now()) {
    this.#monotonic_ms = monotonic_ms;
    this.#wall_ms = wall_ms;
  }

  /** The server said this time a moment ago. What it said can only be late, so the latest estimate wins. */
  note(iso: string): void {
    const told_ms = Date.parse(iso);
    if (Number.isNaN(told_ms)) return;
    const offset_ms = told_ms - this.#monotonic_ms();
    this.#offset_ms = this.#starting ? offset_ms : Math.max(this.#offset_ms ?? offset_ms, offset_ms);
    this.#starting = false;
  }

  /** The next time told replaces the estimate: another replica, with another clock, may answer now. */
  reset(): void {
    this.#starting = true;
  }

  /** Unix time in ms. */
  now(): number {
    return this.#offset_ms === null ? this.#wall_ms() : this.#offset_ms + this.#monotonic_ms();
  }
}
