/**
 * What do threads write down for each other, beside the quota table?
 *
 * Each has a part of its own, which only it changes while it lives: how many requests wait there,
 * and what it has in flight. Must stay true: sums are taken when they are needed, so that what a
 * dead thread leaves is gone when its part is cleared.
 */
import { Holdings } from '../quotas/holdings.ts';
import { roomIn } from '../quotas/table-parts.ts';
import type { Crowd } from '../waiting.ts';

/** `Atomics.waitAsync`, which the language has since 2024: Node.js from 16 on. */
type WaitAsync = (
  cells: Int32Array,
  index: number,
  value: number,
) => { readonly async: boolean; readonly value: Promise<string> | string };

const { waitAsync } = Atomics as unknown as { readonly waitAsync: WaitAsync };

export class Board {
  readonly shared: SharedArrayBuffer;
  /** Requests that wait, by thread. */
  readonly #depths: Int32Array;
  readonly #holdings: readonly Int32Array[];

  /** `table` is the buffer of the quota table; `shared` that of a board which is there already. */
  constructor(threads: number, table: SharedArrayBuffer, shared?: SharedArrayBuffer) {
    const each = Holdings.wordsFor(roomIn(table));
    const buffer = shared ?? new SharedArrayBuffer(4 * (threads + threads * each));
    this.shared = buffer;
    this.#depths = new Int32Array(buffer, 0, threads);
    this.#holdings = Array.from(
      { length: threads },
      (_, index) => new Int32Array(buffer, 4 * (threads + index * each), each),
    );
  }

  holdingsOf(thread: number): Holdings {
    return new Holdings(this.#holdings[thread] as Int32Array);
  }

  /** Nobody waits in a thread that is dead. */
  clearDepth(thread: number): void {
    Atomics.store(this.#depths, thread, 0);
  }

  /** Those who wait, as one thread sees them. `endings`: of the quota table, the count of
   *  reservations that came back. */
  crowdOf(thread: number, endings: () => Int32Array): Crowd {
    const depths = this.#depths;
    const all = () => depths.reduce((sum, _, index) => sum + Atomics.load(depths, index), 0);
    let asleep = false;
    return {
      enter(maxDepth) {
        Atomics.add(depths, thread, 1);
        if (all() <= maxDepth) return true;
        Atomics.sub(depths, thread, 1);
        return false;
      },
      leave: () => void Atomics.sub(depths, thread, 1),
      ring() {
        for (let other = 0; other < depths.length; other++) {
          if (other === thread || Atomics.load(depths, other) === 0) continue;
          wakeAll(endings());
          return;
        }
      },
      seen: () => Atomics.load(endings(), 0),
      sleep(seen, wake) {
        if (asleep) return;
        asleep = true;
        const awake = () => {
          asleep = false;
          wake();
        };
        const { async, value } = waitAsync(endings(), 0, seen);
        if (async) void (value as Promise<string>).then(awake);
        else setImmediate(awake);
      },
    };
  }
}

/** Wakes whoever waits in any thread for a reservation to come back. */
export function wakeAll(endings: Int32Array): void {
  Atomics.notify(endings, 0);
}
