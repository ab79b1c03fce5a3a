/** The four configured limits of every bucket: requests and tokens, per minute and per day. */
import type { LimitName } from './bucket.ts';
import type { Lease } from './lease.ts';
import type { TableClock } from './table-clock.ts';
import type { TableLayout } from './table-layout.ts';
import { type RingShape, type WindowEntry, WindowRing } from './window-ring.ts';

/** A minute is 60 seconds and the partial one, a day 24 hours and the partial one. */
const MINUTE: RingShape = { slots: 64, window: 61 };
const DAY: RingShape = { slots: 32, window: 25 };

const SECONDS_PER_HOUR = 3_600;

export type WindowName = 'requests_minute' | 'tokens_minute' | 'requests_day' | 'tokens_day';

/** Limits of each window by bucket, 0 = none. */
export type WindowLimits = Readonly<Record<WindowName, Int32Array>>;

export class Windows {
  readonly #requestsMinute: WindowRing;
  readonly #tokensMinute: WindowRing;
  readonly #requestsDay: WindowRing;
  readonly #tokensDay: WindowRing;
  /** 1 where anything of a bucket is counted. */
  readonly #counted: Uint8Array;

  constructor(layout: TableLayout, limits: WindowLimits) {
    this.#requestsMinute = new WindowRing(layout, limits.requests_minute, MINUTE);
    this.#tokensMinute = new WindowRing(layout, limits.tokens_minute, MINUTE);
    this.#requestsDay = new WindowRing(layout, limits.requests_day, DAY);
    this.#tokensDay = new WindowRing(layout, limits.tokens_day, DAY);
    this.#counted = Uint8Array.from(limits.requests_minute, (_, bucket) =>
      WINDOWS.some((window) => limits[window][bucket] !== 0) ? 1 : 0,
    );
  }

  static wordsFor(buckets: number): number {
    const shapes = [MINUTE, MINUTE, DAY, DAY];
    return shapes.reduce((sum, shape) => sum + WindowRing.wordsFor(buckets, shape), 0);
  }

  fits(bucket: number, at: TableClock, tokens: number): boolean {
    if (this.#counted[bucket] === 0) return true;
    return (
      this.#requestsMinute.fits(bucket, at.second, 1) &&
      this.#tokensMinute.fits(bucket, at.second, tokens) &&
      this.#requestsDay.fits(bucket, at.hour, 1) &&
      this.#tokensDay.fits(bucket, at.hour, tokens)
    );
  }

  /** Takes one request and the tokens of the lease from all four, or nothing. */
  take(bucket: number, { second, hour, tokens }: Lease): boolean {
    if (this.#counted[bucket] === 0) return true;
    if (!this.#requestsMinute.take(bucket, second, 1)) return false;
    if (this.#tokensMinute.take(bucket, second, tokens)) {
      if (this.#requestsDay.take(bucket, hour, 1)) {
        if (this.#tokensDay.take(bucket, hour, tokens)) return true;
        this.#requestsDay.correct(bucket, hour, hour, -1);
      }
      this.#tokensMinute.correct(bucket, second, second, -tokens);
    }
    this.#requestsMinute.correct(bucket, second, second, -1);
    return false;
  }

  giveBack(bucket: number, at: TableClock, lease: Lease): void {
    this.#requestsMinute.correct(bucket, lease.second, at.second, -1);
    this.#requestsDay.correct(bucket, lease.hour, at.hour, -1);
    this.correctTokens(bucket, at, lease, -lease.tokens);
  }

  /** Changes the tokens of a lease where they were reserved. */
  correctTokens(bucket: number, at: TableClock, lease: Lease, delta: number): void {
    this.#tokensMinute.correct(bucket, lease.second, at.second, delta);
    this.#tokensDay.correct(bucket, lease.hour, at.hour, delta);
  }

  /** Starts in the last 60 seconds. */
  starts(bucket: number, at: TableClock): number {
    return this.#requestsMinute.used(bucket, at.second);
  }

  used(bucket: number, at: TableClock, window: WindowName): number {
    return this.#ringOf(window).used(bucket, tickOf(window, at));
  }

  limit(bucket: number, window: WindowName): number {
    return this.#ringOf(window).limit(bucket);
  }

  /** Whether `tokens` are more than a limit of the bucket. */
  neverFits(bucket: number, tokens: number): boolean {
    const exceeds = (limit: number) => limit !== 0 && tokens > limit;
    return exceeds(this.#tokensMinute.limit(bucket)) || exceeds(this.#tokensDay.limit(bucket));
  }

  /** Milliseconds until a window has room; 0 = now, Infinity = never. */
  waitMs(bucket: number, at: TableClock, tokens: number, window: WindowName): number {
    const tick = tickOf(window, at);
    const count = window === 'requests_minute' || window === 'requests_day' ? 1 : tokens;
    const freeAt = this.#ringOf(window).freeAtTick(bucket, tick, count);
    if (freeAt === tick) return 0;
    return at.msUntilSecond(isOfDay(window) ? freeAt * SECONDS_PER_HOUR : freeAt);
  }

  /** What the configured windows hold; those that hold nothing are left out. */
  entries(bucket: number, at: TableClock): Partial<Record<WindowName, WindowEntry[]>> {
    const found: Partial<Record<WindowName, WindowEntry[]>> = {};
    for (const window of WINDOWS) {
      if (this.limit(bucket, window) === 0) continue;
      const entries = this.#ringOf(window).entries(bucket, tickOf(window, at));
      if (entries.length > 0) found[window] = entries;
    }
    return found;
  }

  /** Adds entries, newest first, to what a window holds. */
  add(bucket: number, at: TableClock, window: WindowName, entries: readonly WindowEntry[]): void {
    this.#ringOf(window).add(bucket, tickOf(window, at), entries);
  }

  #ringOf(window: WindowName): WindowRing {
    switch (window) {
      case 'requests_minute':
        return this.#requestsMinute;
      case 'tokens_minute':
        return this.#tokensMinute;
      case 'requests_day':
        return this.#requestsDay;
      case 'tokens_day':
        return this.#tokensDay;
      default:
        return window satisfies never;
    }
  }
}

export const WINDOWS = [
  'requests_minute',
  'tokens_minute',
  'requests_day',
  'tokens_day',
] as const satisfies readonly (WindowName & LimitName)[];

/** How long a tick of a window lasts. */
export function tickMsOf(window: WindowName): number {
  return isOfDay(window) ? SECONDS_PER_HOUR * 1_000 : 1_000;
}

function isOfDay(window: WindowName): boolean {
  return window === 'requests_day' || window === 'tokens_day';
}

function tickOf(window: WindowName, at: TableClock): number {
  return isOfDay(window) ? at.hour : at.second;
}
