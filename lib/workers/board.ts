/**
 * What do threads write down for each other, beside the quota table?
 *
 * Each has a part of its own, which only it changes while it lives: how many requests wait there,
 * and what it has in flight. Must stay true: sums are taken when they are needed, so that what a
 * dead thread leaves is gone when its part is cleared.
 */
import { Holdings } from '../quotas/holdings.ts';
import { isBefore } from '../quotas/table-clock.ts';
import { roomIn } from '../quotas/table-parts.ts';
import type { Crowd } from '../waiting.ts';

/** `Atomics.waitAsync`, which the language has since 2024: Node.js from 16 on. */
type WaitAsync = (
  cells: Int32Array,
  index: number,
  value: number,
) => { readonly async: boolean; readonly value: Promise<string> | string };

const { waitAsync } = Atomics as unknown as { readonly waitAsync: WaitAsync };

/** Lines of waiting requests that are told apart: two that fall together only wait a moment for
 *  each other. Power of two. */
const LINES = 64;

export class Board {
  readonly shared: SharedArrayBuffer;
  /** Requests that wait, by thread. */
  readonly #depths: Int32Array;
  /** For each thread and line, since when its first one waits, as wrapped ms; 0 = nobody does. */
  readonly #firsts: Int32Array;
  readonly #holdings: readonly Int32Array[];
  /** Requests sent, by bucket, of all threads. */
  readonly sent: Int32Array;

  /** `table` is the buffer of the quota table; `shared` that of a board which is there already. */
  constructor(threads: number, table: SharedArrayBuffer, shared?: SharedArrayBuffer) {
    const room = roomIn(table);
    const each = Holdings.wordsFor(room);
    const head = threads * (1 + LINES);
    const buffer = shared ?? new SharedArrayBuffer(4 * (head + threads * each + room));
    this.shared = buffer;
    this.#depths = new Int32Array(buffer, 0, threads);
    this.#firsts = new Int32Array(buffer, 4 * threads, threads * LINES);
    this.#holdings = Array.from(
      { length: threads },
      (_, index) => new Int32Array(buffer, 4 * (head + index * each), each),
    );
    this.sent = new Int32Array(buffer, 4 * (head + threads * each), room);
  }

  holdingsOf(thread: number): Holdings {
    return new Holdings(this.#holdings[thread] as Int32Array);
  }

  /** Nobody waits in a thread that is dead. */
  clearWaiting(thread: number): void {
    Atomics.store(this.#depths, thread, 0);
    this.#show(thread, []);
  }

  #show(thread: number, firsts: Iterable<readonly [line: string, enteredMs: number]>): void {
    const own = this.#firsts.subarray(thread * LINES, (thread + 1) * LINES);
    own.fill(0);
    for (const [line, enteredMs] of firsts) {
      const at = lineOf(line);
      if (own[at] === 0 || isBefore(enteredMs | 0, own[at] as number)) own[at] = enteredMs | 0 || 1;
    }
  }

  #isAhead(thread: number, line: string, enteredMs: number): boolean {
    for (let other = 0; other < this.#depths.length; other++) {
      if (other === thread || Atomics.load(this.#depths, other) === 0) continue;
      const since = Atomics.load(this.#firsts, other * LINES + lineOf(line));
      if (since !== 0 && isBefore(since, enteredMs | 0)) return true;
    }
    return false;
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
      show: (firsts) => this.#show(thread, firsts),
      isAhead: (line, enteredMs) => this.#isAhead(thread, line, enteredMs),
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

function lineOf(name: string): number {
  let hash = name.length;
  for (let at = 0; at < name.length; at++) hash = (hash * 31 + name.charCodeAt(at)) | 0;
  return hash & (LINES - 1);
}

/** Wakes whoever waits in any thread for a reservation to come back. */
export function wakeAll(endings: Int32Array): void {
  Atomics.notify(endings, 0);
}
