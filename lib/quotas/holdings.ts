/**
 * What does one thread have in flight, should it die?
 *
 * Every thread but it only reads this after its end. Must stay true: a place is written down after
 * it was taken and struck out before it is given back, so that a thread that dies in between leaves
 * a place too many taken at worst, and never one too few.
 */
import type { ConcurrencyLimits } from './concurrency.ts';
import { type Gates, NO_TICKET } from './gates.ts';

/** By bucket: the count in flight, and the newest ticket of a ramp with how many went in on it. */
const WORDS = 2;
const COUNT = 0xff;
const TICKET_SHIFT = 8;

export class Holdings {
  readonly #counts: Int32Array;
  readonly #ramps: Int32Array;

  /** `words` is the part of a shared buffer that belongs to one thread: `wordsFor(room)`. */
  constructor(words: Int32Array) {
    const room = words.length / WORDS;
    this.#counts = words.subarray(0, room);
    this.#ramps = words.subarray(room);
  }

  static wordsFor(room: number): number {
    return room * WORDS;
  }

  took(bucket: number, ticket: number): void {
    this.#counts[bucket] = (this.#counts[bucket] as number) + 1;
    if (ticket === NO_TICKET) return;
    const ramp = this.#ramps[bucket] as number;
    const others = ramp >>> TICKET_SHIFT === ticket ? ramp & COUNT : 0; // older ramps are over
    this.#ramps[bucket] = (ticket << TICKET_SHIFT) | (others + 1);
  }

  left(bucket: number, ticket: number): void {
    this.#counts[bucket] = (this.#counts[bucket] as number) - 1;
    if (ticket === NO_TICKET) return;
    const ramp = this.#ramps[bucket] as number;
    if (ramp >>> TICKET_SHIFT === ticket && (ramp & COUNT) > 0) this.#ramps[bucket] = ramp - 1;
  }

  /** Frees all of it, once; afterwards nothing is held. */
  giveBack(concurrency: ConcurrencyLimits, gates: Gates): void {
    for (let bucket = 0; bucket < this.#counts.length; bucket++) {
      for (let count = this.#counts[bucket] as number; count > 0; count--) {
        concurrency.leave(bucket);
      }
      const ramp = this.#ramps[bucket] as number;
      for (let count = ramp & COUNT; count > 0; count--) {
        gates.leave(bucket, ramp >>> TICKET_SHIFT);
      }
    }
    this.#counts.fill(0);
    this.#ramps.fill(0);
  }
}
