/**
 * How sure is a median of few measurements? A bootstrap: the sample is drawn again from itself many
 * times, and the middle share of the medians is the interval (Efron's percentile method).
 *
 * Must stay true: the same sample and seed give the same interval.
 */
import { percentile } from './statistics.ts';

export interface Interval {
  readonly low: number;
  readonly median: number;
  readonly high: number;
}

const RESAMPLES = 4_000;
const CONFIDENCE_PERCENT = 95;

/** The interval that holds the true median in about 95 of 100 cases. NaN for no values. */
export function medianInterval(values: readonly number[], seed = 1): Interval {
  const random = seededRandom(seed);
  const medians = Array.from({ length: RESAMPLES }, () => {
    const draw = values.map(() => values[Math.floor(random() * values.length)] ?? Number.NaN);
    return percentile(draw, 50);
  });
  const tail = (100 - CONFIDENCE_PERCENT) / 2;
  return {
    low: percentile(medians, tail),
    median: percentile(values, 50),
    high: percentile(medians, 100 - tail),
  };
}

/** Numbers in [0, 1), the same for the same seed: the generator called mulberry32. */
export function seededRandom(seed: number): () => number {
  let state = seed | 0;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
