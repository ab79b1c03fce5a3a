/**
 * The metrics of all threads as one text.
 *
 * Must stay true: a thread that does not answer keeps nobody waiting for longer than MAX_GATHER_MS:
 * what it said last stands for it; what a dead thread had counted stays counted, so that no counter
 * goes back.
 */
import { MAX_GATHER_MS } from '../limits.ts';
import { mergeExpositions } from '../telemetry/merge-expositions.ts';
import type { Seat } from './seat.ts';

export class Expositions {
  readonly #seats: readonly Seat[];
  /** Those whose answer to the round under way is still to come. */
  readonly #owing = new Set<Seat>();
  /** What threads that are gone had counted. */
  #departed = '';
  #round = 0;
  #gathering: Promise<string> | null = null;
  #complete: () => void = () => {};

  constructor(seats: readonly Seat[]) {
    this.#seats = seats;
  }

  /** Asks all threads. Those who ask while it goes on get the same text. */
  gather(): Promise<string> {
    this.#gathering ??= this.#ask().finally(() => {
      this.#gathering = null;
    });
    return this.#gathering;
  }

  /** An answer; a late one is kept for the next round. */
  take(seat: Seat, round: number, text: string): void {
    seat.exposition = text;
    if (round !== this.#round) return;
    this.#owing.delete(seat);
    if (this.#owing.size === 0) this.#complete();
  }

  /** The thread of a seat is gone. */
  forget(seat: Seat): void {
    this.#departed = mergeExpositions([], [this.#departed, seat.exposition]);
    seat.exposition = '';
    this.#owing.delete(seat);
    if (this.#owing.size === 0) this.#complete();
  }

  async #ask(): Promise<string> {
    this.#round += 1;
    for (const seat of this.#seats) {
      if (!seat.isTaken) continue;
      this.#owing.add(seat);
      seat.say({ kind: 'render', id: this.#round });
    }
    if (this.#owing.size > 0) await this.#answers();
    const fresh = this.#seats.filter((seat) => !this.#owing.has(seat));
    const stale = this.#seats.filter((seat) => this.#owing.has(seat));
    this.#owing.clear();
    const texts = [...fresh, ...stale].map((seat) => seat.exposition);
    return mergeExpositions(texts, [this.#departed]);
  }

  #answers(): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, MAX_GATHER_MS);
      this.#complete = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }
}
