import assert from 'node:assert/strict';
import test from 'node:test';
import { NOT_SHARED, SharedQuota } from '../../lib/quotas/shared-quota.ts';

const LIMIT = 10_000;

/** Sends with all keys in turn; an answer comes `late` requests after its own. `pools[k]` is the
 *  quota that key k draws on. Returns the pairs found. */
function play(pools: readonly number[], requests: number, late: number): string[] {
  const detector = new SharedQuota(pools.length);
  const left = new Map(pools.map((pool) => [pool, LIMIT]));
  const open: { key: number; left: number }[] = [];
  const found: string[] = [];
  for (let request = 0; request < requests; request++) {
    const key = request % pools.length;
    const pool = pools[key] as number;
    detector.sent(key);
    left.set(pool, (left.get(pool) as number) - 1);
    open.push({ key, left: left.get(pool) as number });
    if (open.length <= late) continue;
    const answer = open.shift() as (typeof open)[number];
    const other = detector.look(answer.key, LIMIT, answer.left);
    if (other !== NOT_SHARED) found.push([answer.key, other].sort().join('-'));
  }
  return found;
}

for (const { name, pools, late, want } of [
  { name: 'keys of their own', pools: [0, 1, 2], late: 0, want: [] },
  { name: 'keys of their own, many in flight', pools: [0, 1, 2], late: 6, want: [] },
  { name: 'two keys of one org', pools: [0, 0], late: 0, want: ['0-1'] },
  { name: 'two of three', pools: [0, 1, 0], late: 0, want: ['0-2'] },
  { name: 'two of three, many in flight', pools: [0, 1, 0], late: 6, want: ['0-2'] },
  { name: 'all of three', pools: [0, 0, 0], late: 3, want: ['0-1', '0-2', '1-2'] },
]) {
  test(`shared quota: ${name}`, () => {
    assert.deepEqual(play(pools, 400, late).sort(), want);
  });
}

test('shared quota: different limits are different quotas', () => {
  const detector = new SharedQuota(2);
  let left = LIMIT;
  for (let round = 0; round < 100; round++) {
    detector.sent(0);
    detector.sent(1);
    left -= 2;
    assert.equal(detector.look(1, 500, left), NOT_SHARED);
    assert.equal(detector.look(0, LIMIT, left), NOT_SHARED);
  }
});

test('shared quota: a quota that fills up again proves nothing', () => {
  const detector = new SharedQuota(2);
  for (let round = 0; round < 100; round++) {
    detector.sent(0);
    detector.sent(1);
    assert.equal(detector.look(round % 2, LIMIT, LIMIT - (round % 7)), NOT_SHARED);
  }
});

/** Two threads send in turn, each sees its own answers only. */
function playInThreads(pools: readonly number[], counts: readonly Int32Array[]): string[] {
  const at = pools.map((_, key) => key);
  const threads = counts.map((one) => new SharedQuota(pools.length, { counts: one, at }));
  const left = new Map(pools.map((pool) => [pool, LIMIT]));
  const found = new Set<string>();
  for (let request = 0; request < 800; request++) {
    // One thread is given key 0 more often, the other key 1: what a hash may do to connections.
    const thread = request % 2;
    const key = request % 8 < 6 ? thread : 1 - thread;
    const pool = pools[key] as number;
    const detector = threads[thread] as SharedQuota;
    detector.sent(key);
    left.set(pool, (left.get(pool) as number) - 1);
    const other = detector.look(key, LIMIT, left.get(pool) as number);
    if (other !== NOT_SHARED) found.add([key, other].sort().join('-'));
  }
  return [...found];
}

test('shared quota: threads that count together prove what is so, and nothing else', () => {
  const together = () => Array<Int32Array>(2).fill(new Int32Array(new SharedArrayBuffer(8)));
  assert.deepEqual(playInThreads([0, 1], together()), []);
  assert.deepEqual(playInThreads([0, 0], together()), ['0-1']);
});
