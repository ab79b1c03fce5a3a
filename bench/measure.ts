/**
 * How long does an operation take, and how much does it allocate? For one case, in one process.
 *
 * Time: calls are repeated until a round lasts ROUND_MS, after a warm-up, ROUNDS times.
 * Bytes: growth of the heap and of buffers over many operations during which nothing is collected;
 * the process must have been started with ALLOCATION_FLAGS. Must stay true: every loop is bounded.
 */
import type { Case } from './case.ts';
import { percentile } from './statistics.ts';

/** A young generation that holds a whole measurement, and a way to empty it before. */
export const ALLOCATION_FLAGS = [
  '--expose-gc',
  '--min-semi-space-size=64',
  '--max-semi-space-size=64',
];

const WARM_UP_MS = 250;
const ROUND_MS = 60;
const ROUNDS = 9;
const FEW_ROUNDS = 5;
const MAX_CALLS = 50_000_000;

const ALLOCATION_TRIES = 5;
const ALLOCATION_BYTES = 4 * 1024 * 1024;

export interface Measurement {
  readonly name: string;
  readonly unit: string;
  readonly inputBytes: number;
  /** ns per operation, one for each round. */
  readonly roundsNs: readonly number[];
  /** Bytes allocated per operation. */
  readonly allocatedBytes: number;
}

/** Measures a case; throws when its answer is wrong. */
export function measure(one: Case): Measurement {
  const call = one.setup();
  one.check(call());
  const calls = warmUp(call);
  const allocatedBytes = allocatedPerCall(call, calls) / one.operations;
  const roundsNs: number[] = [];
  for (let round = 0; round < ROUNDS; round++) {
    roundsNs.push((timeOf(call, calls) * 1e6) / calls / one.operations);
  }
  one.check(call());
  return {
    name: one.name,
    unit: one.unit,
    inputBytes: one.bytes,
    roundsNs,
    allocatedBytes,
  };
}

/** ns per operation alone, one for each of a few rounds. */
export function measureTime(one: Case): number[] {
  const call = one.setup();
  one.check(call());
  const calls = warmUp(call);
  return Array.from({ length: FEW_ROUNDS }, () => {
    return (timeOf(call, calls) * 1e6) / calls / one.operations;
  });
}

/** Bytes per operation alone, for ceilings. */
export function measureAllocation(one: Case): number {
  const call = one.setup();
  one.check(call());
  return allocatedPerCall(call, warmUp(call)) / one.operations;
}

/** Nothing but calls, for a profiler: monotonic µs of their first and last, after a warm-up. */
export function spin(one: Case, seconds: number): { fromUs: number; toUs: number; calls: number } {
  const call = one.setup();
  one.check(call());
  const perRound = warmUp(call);
  const rounds = Math.ceil((seconds * 1_000) / ROUND_MS);
  const fromUs = Number(process.hrtime.bigint() / 1_000n);
  for (let round = 0; round < rounds; round++) timeOf(call, perRound);
  const toUs = Number(process.hrtime.bigint() / 1_000n);
  return { fromUs, toUs, calls: rounds * perRound };
}

/** What calls give is kept here, so that no call can be left out as useless. */
export let lastResult: unknown;

function timeOf(call: () => unknown, calls: number): number {
  const started = performance.now();
  for (let i = 0; i < calls; i++) lastResult = call();
  return performance.now() - started;
}

/** Runs until the compiler has seen enough; gives the calls of a round. */
function warmUp(call: () => unknown): number {
  let calls = 1;
  let spentMs = 0;
  let lastMs = 0;
  while (calls < MAX_CALLS) {
    lastMs = timeOf(call, calls);
    spentMs += lastMs;
    if (spentMs >= WARM_UP_MS && lastMs >= ROUND_MS / 4) break;
    calls *= 2;
  }
  return Math.max(1, Math.round((calls * ROUND_MS) / Math.max(lastMs, 0.001)));
}

/** Of the heap the median of a few tries: a stray allocation of the runtime spoils only one. Of
 *  buffers the most: their memory may be given back at any moment. */
function allocatedPerCall(call: () => unknown, callsPerRound: number): number {
  const { heap, buffers } = growthOf(call, 10);
  const pilot = Math.max(1, (heap + buffers) / 10);
  const calls = Math.max(10, Math.min(2 * callsPerRound, Math.floor(ALLOCATION_BYTES / pilot)));
  const tries = Array.from({ length: ALLOCATION_TRIES }, () => growthOf(call, calls));
  const heapBytes = percentile(
    tries.map((one) => one.heap),
    50,
  );
  const bufferBytes = Math.max(...tries.map((one) => one.buffers));
  return (Math.max(0, heapBytes) + Math.max(0, bufferBytes)) / calls;
}

function growthOf(call: () => unknown, calls: number): { heap: number; buffers: number } {
  if (globalThis.gc === undefined) throw new Error('start with --expose-gc to measure allocation');
  lastResult = undefined;
  globalThis.gc();
  const before = process.memoryUsage();
  for (let i = 0; i < calls; i++) lastResult = call();
  const after = process.memoryUsage();
  return {
    heap: after.heapUsed - before.heapUsed,
    buffers: after.arrayBuffers - before.arrayBuffers,
  };
}
