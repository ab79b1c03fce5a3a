/**
 * May anything go through this bucket at all?
 *
 *            cool()                    the rest has ended: the first to come is the probe
 *   OPEN ------------> COOLING ------------------------------------------> RAMP, 1 at a time
 *    ^                    ^                                                   |  |
 *    |                    +------------------------ cool() -------------------+  | an answer:
 *    +---------------------------------------------------- RAMP_END at a time ---+ one more
 *
 * DISABLED stands beside these and wins. One word holds the state, so that every change is one
 * compare-and-swap: bits 0-7 in flight since the ramp began, 8-15 allowed, 16 COOLING, 17 DISABLED,
 * 18-30 the ticket: a number for each rest, by which requests of an earlier ramp are told apart.
 * Must stay true: between two rests at most as many are in flight as the ramp allows, at first one.
 */
import { FIRST_REST_MS, MAX_REST_MS, RAMP_END } from '../limits.ts';
import { isBefore } from './table-clock.ts';
import type { TableLayout } from './table-layout.ts';

const USED = 0xff;
const ALLOWED_SHIFT = 8;
const ALLOWED = 0xff << ALLOWED_SHIFT;
const COOLING = 1 << 16;
const DISABLED = 1 << 17;
const RESTRICTED = USED | ALLOWED | COOLING | DISABLED;
const TICKET_SHIFT = 18;
const TICKETS = 0x1fff;
const MAX_STRIKES = 10;

const WORDS = 3;

export const NO_TICKET = 0;
export const NO_ENTRY = -1;

export class Gates {
  readonly #states: Int32Array;
  /** Wrapped ms. In the past, or of no meaning, unless COOLING. */
  readonly #ends: Int32Array;
  /** Refusals without a named end since the last answer. */
  readonly #strikes: Int32Array;

  constructor(layout: TableLayout, buckets: number) {
    this.#states = layout.words(buckets);
    this.#ends = layout.words(buckets);
    this.#strikes = layout.words(buckets);
  }

  static wordsFor(buckets: number): number {
    return buckets * WORDS;
  }

