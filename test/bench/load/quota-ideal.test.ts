/** The yardstick of the quota scenario: exact on cases that can be worked out by hand. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  type IdealLimits,
  type IdealRequest,
  idealStarts,
} from '../../../bench/load/quota-ideal.ts';

const LIMITS: IdealLimits = {
  kind: 'bucket',
  orgs: 1,
  requestsPerMinute: 1_000,
  tokensPerMinute: 600,
};
const at = (atMs: number, session: number, tokens: number): IdealRequest => ({
  atMs,
  session,
  tokens,
});

for (const { name, limits, requests, startsMs } of [
  {
    name: 'with room, everything starts as it comes',
    limits: {},
    requests: [at(0, 1, 300), at(10, 2, 300)],
    startsMs: [0, 10],
  },
  {
    name: 'a bucket refills all the time: 10 tokens a second',
    limits: {},
    requests: [at(0, 1, 600), at(0, 1, 50), at(0, 1, 50)],
    startsMs: [0, 5_000, 10_000],
  },
  {
    name: 'a window opens when what is in it is 60 s old',
    limits: { kind: 'window' },
    requests: [at(0, 1, 500), at(1_000, 1, 100), at(2_000, 1, 100), at(2_000, 1, 500)],
    startsMs: [0, 1_000, 60_000, 61_000],
  },
  {
    name: 'sessions take turns, each in its own order',
    limits: {},
    requests: [at(0, 1, 600), at(0, 1, 10), at(0, 1, 10), at(0, 2, 10), at(0, 2, 10)],
    startsMs: [0, 2_000, 4_000, 1_000, 3_000],
  },
  {
    name: 'requests are a quota of their own',
    limits: { requestsPerMinute: 2 },
    requests: [at(0, 1, 1), at(0, 1, 1), at(0, 1, 1)],
    startsMs: [0, 0, 30_000],
  },
  {
    name: 'the org that has room first',
    limits: { orgs: 2 },
    requests: [at(0, 1, 600), at(0, 1, 500), at(0, 1, 100), at(0, 1, 100)],
    startsMs: [0, 0, 0, 10_000],
  },
  {
    name: 'nobody goes before he has come',
    limits: {},
    requests: [at(0, 1, 600), at(60_000, 1, 10), at(60_000, 2, 10)],
    startsMs: [0, 60_000, 60_000],
  },
] satisfies {
  name: string;
  limits: Partial<IdealLimits>;
  requests: IdealRequest[];
  startsMs: number[];
}[]) {
  test(name, () => assert.deepEqual(idealStarts(requests, { ...LIMITS, ...limits }), startsMs));
}

test('what can never be served is refused', () => {
  assert.throws(() => idealStarts([at(0, 1, 601)], LIMITS), RangeError);
});
