/**
 * Requests that wait for room: each sleeps until the moment that was computed for it, and looks again
 * when another request ends. Nothing polls.
 */
import type { Exchange } from './exchange.ts';

/** setTimeout takes no more; a longer sleep looks again in between. */
const MAX_TIMER_MS = 2 ** 31 - 1;

export class Waiting {
  readonly #sleepers = new Map<Exchange, () => void>();
  #waking = false;

  /** Requests that wait now. */
  get depth(): number {
    return this.#sleepers.size;
  }

  /** How many wait for a provider as their first choice. */
  depthOf(provider: number): number {
    let depth = 0;
    for (const x of this.#sleepers.keys()) {
      if (x.route?.candidates[0]?.provider === provider) depth += 1;
    }
    return depth;
  }

  /** Resolves at `untilMs`, or earlier when another request ends or the client hangs up. */
  sleep(x: Exchange, nowMs: number, untilMs: number): Promise<void> {
    return new Promise((resolve) => {
      const wake = () => {
        clearTimeout(timer);
        this.#sleepers.delete(x);
        x.onAbort = null;
        resolve();
      };
      const timer = setTimeout(wake, Math.min(MAX_TIMER_MS, Math.max(1, untilMs - nowMs)));
      this.#sleepers.set(x, wake);
      x.onAbort = wake;
    });
  }

  /** A reservation has come back: those who wait look again, in the order in which they came. */
  onRelease(): void {
    if (this.#waking || this.#sleepers.size === 0) return;
    this.#waking = true;
    setImmediate(() => {
      this.#waking = false;
      for (const wake of [...this.#sleepers.values()]) wake();
    });
  }
}
