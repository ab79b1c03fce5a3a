/**
 * May V8's young generation grow beyond a few MiB?
 *
 * V8 doubles it once enough has outlived its collections, up to 32 MiB. A few hundred streams that
 * are opened do that, however little they allocate afterwards. But a large one saves time only
 * where much is allocated: it is collected less often. So it may grow where it is collected often.
 *
 * Must stay true: one that is small may always grow, for V8 makes it smaller when nothing happens;
 * threads share the setting, so only a thread that is alone does this.
 */
import { constants, type PerformanceEntry, PerformanceObserver } from 'node:perf_hooks';
import { getHeapSpaceStatistics, setFlagsFromString } from 'node:v8';

/** The young generation may always grow to this size: a collection of it takes 1 to 5 ms. */
export const CALM_YOUNG_BYTES = 4 * 1_024 * 1_024;

/** Beyond it only where so many collections come within such a time: some 8 MiB are allocated in a
 *  second then, by 300 small requests or a dozen of 100 KB, and collecting begins to be noticed. A
 *  few hundred streams that are opened at once are a dozen. */
export const BUSY_COLLECTIONS = 32;
export const BUSY_COLLECTIONS_MS = 8_000;

/** When were the last collections, and does their number speak for a larger young generation? */
export class GrowthRule {
  /** A ring: the oldest is where the next one goes. */
  readonly #startedMs = new Float64Array(BUSY_COLLECTIONS).fill(Number.NEGATIVE_INFINITY);
  #next = 0;
  #busy = false;

  /** A collection of the young generation, by a clock that never goes back. */
  collected(startedMs: number): void {
    const oldestMs = this.#startedMs[this.#next] ?? 0;
    this.#startedMs[this.#next] = startedMs;
    this.#next = (this.#next + 1) % BUSY_COLLECTIONS;
    this.#busy = startedMs - oldestMs < BUSY_COLLECTIONS_MS;
  }

  mayGrow(youngBytes: number): boolean {
    return this.#busy || youngBytes < CALM_YOUNG_BYTES;
  }
}

/** Looks after each collection, from here on and until the process ends. */
export function holdYoungGeneration(): void {
  const rule = new GrowthRule();
  let growing = true; // as V8 does by itself
  const look = () => {
    const may = rule.mayGrow(youngBytes());
    if (may === growing) return;
    growing = may;
    setFlagsFromString(`--semi-space-growth-factor=${may ? 2 : 1}`);
  };
  const observer = new PerformanceObserver((list) => {
    for (const entry of list.getEntries()) if (isMinor(entry)) rule.collected(entry.startTime);
    look();
  });
  observer.observe({ entryTypes: ['gc'] });
  look();
}

function isMinor(entry: PerformanceEntry): boolean {
  const { detail } = entry as { readonly detail?: { readonly kind?: number } };
  return detail?.kind === constants.NODE_PERFORMANCE_GC_MINOR;
}

/** What V8 has taken for it: both halves. */
function youngBytes(): number {
  return (
    getHeapSpaceStatistics().find(({ space_name }) => space_name === 'new_space')?.space_size ?? 0
  );
}
