/** Does the quota scenario run, and are its counts those of an engine that keeps limits? Nothing
 *  here looks at a time. */
import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { test } from 'node:test';
import { Processes } from '../../../bench/load/processes.ts';
import { quotaTable, verdictsOf } from '../../../bench/load/quota.ts';
import { anthropicBody, planRequests, QUOTA_MODEL } from '../../../bench/load/quota-plan.ts';
import {
  jainIndex,
  type QuotaResult,
  quotaTokens,
  runQuota,
  VARIANTS,
} from '../../../bench/load/quota-run.ts';
import { ROOT } from '../../support/source.ts';

const SMALL = {
  orgs: 3,
  requestsPerMinute: 10,
  tokensPerMinute: 100_000,
  clients: 12,
  seconds: 2.5,
  overload: 1,
  bytes: { least: 10_000, most: 12_000 },
  seed: 7,
  distanceMs: 5,
  drain: false,
};

/** A naive client runs into about 350 refusals where the machine lets it. */
const MIN_REFUSALS = 50;
const MOST_SECONDS = 25;

/** A machine that is busy elsewhere gets hardly anything done in the time of the plan: then the
 *  same is run for longer. */
async function longEnough(processes: Processes): Promise<QuotaResult[]> {
  for (let { seconds } = SMALL; ; seconds *= 3) {
    const results = await runQuota({ ...SMALL, seconds }, VARIANTS, processes);
    const naive429 = results[VARIANTS.indexOf('naive')]?.upstream429 ?? 0;
    const done = naive429 >= MIN_REFUSALS && results.every(({ served }) => served > 0);
    if (done || seconds * 3 > MOST_SECONDS) return results;
  }
}

test('the engine keeps to limits that a naive client runs into', async () => {
  assert.ok(existsSync(`${ROOT}dist/lib/main.js`), 'dist/ is missing: run make build first');
  const processes = new Processes();
  try {
    const results = await longEnough(processes);
    const [configured, learned, naive] = results;
    assert.ok(configured && learned && naive);
    for (const { variant, requests, served, cut, faults } of [configured, learned]) {
      assert.deepEqual(faults, [], variant);
      assert.ok(served > 0, variant);
      assert.equal(served + cut, requests, variant);
    }
    assert.ok(configured.busiestMinute <= SMALL.requestsPerMinute);
    assert.equal(configured.upstream429, 0);
    assert.ok(learned.upstream429 < naive.upstream429);
    assert.ok(naive.upstream429 > 0);
    assert.doesNotMatch(quotaTable(results), /NaN|undefined/);
    assert.equal(verdictsOf(configured).length, 5);
  } finally {
    await processes.stop();
  }
});

test('the plan: the same for a seed, ordered, as much as was asked for, every session alike', () => {
  const plan = planRequests(SMALL);
  assert.deepEqual(planRequests(SMALL), plan);
  assert.notDeepEqual(planRequests({ ...SMALL, seed: 8 }), plan);
  const tokens = plan.reduce((sum, request) => sum + request.tokens, 0);
  assert.ok(tokens >= 300_000 && tokens < 310_000, `${tokens}`);
  const bySession = new Map<number, number>();
  for (const [at, { atMs, session, bytes, ...request }] of plan.entries()) {
    assert.ok(atMs >= (plan[at - 1]?.atMs ?? 0) && atMs < 2_500);
    bySession.set(session, (bySession.get(session) ?? 0) + 1);
    const body = anthropicBody({ ...request, session, bytes });
    assert.ok(Math.abs(Buffer.byteLength(body) - bytes) < 100, `${bytes}`);
    assert.equal((JSON.parse(body) as { model: string }).model, QUOTA_MODEL);
  }
  assert.equal(bySession.size, SMALL.clients);
  assert.ok(Math.max(...bySession.values()) - Math.min(...bySession.values()) <= 1);
});

test('what a quota allows: a bucket is full at first and refills, a window opens every minute', () => {
  for (const { seconds, kind, minutes } of [
    { seconds: 60, kind: 'window', minutes: 1 },
    { seconds: 120, kind: 'window', minutes: 2 },
    { seconds: 6, kind: 'window', minutes: 1 },
    { seconds: 60, kind: 'bucket', minutes: 2 },
    { seconds: 6, kind: 'bucket', minutes: 1.1 },
  ] as const) {
    assert.equal(quotaTokens({ ...SMALL, seconds }, kind), minutes * 300_000, `${kind} ${seconds}`);
  }
});

test('Jain index', () => {
  assert.equal(jainIndex([5, 5, 5, 5]), 1);
  assert.equal(jainIndex([8, 0, 0, 0]), 0.25);
  assert.equal(jainIndex([0, 0]), 1);
});