  isDisabled(bucket: number): boolean {
    return (Atomics.load(this.#states, bucket) & DISABLED) !== 0;
  }

  /** Whether it rests at wrapped time `ms`. */
  isCooling(bucket: number, ms: number): boolean {
    const cooling = (Atomics.load(this.#states, bucket) & COOLING) !== 0;
    return cooling && isBefore(ms, Atomics.load(this.#ends, bucket));
  }

  /** Wrapped end of the rest of a bucket that is cooling. */
  end(bucket: number): number {
    return Atomics.load(this.#ends, bucket);
  }

  fits(bucket: number, ms: number): boolean {
    const seen = this.#states[bucket] as number;
    if ((seen & RESTRICTED) === 0) return true;
    if ((seen & COOLING) !== 0 && isBefore(ms, this.#ends[bucket] as number)) return false;
    // Maybe yes: read again in the order that other threads keep to, the end before the state.
    const state = Atomics.load(this.#states, bucket);
    if ((state & RESTRICTED) === 0) return true;
    if ((state & DISABLED) !== 0) return false;
    if ((state & COOLING) !== 0) return !isBefore(ms, Atomics.load(this.#ends, bucket));
    return (state & USED) < (state & ALLOWED) >> ALLOWED_SHIFT;
  }

  /** NO_TICKET where the gate is open, a ticket for `leave` in a ramp, NO_ENTRY. */
  enter(bucket: number, ms: number): number {
    if (((this.#states[bucket] as number) & RESTRICTED) === 0) return NO_TICKET;
    for (;;) {
      const state = Atomics.load(this.#states, bucket);
      if ((state & RESTRICTED) === 0) return NO_TICKET;
      if (!this.fits(bucket, ms)) return NO_ENTRY;
      const next = (state & COOLING) === 0 ? state + 1 : (state & ~RESTRICTED) | probing;
      if (this.#swap(bucket, state, next)) return ticketOf(state);
    }
  }

  /** Undoes `enter`; nothing where the ramp of the ticket is over. */
  leave(bucket: number, ticket: number): void {
    if (ticket === NO_TICKET) return;
    for (;;) {
      const state = Atomics.load(this.#states, bucket);
      const over = ticketOf(state) !== ticket || (state & COOLING) !== 0 || (state & USED) === 0;
      if (over || this.#swap(bucket, state, state - 1)) return;
    }
  }

  /** A request was answered well: forgets the strikes, and one of a ramp lets it grow. */
  answered(bucket: number, ticket: number): void {
    if (this.#strikes[bucket] !== 0) Atomics.store(this.#strikes, bucket, 0);
    if (ticket === NO_TICKET) return;
    for (;;) {
      const state = Atomics.load(this.#states, bucket);
      const allowed = (state & ALLOWED) >> ALLOWED_SHIFT;
      if (ticketOf(state) !== ticket || allowed === 0) return;
      const full = allowed + 1 >= RAMP_END;
      const next = full ? state & ~(USED | ALLOWED) : state + (1 << ALLOWED_SHIFT);
      if (this.#swap(bucket, state, next)) return;
    }
  }

  /** Rests until wrapped time `end`, or longer where it does already. Returns the end in force. */
  cool(bucket: number, ms: number, end: number): number {
    for (;;) {
      const known = Atomics.load(this.#ends, bucket);
      if (isBefore(ms, known) && !isBefore(known, end)) break;
      if (Atomics.compareExchange(this.#ends, bucket, known, end) === known) break;
    }
    // The ticket changes after the end: a probe that has seen the earlier end fails its swap.
    for (;;) {
      const state = Atomics.load(this.#states, bucket);
      const next = (nextTicket(state) << TICKET_SHIFT) | (state & DISABLED) | COOLING;
      if (this.#swap(bucket, state, next)) return Atomics.load(this.#ends, bucket);
    }
  }

  /** Rests as long as the strikes say, and counts one more, unless it is resting. */
  rest(bucket: number, ms: number): number {
    if (this.isCooling(bucket, ms)) return this.end(bucket);
    const strikes = Atomics.load(this.#strikes, bucket);
    const restMs = Math.min(MAX_REST_MS, FIRST_REST_MS * 2 ** strikes);
    const more = Math.min(MAX_STRIKES, strikes + 1);
    Atomics.compareExchange(this.#strikes, bucket, strikes, more);
    return this.cool(bucket, ms, (ms + restMs) | 0);
  }

  disable(bucket: number): void {
    Atomics.or(this.#states, bucket, DISABLED);
  }

  enable(bucket: number, ms: number): void {
    Atomics.store(this.#ends, bucket, ms);
    Atomics.and(this.#states, bucket, ~RESTRICTED);
    Atomics.store(this.#strikes, bucket, 0);
  }

  /** Turns a rest that has ended into the ramp and moves its end up to now, so that no end is ever
   *  so old that it would count as one to come. `allOver`: no end of before can be still to
   *  come. */
  sweep(bucket: number, ms: number, allOver: boolean): void {
    const state = Atomics.load(this.#states, bucket);
    const end = Atomics.load(this.#ends, bucket);
    if (!allOver && isBefore(ms, end)) return;
    if (Atomics.compareExchange(this.#ends, bucket, end, ms) !== end) return;
    if ((state & COOLING) === 0) return;
    this.#swap(bucket, state, (state & ~(USED | ALLOWED | COOLING)) | (1 << ALLOWED_SHIFT));
  }

  /** Whether it rests, or has rested and owes the probe. */
  isResting(bucket: number): boolean {
    return (Atomics.load(this.#states, bucket) & COOLING) !== 0;
  }

  /** How many at a time the ramp lets in; 0 = it is in none. */
  ramp(bucket: number): number {
    return (Atomics.load(this.#states, bucket) & ALLOWED) >> ALLOWED_SHIFT;
  }

  /** Goes on with a ramp of before, where the gate is open. */
  resumeRamp(bucket: number, allowed: number): void {
    const state = Atomics.load(this.#states, bucket);
    if ((state & RESTRICTED) !== 0) return;
    this.#swap(bucket, state, (nextTicket(state) << TICKET_SHIFT) | (allowed << ALLOWED_SHIFT));
  }

  #swap(bucket: number, state: number, next: number): boolean {
    return Atomics.compareExchange(this.#states, bucket, state, next) === state;
  }
}

/** A ramp of one, with the probe in flight. */
const probing = (1 << ALLOWED_SHIFT) | 1;

/** 1..TICKETS; a bucket that never rested has no ramp and gives none. */
function ticketOf(state: number): number {
  return (state >>> TICKET_SHIFT) & TICKETS;
}

function nextTicket(state: number): number {
  const ticket = ticketOf(state) + 1;
  return ticket > TICKETS ? 1 : ticket;
}
