/** The cost of a delta, and the memory of a stream, against the number of streams. */
import { measureStreams } from '../load/streams.ts';
import type { Curve, GrowthBench } from './curve.ts';

/** With each count the deltas together are as many a second, as far as the upstream's timer goes. */
const COUNTS = [1, 10, 100, 1_000, 5_000];
const DELTAS_PER_SECOND = 2_000;
const LEAST_MS = 20;
/** A window takes many deltas of few streams, or a few turns of many. */
const SECONDS_FACTOR = 5;

async function measure({ processes, transport, seconds, told }: GrowthBench) {
  const results = [];
  for (const streams of COUNTS) {
    told(`${streams} streams`);
    const everyMs = Math.max(LEAST_MS, (streams / DELTAS_PER_SECOND) * 1_000);
    const options = { streams, everyMs, seconds: seconds * SECONDS_FACTOR, transport };
    const result = await measureStreams(processes, options);
    for (const word of result.shownFaults) told(`fault: ${word}`);
    results.push({ x: streams, result });
  }
  return results;
}

export const streamCount: Curve = {
  name: 'streams',
  cost: 'CPU µs per delta, paced',
  x: 'streams at once, half of them translated',
  async measure(x) {
    const results = await measure(x);
    const points = results.map(({ x: at, result }) => ({ x: at, rounds: [result.cpuUsPerEvent] }));
    return [{ name: 'both ways', points }];
  },
};
