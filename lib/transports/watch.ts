/**
 * How long may a call be silent? One timer answers for all three limits: they never run together.
 *
 * A limit of the same length as the one before it reuses the timer, so a call on a kept-alive
 * connection with equal first-byte and idle limits (the default) costs one timer in its whole life,
 * and a body chunk costs one `refresh()`. Times are good to the millisecond tick of Node's timers.
 * Must stay true: nothing is reported while unwatched, and nothing after `stop()`.
 */
import type { TransportFault } from './types.ts';

export type TimeoutFault = Extract<TransportFault, `${string}-timeout`>;

export class Watch {
  readonly #expired: (fault: TimeoutFault) => void;
  #timer: NodeJS.Timeout | undefined;
  #ms = 0;
  /** What is being waited for; undefined while nothing is. */
  #fault: TimeoutFault | undefined;

  constructor(expired: (fault: TimeoutFault) => void) {
    this.#expired = expired;
  }

  /** From now on, `ms` without another call here report `fault`. Replaces the limit before. */
  arm(fault: TimeoutFault, ms: number): void {
    this.#fault = fault;
    if (this.#timer !== undefined && this.#ms === ms) {
      this.#timer.refresh();
      return;
    }
    clearTimeout(this.#timer);
    this.#ms = ms;
    this.#timer = setTimeout(fire, ms, this);
  }

  /** Looks away. The timer stays, and runs out into nothing unless it is armed again. */
  disarm(): void {
    this.#fault = undefined;
  }

  /** The end: the timer is gone. */
  stop(): void {
    this.#fault = undefined;
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }

  fire(): void {
    const fault = this.#fault;
    if (fault === undefined) return;
    this.stop();
    this.#expired(fault);
  }
}

/** One function for all timers instead of a closure each. */
function fire(watch: Watch): void {
  watch.fire();
}
