/** One thread of the shared table's test: reserves and settles as fast as it can, remembers each
 *  start. */
import { parentPort, workerData } from 'node:worker_threads';
import type { BucketLimits } from '../../lib/quotas/bucket.ts';
import { newLease } from '../../lib/quotas/lease.ts';
import { QuotaTable } from '../../lib/quotas/quota-table.ts';

export interface Plan {
  readonly shared: SharedArrayBuffer;
  readonly limits: readonly BucketLimits[];
  readonly paths: readonly (readonly number[])[];
  /** Requests in flight now and at most, for each bucket. */
  readonly flights: Int32Array;
  readonly bornMs: number;
  readonly runMs: number;
  /** Table time runs this much faster than real time. */
  readonly speed: number;
}

/** Path, tokens, and the table times just before and just after the reservation. */
export type Start = readonly [path: number, tokens: number, beforeMs: number, afterMs: number];

const HELD_AT_ONCE = 6;

function run(plan: Plan, startedMs: number): Start[] {
  const table = new QuotaTable(plan.limits, { shared: plan.shared });
  const paths = plan.paths.map((path) => Int32Array.from(path));
  const realMs = () => performance.timeOrigin + performance.now() - startedMs;
  const nowMs = () => plan.bornMs + realMs() * plan.speed;
  const held = Array.from({ length: HELD_AT_ONCE }, () => ({
    lease: newLease(),
    path: 0,
    used: 0,
  }));
  const starts: Start[] = [];
  for (let turn = 0; realMs() < plan.runMs; turn++) {
    const slot = held[turn % HELD_AT_ONCE] as (typeof held)[number];
    fly(plan, slot.path, slot.lease.held ? -1 : 0);
    table.settle(paths[slot.path] as Int32Array, slot.lease, nowMs(), slot.used);
    slot.path = turn % paths.length;
    slot.used = turn % 7;
    const tokens = 7 + (turn % 5);
    const beforeMs = nowMs();
    const path = paths[slot.path] as Int32Array;
    if (!table.tryReserve(path, beforeMs, tokens, slot.lease)) continue;
    fly(plan, slot.path, 1);
    if (turn % 11 === 0) {
      fly(plan, slot.path, -1);
      table.cancel(path, slot.lease, nowMs());
    } else starts.push([slot.path, slot.used, beforeMs, nowMs()]);
  }
  for (const { lease, path, used } of held) {
    fly(plan, path, lease.held ? -1 : 0);
    table.settle(paths[path] as Int32Array, lease, nowMs(), used);
  }
  return starts;
}

function fly(plan: Plan, path: number, by: number): void {
  const count = plan.limits.length;
  for (const bucket of plan.paths[path] ?? []) {
    const now = Atomics.add(plan.flights, bucket, by) + by;
    const most = Atomics.load(plan.flights, count + bucket);
    if (now > most) Atomics.store(plan.flights, count + bucket, now);
  }
}

// All threads begin at the same moment, when the slowest has loaded.
parentPort?.once('message', (startedMs: number) => {
  parentPort?.postMessage(run(workerData as Plan, startedMs));
});
parentPort?.postMessage('ready');
