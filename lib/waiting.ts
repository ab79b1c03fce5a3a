/**
 * Requests that wait for room: the clock and the wake-ups around the waiting room.
 *
 * The room (quotas/waiting-room.ts) knows whose turn it is; this knows when to look. Must stay true:
 * one timer for all, set to the next moment at which anything can change; a reservation that comes
 * back is looked at in the same turn of the event loop, once for all that came back in it.
 */
import type { Exchange } from './exchange.ts';
import { type WaitingClass, WaitingRoom } from './quotas/waiting-room.ts';

/** setTimeout takes no more; a longer sleep looks again in between. */
const MAX_TIMER_MS = 2 ** 31 - 1;

/** How a wait ended: `let-in` (by its own try), `expired` (its deadline), `gone` (the client). */
export type WaitEnd = 'let-in' | 'expired' | 'gone';

export interface WaitTerms {
  /** Requests of one line compete for the same room. */
  readonly line: string;
  readonly session: string;
  readonly class: WaitingClass;
  readonly deadlineMs: number;
  /** Says 0 when it need not wait any longer, else the moment from which it could go in. */
  tryNow(nowMs: number): number;
}

interface Waiter {
  readonly x: Exchange;
  readonly terms: WaitTerms;
  readonly end: (how: WaitEnd) => void;
}

export class Waiting {
  readonly #room: WaitingRoom<Waiter>;
  readonly #nowMs: () => number;
  #timer: NodeJS.Timeout | undefined;
  #stirred = false;

  constructor(maxDepth: number, nowMs: () => number) {
    this.#room = new WaitingRoom(maxDepth);
    this.#nowMs = nowMs;
  }

  /** Requests that wait now. */
  get depth(): number {
    return this.#room.depth;
  }

  /** How many wait in a line. Whoever comes while it is not empty must wait too. */
  depthOf(line: string): number {
    return this.#room.depthOf(line);
  }

  /** Waits for a turn; null when the room is full. Never rejects. */
  wait(x: Exchange, terms: WaitTerms): Promise<WaitEnd> | null {
    let leave = (): boolean => false;
    const { promise, resolve } = withResolvers<WaitEnd>();
    const end = (how: WaitEnd): void => {
      x.onAbort = null;
      resolve(how);
    };
    const place = this.#room.enter({ x, terms, end }, terms, this.#nowMs());
    if (place === undefined) return null;
    leave = () => this.#room.leave(place);
    x.onAbort = () => {
      if (!leave()) return;
      end('gone');
      this.#look();
    };
    this.#look();
    return promise;
  }

  /** A reservation has come back, or a limit has changed. */
  onRelease(): void {
    if (this.#stirred || this.#room.depth === 0) return;
    this.#stirred = true;
    setImmediate(() => {
      this.#stirred = false;
      this.#room.stir();
      this.#look();
    });
  }

  #look(): void {
    clearTimeout(this.#timer);
    const nowMs = this.#nowMs();
    this.#room.expire(nowMs, ({ end }) => end('expired'));
    this.#room.admit(nowMs, (waiter) => {
      const wakeMs = waiter.terms.tryNow(nowMs);
      if (wakeMs === 0) waiter.end('let-in');
      return wakeMs;
    });
    const wakeMs = this.#room.nextWakeMs();
    if (wakeMs === Number.POSITIVE_INFINITY) return;
    const sleepMs = Math.min(MAX_TIMER_MS, Math.max(1, wakeMs - nowMs));
    this.#timer = setTimeout(() => this.#look(), sleepMs);
  }
}

function withResolvers<T>(): { promise: Promise<T>; resolve: (value: T) => void } {
  let resolve: (value: T) => void = () => {};
  const promise = new Promise<T>((settle) => {
    resolve = settle;
  });
  return { promise, resolve };
}
