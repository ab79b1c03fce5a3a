import assert from 'node:assert/strict';
import test from 'node:test';
import {
  BucketList,
  GivenBuckets,
  type Marks,
  type Place,
  partsOf,
  withoutMarks,
} from '../lib/buckets.ts';
import { MAX_SNAPSHOT_AGE_MS } from '../lib/limits.ts';
import type { BucketLimits } from '../lib/quotas/bucket.ts';

const NOW_MS = 1_790_000_000_000;
const LIMITS = {} as BucketLimits;

const org = (...secrets: string[]): Marks => ({ org: secrets.map((s) => `org ${s}`), key: [] });
const key = (secret: string): Marks => ({ org: [], key: [`key ${secret}`] });
/** A key that is alone in its org. */
const alone = (secret: string): Marks => ({ org: [`org ${secret}`], key: [`key ${secret}`] });

type Rows = Readonly<Record<string, Marks>>;

function listed(rows: Rows, before: readonly Place[] = [], nowMs = NOW_MS): BucketList {
  const list = new BucketList(before, nowMs);
  for (const [name, marks] of Object.entries(rows)) list.add(name, LIMITS, marks);
  return list.finish();
}

/** `name@place` of what is configured, then what was given, reopened and emptied. */
function told(list: BucketList): string {
  const inUse = list.places.flatMap(({ name, retiredMs }, at) =>
    retiredMs === 0 ? [`${name}@${at}`] : [],
  );
  const gifts = list.gifts.map(({ from, to }) => `${from}>${to}`);
  const reopened = list.reopened.map((bucket) => `!${bucket}`);
  const emptied = list.emptied.map((bucket) => `-${bucket}`);
  return [...inUse, ...gifts, ...reopened, ...emptied].join(' ');
}

const CHANGES: readonly { name: string; was: Rows; is: Rows; gives: string }[] = [
  { name: 'nothing', was: { a: alone('1') }, is: { a: alone('1') }, gives: 'a@0' },
  { name: 'a new name', was: { a: alone('1') }, is: { b: alone('1') }, gives: 'b@0' },
  { name: 'a new secret', was: { a: alone('1') }, is: { a: alone('2') }, gives: 'a@1' },
  {
    name: 'another order',
    was: { a: alone('1'), b: alone('2') },
    is: { b: alone('2'), a: alone('1') },
    gives: 'a@0 b@1',
  },
  {
    name: 'names that change places',
    was: { a: alone('1'), b: alone('2') },
    is: { a: alone('2'), b: alone('1') },
    gives: 'b@0 a@1',
  },
  {
    name: 'a key that gets company in its org keeps its counts there and its rests to itself',
    was: { o: alone('1') },
    is: { o: org('1', '2'), k1: key('1'), k2: key('2') },
    gives: 'o@0 k1@1 k2@2 0>1 !0',
  },
  {
    name: 'a key that is left alone has what it had',
    was: { o: org('1', '2'), k1: key('1'), k2: key('2') },
    is: { o: alone('1') },
    gives: 'o@0 1>0',
  },
  {
    name: 'one key of an org is replaced',
    was: { o: org('1', '2'), k1: key('1'), k2: key('2') },
    is: { o: org('1', '3'), k1: key('1'), k3: key('3') },
    gives: 'o@0 k1@1 k3@3',
  },
  {
    name: 'two orgs become one: counts add up',
    was: { a: alone('1'), b: alone('2') },
    is: { o: org('1', '2'), k1: key('1'), k2: key('2') },
    gives: 'o@0 k1@2 k2@3 1>0 0>2 1>3 !0',
  },
  {
    name: 'an org is split: both have its counts',
    was: { o: org('1', '2'), k1: key('1'), k2: key('2') },
    is: { a: alone('1'), b: alone('2') },
    gives: 'a@0 b@3 1>0 0>3 2>3',
  },
];

for (const { name, was, is, gives } of CHANGES)
  test(`the same bucket: ${name}`, () => {
    const before = listed(was);
    const after = listed(is, before.places, NOW_MS + 1);
    assert.equal(told(after), gives);
    const inUse = after.places.flatMap(({ name, retiredMs }, at) =>
      retiredMs === 0 ? [`${name}@${at}`] : [],
    );
    const again = listed(is, after.places, NOW_MS + 2);
    assert.equal(told(again), inUse.join(' '), 'nothing is given twice');
  });

test('a key that was gone for a while comes back to its place', () => {
  const first = listed({ a: alone('1'), b: alone('2') });
  const second = listed({ b: alone('2') }, first.places, NOW_MS + 1);
  assert.equal(second.places[0]?.retiredMs, NOW_MS + 1);
  const third = listed({ b: alone('2'), c: alone('1') }, second.places, NOW_MS + 2);
  assert.equal(told(third), 'c@0 b@1');
});

test('a place that has been empty for longer than anything lasts is used again', () => {
  const first = listed({ a: alone('1'), b: alone('2') });
  const second = listed({ b: alone('2') }, first.places, NOW_MS);
  const laterMs = NOW_MS + MAX_SNAPSHOT_AGE_MS;
  const soon = listed({ b: alone('2'), c: alone('3') }, second.places, laterMs);
  assert.equal(told(soon), 'b@1 c@2');
  const late = listed({ b: alone('2'), c: alone('1') }, second.places, laterMs + 1);
  assert.equal(told(late), 'c@0 b@1 -0', 'and what was there is forgotten');
});

test('a snapshot is parted into what is the account’s and what is the key’s', () => {
  const counts = { windows: { requests_day: [[0, 3]] as const }, learned: [] };
  const own = { restUntilMs: 5, concurrency: 2 };
  const snapshot = { takenMs: 1, ...counts, ...own };
  assert.deepEqual(partsOf(alone('1'), snapshot), [
    { marks: ['org 1'], snapshot: { takenMs: 1, ...counts } },
    { marks: ['key 1'], snapshot: { takenMs: 1, ...own } },
  ]);
  for (const marks of [org('1', '2'), key('1')]) {
    const all = [...marks.org, ...marks.key];
    assert.deepEqual(partsOf(marks, snapshot), [{ marks: all, snapshot }]);
  }
});

test('buckets that were given their places keep to them, and know no secret', () => {
  const before = listed({ a: alone('1'), b: alone('2') });
  const { places } = listed({ b: alone('2'), a: alone('3') }, before.places);
  const given = new GivenBuckets(withoutMarks(places), new Int32Array(3));
  assert.deepEqual([given.add('b'), given.add('a')], [1, 2], 'the first a has left');
  assert.throws(() => given.add('c'), /no place was given for the bucket c/);
  assert.ok(!/org \d|key \d/.test(JSON.stringify(given.places)));
});
