/**
 * How long may a call be silent? One timer answers for all three limits: they never run together.
 *
 * To arm is to note a time; the timer is set once for many of them, and when it fires early it is
 * set anew for what is left. So a chunk costs a look at the clock, and so does a call on a
 * connection that had one before. Times are good to the tick of Node's timers, a millisecond or
 * two. Must stay true: nothing is reported while unwatched, and nothing after `stop()`; a timer
 * alone does not keep the process alive (an open socket does).
 */
import type { TransportFault } from './types.ts';

export type TimeoutFault = Extract<TransportFault, `${string}-timeout`>;

export class Watch {
  readonly #expired: (fault: TimeoutFault) => void;
  readonly #nowMs: () => number;
  #timer: NodeJS.Timeout | undefined;
  /** When the timer fires. */
  #fireMs = 0;
  /** When the limit is over. */
  #dueMs = 0;
  /** What is being waited for; undefined while nothing is. */
  #fault: TimeoutFault | undefined;

  constructor(expired: (fault: TimeoutFault) => void, nowMs = monotonicMs) {
    this.#expired = expired;
    this.#nowMs = nowMs;
  }

  /** From now on, `ms` without another call here report `fault`. Replaces the limit before. */
  arm(fault: TimeoutFault, ms: number): void {
    const nowMs = this.#nowMs();
    this.#fault = fault;
    this.#dueMs = nowMs + ms;
    if (this.#timer === undefined) {
      this.#set(nowMs, ms);
    } else if (this.#dueMs < this.#fireMs) {
      clearTimeout(this.#timer);
      this.#set(nowMs, ms);
    }
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
    this.#timer = undefined;
    const fault = this.#fault;
    if (fault === undefined) return;
    const nowMs = this.#nowMs();
    if (nowMs < this.#dueMs) {
      this.#set(nowMs, Math.ceil(this.#dueMs - nowMs));
      return;
    }
    this.#fault = undefined;
    this.#expired(fault);
  }

  #set(nowMs: number, ms: number): void {
    this.#fireMs = nowMs + ms;
    this.#timer = setTimeout(fire, ms, this).unref();
  }
}

const monotonicMs = (): number => performance.now();

/** One function for all timers instead of a closure each. */
function fire(watch: Watch): void {
  watch.fire();
}
