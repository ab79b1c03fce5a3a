import assert from 'node:assert/strict';
import test, { type TestContext } from 'node:test';
import type { Bucket, BucketLimits } from '../../lib/quotas/bucket.ts';
import { newLease } from '../../lib/quotas/lease.ts';
import { QuotaTable } from '../../lib/quotas/quota-table.ts';
import { type Leaver, Waiting } from '../../lib/waiting.ts';
import { Board, wakeAll } from '../../lib/workers/board.ts';

const T0 = 1_790_000_000_000;
const FAR_MS = 60_000;
const ONE_AT_A_TIME: BucketLimits = {
  requestsPerMinute: 0,
  tokensPerMinute: 0,
  requestsPerDay: 0,
  tokensPerDay: 0,
  maxConcurrent: 1,
};
const PATH = Int32Array.of(0);
const BUCKET = 0 as Bucket;

/** Two threads' views of one table and one board, in one thread. */
function pair(t: TestContext, maxDepth = 100) {
  const leavers: Leaver[] = [];
  const owner = new QuotaTable([ONE_AT_A_TIME], { bornMs: T0, room: 4 });
  const board = new Board(2, owner.shared);
  const sides = [0, 1].map((index) => {
    const own = new Board(2, owner.shared, board.shared);
    const { shared } = owner;
    const quotas = new QuotaTable([ONE_AT_A_TIME], { shared }, own.holdingsOf(index));
    const crowd = own.crowdOf(index, () => quotas.endings);
    const waiting = new Waiting(maxDepth, Date.now, undefined, crowd);
    const enter = (deadlineMs = Date.now() + FAR_MS) => {
      const leaver: Leaver = { onAbort: null };
      const lease = newLease();
      const wait = waiting.wait(leaver, {
        line: 'm',
        session: 's',
        class: 'main',
        deadlineMs,
        tryNow: () => (quotas.tryReserve(PATH, T0, 0, lease) ? 0 : Number.POSITIVE_INFINITY),
      });
      if (wait !== null) leavers.push(leaver);
      return { leaver, lease, wait };
    };
    return { quotas, waiting, enter };
  });
  t.after(() => {
    for (const leaver of leavers) leaver.onAbort?.(); // no timer is left
  });
  return { owner, board, sides };
}

type Side = ReturnType<typeof pair>['sides'][number];

test('a place that comes back in one thread wakes whoever waits in another', async (t) => {
  const { sides } = pair(t);
  const [a, b] = sides as [Side, Side];
  const lease = newLease();
  assert.equal(a.quotas.tryReserve(PATH, T0, 0, lease), true);
  const waits = [b.enter(), b.enter()];
  a.quotas.settle(PATH, lease, T0, 0);
  a.waiting.onRelease();
  assert.equal(await waits[0]?.wait, 'let-in');
  assert.equal(b.waiting.depth, 1);
  b.quotas.settle(PATH, waits[0]?.lease ?? lease, T0, 0);
  b.waiting.onRelease();
  assert.equal(await waits[1]?.wait, 'let-in', 'and so does the next');
});

test('a place that came back between the look and the sleep is not missed', async (t) => {
  const { sides } = pair(t);
  const [a, b] = sides as [Side, Side];
  const lease = newLease();
  a.quotas.tryReserve(PATH, T0, 0, lease);
  const waiting = b.enter();
  a.quotas.settle(PATH, lease, T0, 0); // and nobody rings
  const late = b.enter();
  waiting.leaver.onAbort?.();
  assert.equal(await waiting.wait, 'gone');
  assert.equal(await late.wait, 'let-in');
});

test('the places to wait are those of all threads together', async (t) => {
  const { sides, owner, board } = pair(t, 2);
  const [a, b] = sides as [Side, Side];
  owner.tryReserve(PATH, T0, 0, newLease());
  const first = a.enter();
  const second = b.enter();
  assert.notEqual(second.wait, null);
  assert.equal(a.enter().wait, null);
  first.leaver.onAbort?.();
  const third = b.enter();
  assert.notEqual(third.wait, null, 'a place that was left is free again');
  assert.equal(b.enter().wait, null);
  board.clearWaiting(1);
  assert.notEqual(a.enter().wait, null, 'nobody waits in a thread that is dead');
});

test('what a dead thread had in flight goes back, and wakes those who wait', async (t) => {
  const { sides, owner, board } = pair(t);
  const [a, b] = sides as [Side, Side];
  assert.equal(a.quotas.tryReserve(PATH, T0, 0, newLease()), true);
  const { wait } = b.enter();
  assert.equal(owner.inFlight(BUCKET), 1);
  owner.giveBack(board.holdingsOf(0));
  wakeAll(owner.endings);
  assert.equal(await wait, 'let-in');
  owner.giveBack(board.holdingsOf(0));
  assert.equal(owner.inFlight(BUCKET), 1, 'nothing is given back twice');
  owner.giveBack(board.holdingsOf(1));
  assert.equal(owner.inFlight(BUCKET), 0);
});

test('who has waited for longer is seen in the other thread, by line', (t) => {
  const { board } = pair(t);
  const endings = new Int32Array(new SharedArrayBuffer(4));
  const [a, b] = [board.crowdOf(0, () => endings), board.crowdOf(1, () => endings)];
  assert.equal(a.enter(9), true);
  a.show([
    ['glm-4.6', T0],
    ['glm-4.5-air', T0 + 50],
  ]);
  for (const { line, sinceMs, ahead } of [
    { line: 'glm-4.6', sinceMs: T0 + 1, ahead: true },
    { line: 'glm-4.6', sinceMs: T0, ahead: false },
    { line: 'glm-4.5-air', sinceMs: T0 + 49, ahead: false },
    { line: 'nobody', sinceMs: T0 + 99, ahead: false },
  ]) {
    assert.equal(b.isAhead(line, sinceMs), ahead, line);
    assert.equal(a.isAhead(line, sinceMs), false, 'one is not ahead of oneself');
  }
  board.clearWaiting(0);
  assert.equal(b.isAhead('glm-4.6', T0 + 1), false);
});
