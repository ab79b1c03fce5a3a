/**
 * Is the process at its end, so that one more request would only slow those it has?
 *
 *    CALM --over a bound, look after look--> OVERLOADED --well below it, look after look--> CALM
 *
 * Must stay true: a single slow moment (one long parse, one pause for garbage) changes nothing;
 * what is in flight or waits is never touched; with nothing in flight nobody is refused, for then
 * nothing is gained by it, and memory that the system does not get back would keep everybody out.
 */
import { GatewayError } from './errors.ts';
import {
  HEAP_CALM_SHARE,
  HEAP_OVER_SHARE,
  LAG_CALM_MS,
  LAG_OVER_MS,
  MEMORY_CALM_SHARE,
  MEMORY_OVER_SHARE,
  OVERLOAD_LOOKS,
  OVERLOAD_RETRY_MS,
} from './limits.ts';
import type { Log } from './telemetry/log.ts';
import type { ProcessLoad } from './telemetry/process-metrics.ts';

export type OverloadReason = 'event_loop' | 'heap' | 'memory';

export interface OverloadBound {
  readonly reason: OverloadReason;
  readonly measure: keyof ProcessLoad;
  /** From here on it counts as over. */
  readonly over: number;
  /** Below this it counts as calm again. */
  readonly calm: number;
}

export const OVERLOAD_BOUNDS: readonly OverloadBound[] = [
  { reason: 'event_loop', measure: 'lagMs', over: LAG_OVER_MS, calm: LAG_CALM_MS },
  { reason: 'heap', measure: 'heapShare', over: HEAP_OVER_SHARE, calm: HEAP_CALM_SHARE },
  { reason: 'memory', measure: 'memoryShare', over: MEMORY_OVER_SHARE, calm: MEMORY_CALM_SHARE },
];

const MESSAGES: Readonly<Record<OverloadReason, string>> = {
  event_loop: 'its event loop is late',
  heap: 'its heap is nearly full',
  memory: 'its memory is nearly used up',
};

/** One bound, and how many looks in a row say that it has to change sides. */
class Watchman {
  readonly bound: OverloadBound;
  on = false;
  #looks = 0;

  constructor(bound: OverloadBound) {
    this.bound = bound;
  }

  look(load: ProcessLoad): void {
    const { measure, over, calm } = this.bound;
    const changes = this.on ? load[measure] < calm : load[measure] >= over;
    this.#looks = changes ? this.#looks + 1 : 0;
    if (this.#looks < OVERLOAD_LOOKS) return;
    this.on = !this.on;
    this.#looks = 0;
  }
}

export class Overload {
  readonly #probe: () => ProcessLoad;
  readonly #watchmen: readonly Watchman[];
  #reason: OverloadReason | null = null;
  #refused = 0;

  constructor(probe: () => ProcessLoad, bounds = OVERLOAD_BOUNDS) {
    this.#probe = probe;
    this.#watchmen = bounds.map((bound) => new Watchman(bound));
  }

  /** Null: all is well. */
  get reason(): OverloadReason | null {
    return this.#reason;
  }

  /** Measures once. Where an overload begins or ends, the log says so. */
  look(log: Log): void {
    const load = this.#probe();
    for (const watchman of this.#watchmen) watchman.look(load);
    const before = this.#reason;
    this.#reason = this.#watchmen.find(({ on }) => on)?.bound.reason ?? null;
    if (before === null && this.#reason !== null) {
      this.#refused = 0;
      log.warn('overloaded, new requests are refused', {
        reason: this.#reason,
        lag_ms: Math.round(load.lagMs),
        heap_percent: Math.round(load.heapShare * 100),
        memory_percent: Math.round(load.memoryShare * 100),
      });
    } else if (before !== null && this.#reason === null) {
      log.info('no longer overloaded', { reason: before, refused: this.#refused });
    }
  }

  /** Why a new request is refused while `inFlight` others are here; null: it is let in. */
  refusal(inFlight: number): OverloadReason | null {
    if (this.#reason === null || inFlight === 0) return null;
    this.#refused += 1;
    return this.#reason;
  }
}

/** What a refused request is told. */
export function overloaded(reason: OverloadReason): GatewayError {
  return new GatewayError('OVERLOADED', `The proxy is overloaded: ${MESSAGES[reason]}`, {
    retryAfterMs: OVERLOAD_RETRY_MS,
  });
}
