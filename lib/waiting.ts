/**
 * Requests that wait for room: the clock and the wake-ups around the waiting room.
 *
 * The room (quotas/waiting-room.ts) knows whose turn it is; this knows when to look. Must stay
 * true: one timer for all, set to the next moment at which anything can change; a reservation that
 * comes back is looked at in the same turn of the event loop, once for all that came back in it.
 */
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
  /** It had its turn, and its attempt was refused. */
  readonly again?: boolean;
  /** Says 0 when it need not wait any longer, else the moment from which it could go in. */
  tryNow(nowMs: number): number;
}

/** Who waits: told here how to leave when its client hangs up. */
export interface Leaver {
  onAbort: (() => void) | null;
}

interface Waiter {
  readonly terms: WaitTerms;
  readonly end: (how: WaitEnd) => void;
}

export class Waiting {
  readonly #room: WaitingRoom<Waiter>;
  readonly #nowMs: () => number;
  /** Those with somebody in them, of all configurations that requests are still under way on. */
  readonly #occupied: Set<Waiting>;
  #timer: NodeJS.Timeout | undefined;
  #stirred = false;

  /** `before` is that of an earlier configuration with the same quotas: a release wakes both. Each
   *  has its own places, so that for a while there may be more than `maxDepth` of them. */
  constructor(maxDepth: number, nowMs: () => number, before?: Waiting) {
    this.#room = new WaitingRoom(maxDepth);
    this.#nowMs = nowMs;
    this.#occupied = before === undefined ? new Set() : before.#occupied;
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
  wait(x: Leaver, terms: WaitTerms): Promise<WaitEnd> | null {
    const { promise, resolve } = withResolvers<WaitEnd>();
    const end = (how: WaitEnd): void => {
      x.onAbort = null;
      resolve(how);
    };
    const place = this.#room.enter({ terms, end }, terms, this.#nowMs());
    if (place === undefined) return null;
    this.#occupied.add(this);
    x.onAbort = () => {
      if (!this.#room.leave(place)) return;
      end('gone');
      this.#look();
    };
    this.#look();
    return promise;
  }

  /** A reservation has come back, or a limit has changed. */
  onRelease(): void {
    for (const waiting of this.#occupied) waiting.#stir();
  }

  #stir(): void {
    if (this.#room.depth === 0) this.#occupied.delete(this);
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
