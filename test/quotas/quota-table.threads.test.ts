/**
 * Four threads on one shared table, table time running fast: no bucket of any tier may see more in
 * any 60 seconds of it than its limit, and nothing may leak. SECONDS in the environment makes it
 * longer.
 */
import assert from 'node:assert/strict';
import test from 'node:test';
import { Worker } from 'node:worker_threads';
import type { Bucket, BucketLimits } from '../../lib/quotas/bucket.ts';
import { QuotaTable } from '../../lib/quotas/quota-table.ts';
import type { Plan, Start } from './quota-table.worker.ts';

const SECONDS = Number(process.env.SECONDS ?? 1);
const THREADS = 4;
const SPEED = 80;
const MINUTE_MS = 60_000;
/** A start whose thread was suspended on the way for longer says too little about when it was. */
const STALL_MS = 1_000;
const BORN_MS = 1_790_000_000_000;

const limits = (requestsPerMinute: number, tokensPerMinute: number, maxConcurrent: number) => ({
  requestsPerMinute,
  tokensPerMinute,
  requestsPerDay: 0,
  tokensPerDay: 1_000_000_000,
  maxConcurrent,
});

const BUCKETS: readonly BucketLimits[] = [
  limits(20_000, 70_000, 14), // global
  limits(0, 0, 13), // provider
  limits(9_000, 0, 7), // orgs
  limits(0, 30_000, 9),
  limits(5_000, 25_000, 3), // keys
  limits(6_000, 0, 0),
];
const PATHS = [
  [0, 1, 2, 4],
  [0, 1, 2, 5],
  [0, 1, 3],
];

/** Node 20 does not hand the TypeScript loader on to threads: each registers its own. */
const ENTRY = `import('tsx/esm/api').then((tsx) => {
  tsx.register();
  return import(${JSON.stringify(new URL('./quota-table.worker.ts', import.meta.url).href)});
})`;

function once<T>(worker: Worker): Promise<T> {
  return new Promise((resolve, reject) => {
    worker.once('message', resolve);
    worker.once('error', reject);
  });
}

async function runThreads(plan: Plan): Promise<Start[]> {
  const workers = Array.from(
    { length: THREADS },
    () => new Worker(ENTRY, { eval: true, workerData: plan }),
  );
  await Promise.all(workers.map(once));
  const runs = workers.map(once<Start[]>);
  const startedMs = performance.timeOrigin + performance.now();
  for (const worker of workers) worker.postMessage(startedMs);
  return (await Promise.all(runs)).flat();
}

/** The most that one bucket certainly saw in any 60 seconds: a start counts when all of it, from
 *  the clock read before it to the one after it, lies inside. */
function mostInWindow(starts: readonly Start[], weigh: (start: Start) => number): number {
  const sorted = starts.filter((start) => start[3] - start[2] < STALL_MS);
  sorted.sort((a, b) => a[3] - b[3]);
  let most = 0;
  let sum = 0;
  let from = 0;
  for (const start of sorted) {
    sum += weigh(start);
    const since = start[3] - MINUTE_MS;
    while ((sorted[from]?.[3] ?? Number.POSITIVE_INFINITY) <= since) {
      sum -= weigh(sorted[from] as Start);
      from += 1;
    }
    let straddling = 0;
    for (let at = from; at < sorted.length && (sorted[at]?.[3] ?? 0) < since + STALL_MS; at++) {
      const each = sorted[at] as Start;
      if (each[2] <= since) straddling += weigh(each);
    }
    most = Math.max(most, sum - straddling);
  }
  return most;
}

test(`${THREADS} threads for ${SECONDS} s: never over a limit, nothing leaks`, async () => {
  const table = new QuotaTable(BUCKETS, { bornMs: BORN_MS });
  const flights = new Int32Array(new SharedArrayBuffer(8 * BUCKETS.length));
  const plan: Plan = {
    shared: table.shared,
    limits: BUCKETS,
    paths: PATHS,
    flights,
    bornMs: BORN_MS,
    runMs: SECONDS * 1_000,
    speed: SPEED,
  };
  const starts = await runThreads(plan);
  assert.ok(starts.length > 10_000, `only ${starts.length} starts: no contention`);
  const afterMs = BORN_MS + (SECONDS * 1_000 + 120_000) * SPEED;
  BUCKETS.forEach((bucket, index) => {
    const own = starts.filter(([path]) => PATHS[path]?.includes(index));
    const { requestsPerMinute, tokensPerMinute, maxConcurrent } = bucket;
    const requests = mostInWindow(own, () => 1);
    const tokens = mostInWindow(own, ([, used]) => used);
    const inFlight = flights[BUCKETS.length + index] ?? 0;
    if (requestsPerMinute > 0) assert.ok(requests <= requestsPerMinute, `${index}: ${requests}`);
    if (tokensPerMinute > 0) assert.ok(tokens <= tokensPerMinute, `${index}: ${tokens} tokens`);
    if (maxConcurrent > 0) assert.ok(inFlight <= maxConcurrent, `${index}: ${inFlight} at once`);
    assert.equal(table.inFlight(index as Bucket), 0, 'a place in flight leaked');
    assert.equal(table.usedInWindow(index as Bucket, afterMs, 'requests_minute'), 0);
    assert.equal(table.usedInWindow(index as Bucket, afterMs, 'tokens_minute'), 0);
  });
});
