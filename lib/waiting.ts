/**
 * Requests that wait for room: the clock and the wake-ups around the waiting room.
 *
 * The room (quotas/waiting-room.ts) knows whose turn it is; this knows when to look. Must stay
 * true: one timer for all, set to the next moment at which anything can change; a reservation that
 * comes back is looked at in the same turn of the event loop, once for all that came back in it;
 * one that comes back in another thread wakes this one. The order is exact inside of a thread;
 * between threads whoever has waited for longer gets a head start of YIELD_MS.
 */
import { type WaitingClass, WaitingRoom } from './quotas/waiting-room.ts';

/** setTimeout takes no more; a longer sleep looks again in between. */
const MAX_TIMER_MS = 2 ** 31 - 1;

/** Enough for a thread to be woken and to look, where it is not busy; too little to be felt. */
const YIELD_MS = 2;

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

/** Those who wait for the same room in other threads. */
export interface Crowd {
  /** Takes one of the places of all threads together; false: all are taken. */
  enter(maxDepth: number): boolean;
  leave(): void;
  /** The lines of this thread, and since when the first of each waits. */
  show(firsts: Iterable<readonly [line: string, enteredMs: number]>): void;
  /** Whether anybody waits elsewhere in this line, for longer than since `enteredMs`. */
  isAhead(line: string, enteredMs: number): boolean;
  /** Wakes the others: a reservation has come back. */
  ring(): void;
  /** How many came back so far: to be read before one looks for room. */
  seen(): number;
  /** Calls back when more than `seen` have come back; one call is pending at a time. */
  sleep(seen: number, wake: () => void): void;
}

interface Waiter {
  readonly terms: WaitTerms;
  readonly enteredMs: number;
  /** Until then it lets those go first that have waited for longer elsewhere; 0 = it does not. */
  yieldUntilMs: number;
  readonly end: (how: WaitEnd) => void;
  readonly fail: (thrown: unknown) => void;
}

export class Waiting {
  readonly #room: WaitingRoom<Waiter>;
  readonly #nowMs: () => number;
  /** Those with somebody in them, of all configurations that requests are still under way on. */
  readonly #occupied: Set<Waiting>;
  readonly #maxDepth: number;
  readonly #crowd: Crowd | undefined;
  #timer: NodeJS.Timeout | undefined;
  #stirred = false;

  /** `before` is that of an earlier configuration with the same quotas: a release wakes both. Each
   *  has its own places, so that for a while there may be more than `maxDepth` of them; with a
   *  crowd there are never more. */
  constructor(maxDepth: number, nowMs: () => number, before?: Waiting, crowd?: Crowd) {
    this.#room = new WaitingRoom(maxDepth);
    this.#maxDepth = maxDepth;
    this.#nowMs = nowMs;
    this.#occupied = before === undefined ? new Set() : before.#occupied;
    this.#crowd = crowd;
  }

  /** Requests that wait now. */
  get depth(): number {
    return this.#room.depth;
  }

  /** How many wait in a line of this thread. */
  depthOf(line: string): number {
    return this.#room.depthOf(line);
  }

  /** Whether somebody waits in a line, in any thread: whoever comes must wait too. */
  isWanted(line: string): boolean {
    return this.#room.depthOf(line) > 0 || this.#crowd?.isAhead(line, this.#nowMs()) === true;
  }

  /** Waits for a turn; null when the room is full. Rejects with what its own try throws. */
  wait(x: Leaver, terms: WaitTerms): Promise<WaitEnd> | null {
    const { promise, resolve, reject } = withResolvers<WaitEnd>();
    const leave = (): void => {
      x.onAbort = null;
      this.#crowd?.leave();
    };
    const end = (how: WaitEnd): void => {
      leave();
      resolve(how);
    };
    const fail = (thrown: unknown): void => {
      leave();
      reject(thrown);
    };
    if (this.#crowd?.enter(this.#maxDepth) === false) return null;
    const enteredMs = this.#nowMs();
    const waiter = { terms, enteredMs, yieldUntilMs: 0, end, fail };
    const place = this.#room.enter(waiter, terms, enteredMs);
    if (place === undefined) {
      this.#crowd?.leave();
      return null;
    }
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
    this.#crowd?.ring();
    this.#wake();
  }

  #wake(): void {
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

  /** One that has waited for longer in another thread gets a head start, once a look: it may need
   *  what this one does not. */
  #yields(waiter: Waiter, nowMs: number): boolean {
    if (this.#crowd === undefined) return false;
    if (waiter.yieldUntilMs === 0 && this.#crowd.isAhead(waiter.terms.line, waiter.enteredMs)) {
      waiter.yieldUntilMs = nowMs + YIELD_MS;
    }
    if (nowMs < waiter.yieldUntilMs) return true;
    waiter.yieldUntilMs = 0;
    return false;
  }

  *#firsts(): Generator<readonly [line: string, enteredMs: number]> {
    for (const waiting of this.#occupied) yield* waiting.#room.firsts();
  }

  #look(): void {
    clearTimeout(this.#timer);
    const nowMs = this.#nowMs();
    const seen = this.#crowd?.seen() ?? 0;
    this.#room.expire(nowMs, ({ end }) => end('expired'));
    this.#room.admit(nowMs, (waiter) =>
      this.#yields(waiter, nowMs) ? waiter.yieldUntilMs : tryOne(waiter, nowMs),
    );
    this.#crowd?.show(this.#firsts());
    if (this.#room.depth > 0) this.#crowd?.sleep(seen, () => this.#wake());
    const wakeMs = this.#room.nextWakeMs();
    if (wakeMs === Number.POSITIVE_INFINITY) return;
    const sleepMs = Math.min(MAX_TIMER_MS, Math.max(1, wakeMs - nowMs));
    this.#timer = setTimeout(() => this.#look(), sleepMs);
  }
}

/** 0: it is out of the room, let in or failed. One that fails stops nobody behind it. */
function tryOne({ terms, end, fail }: Waiter, nowMs: number): number {
  try {
    const wakeMs = terms.tryNow(nowMs);
    if (wakeMs === 0) end('let-in');
    return wakeMs;
  } catch (thrown) {
    fail(thrown);
    return 0;
  }
}

function withResolvers<T>() {
  let resolve: (value: T) => void = () => {};
  let reject: (thrown: unknown) => void = () => {};
  const promise = new Promise<T>((settle, fail) => {
    resolve = settle;
    reject = fail;
  });
  return { promise, resolve, reject };
}
