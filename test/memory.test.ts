import assert from 'node:assert/strict';
import test from 'node:test';
import type { Gateway, Lane } from '../lib/gateway.ts';
import { DISABLED_REST_MS, MAX_SNAPSHOT_AGE_MS } from '../lib/limits.ts';
import { type Memory, recall, remember, revisionOf } from '../lib/memory.ts';
import type { Verdict } from '../lib/quotas/cooldown-rules.ts';
import { newLease } from '../lib/quotas/lease.ts';
import { keyStanding } from '../lib/standing.ts';
import { compiled, NOW_MS } from './support/gateways.ts';

const hash = (mark: string): string => Buffer.from(mark).toString('base64url');

/** One provider with these keys, as YAML flow mappings. */
function proxy(keys: readonly string[], nowMs = NOW_MS, before?: Gateway): Gateway {
  const listed = keys.map((key) => `        - ${key}\n`).join('');
  const yaml = `
providers:
  - name: p
    preset: generic
    endpoint: http://127.0.0.1:9/v1
    models: [glm-4.6]
    load_balancing:
      api_keys:
${listed}`;
  return compiled(yaml, () => nowMs, before);
}

const ONE = '{ key: secret-one, name: one, max_requests_per_day: 5 }';
const TWO = '{ key: secret-two, name: two, max_requests_per_day: 5 }';

function laneOf(gateway: Gateway, nth: number): Lane {
  const lane = gateway.providers[0]?.lanes.get('glm-4.6')?.list[nth];
  assert.ok(lane !== undefined);
  return lane;
}

function start(gateway: Gateway, nth: number, times = 1): number {
  let started = 0;
  for (let n = 0; n < times; n++) {
    const lease = newLease();
    const { path } = laneOf(gateway, nth);
    if (!gateway.quotas.tryReserve(path, gateway.nowMs(), 10, lease)) break;
    started += 1;
    gateway.quotas.settle(path, lease, gateway.nowMs(), 10);
  }
  return started;
}

function usedToday(gateway: Gateway, nth: number): number {
  const { orgBucket } = laneOf(gateway, nth).key;
  return gateway.quotas.usedInWindow(orgBucket, gateway.nowMs(), 'requests_day');
}

function stateOf(gateway: Gateway, nth: number): string {
  const provider = gateway.providers[0]!;
  return keyStanding(gateway, provider, provider.keys[nth]!, gateway.nowMs()).state;
}

const AUTH: Verdict = {
  scope: 'key',
  action: 'disable',
  untilMs: 0,
  answer: 'KEYS_REFUSED',
  reason: 'auth',
  message: 'wrong key',
  code: '',
};

/** Through JSON, as a file would have it. */
const saved = (gateway: Gateway): Memory => JSON.parse(JSON.stringify(remember(gateway, hash)));

test('counts belong to the secret: renamed, replaced, joined, parted keys', () => {
  const before = proxy([ONE, TWO]);
  start(before, 0, 3);
  start(before, 1, 1);
  const memory = saved(before);
  const rows: readonly { name: string; keys: readonly string[]; used: readonly number[] }[] = [
    { name: 'nothing changed', keys: [ONE, TWO], used: [3, 1] },
    { name: 'another order', keys: [TWO, ONE], used: [1, 3] },
    { name: 'renamed', keys: [ONE.replace('name: one', 'name: uno')], used: [3] },
    { name: 'replaced', keys: [ONE.replace('secret-one', 'secret-new'), TWO], used: [0, 1] },
    {
      name: 'one org',
      keys: [ONE.replace('}', ', org: o }'), TWO.replace('}', ', org: o }')],
      used: [4, 4],
    },
  ];
  for (const { name, keys, used } of rows) {
    const after = proxy(keys, NOW_MS + 3_600_000);
    recall(after, memory, hash);
    const found = keys.map((_, nth) => usedToday(after, nth));
    assert.deepEqual(found, used, name);
  }
});

test('another endpoint or provider is another account', () => {
  const before = proxy([ONE]);
  start(before, 0, 3);
  const memory = saved(before);
  for (const [word, other] of [
    ['127.0.0.1:9', '127.0.0.1:8'],
    ['name: p\n', 'name: q\n'],
  ] as const) {
    const yaml = `
providers:
  - name: p
    endpoint: http://127.0.0.1:9/v1
    models: [glm-4.6]
    load_balancing: { api_keys: [${ONE}] }
`;
    const after = compiled(yaml.replace(word, other));
    assert.equal(recall(after, memory, hash).length, memory.buckets.length);
    assert.equal(usedToday(after, 0), 0);
  }
});

test('a cooled key is cooling still, and says why', () => {
  const before = proxy([ONE, TWO]);
  const { keyModelBucket } = laneOf(before, 0);
  before.quotas.cool(keyModelBucket, NOW_MS, NOW_MS + 60_000);
  before.verdicts.set(keyModelBucket, { ...AUTH, reason: 'rate_limit', answer: 'NO_ROOM' });
  const after = proxy([ONE, TWO], NOW_MS + 20_000);
  recall(after, saved(before), hash);
  assert.deepEqual([stateOf(after, 0), stateOf(after, 1)], ['cooling', 'ready']);
  const bucket = laneOf(after, 0).keyModelBucket;
  assert.equal(after.quotas.coolUntilMs(bucket, after.nowMs()), NOW_MS + 60_000);
  assert.equal(after.verdicts.get(bucket)?.reason, 'rate_limit');
  const late = proxy([ONE, TWO], NOW_MS + 61_000);
  recall(late, saved(before), hash);
  assert.equal(stateOf(late, 0), 'ready');
  assert.equal(late.verdicts.size, 0);
});

test('a disabled key rests for a while after a restart; another secret does not', () => {
  const before = proxy([ONE]);
  before.quotas.disable(laneOf(before, 0).key.bucket);
  before.verdicts.set(laneOf(before, 0).key.bucket, AUTH);
  const memory = saved(before);
  const after = proxy([ONE], NOW_MS + 1_000);
  recall(after, memory, hash);
  const { bucket } = laneOf(after, 0).key;
  assert.equal(stateOf(after, 0), 'cooling');
  const untilMs = NOW_MS + 1_000 + DISABLED_REST_MS;
  assert.equal(after.quotas.coolUntilMs(bucket, after.nowMs()), untilMs);
  assert.equal(after.verdicts.get(bucket)?.answer, 'KEYS_REFUSED');
  const again = proxy([ONE], NOW_MS + 2_000);
  recall(again, saved(after), hash);
  const stillMs = again.quotas.coolUntilMs(laneOf(again, 0).key.bucket, again.nowMs());
  assert.equal(stillMs, untilMs, 'another restart does not lengthen it');
  const replaced = proxy([ONE.replace('secret-one', 'secret-new')]);
  recall(replaced, memory, hash);
  assert.equal(stateOf(replaced, 0), 'ready');
});

test('estimates stay corrected', () => {
  const before = proxy([ONE]);
  before.calibrations.observe('glm-4.6', 1_000, 1_250);
  const after = proxy([ONE]);
  recall(after, saved(before), hash);
  assert.equal(after.calibrations.corrected('glm-4.6', 2_000), 2_500);
  for (const odd of [null, 'x', Number.NaN, -1, {}]) {
    const other = proxy([ONE]);
    recall(other, { buckets: [], calibrations: { 'glm-4.6': odd } }, hash);
    assert.equal(other.calibrations.corrected('glm-4.6', 2_000), 2_000, String(odd));
  }
});

test('what nobody claims is given back while its counts last', () => {
  const before = proxy([ONE, TWO]);
  start(before, 1, 2);
  const memory = saved(before);
  const after = proxy([ONE], NOW_MS + 1);
  const unclaimed = recall(after, memory, hash);
  assert.equal(unclaimed.length, 1);
  const back = proxy([ONE, TWO], NOW_MS + 2);
  assert.equal(recall(back, { buckets: unclaimed, calibrations: {} }, hash).length, 0);
  assert.equal(usedToday(back, 1), 2);
  const late = proxy([ONE], NOW_MS + MAX_SNAPSHOT_AGE_MS + 1);
  assert.equal(recall(late, memory, hash).length, 0);
});

test('neither secrets nor what a provider quoted of them are remembered', () => {
  const before = proxy([ONE]);
  const { bucket } = laneOf(before, 0).key;
  before.quotas.cool(bucket, NOW_MS, NOW_MS + 9_000);
  before.verdicts.set(bucket, { ...AUTH, message: 'key secret-one is wrong' });
  const redact = (text: string) => text.replaceAll('secret-one', '[redacted]');
  const text = JSON.stringify(remember({ ...before, redact }, (mark) => `${mark.length}`));
  assert.ok(!text.includes('secret-one'), text);
  assert.match(text, /\[redacted\] is wrong/);
});

test('nonsense in a memory changes nothing', () => {
  const odd = [null, 1, 'x', {}, []] as unknown[];
  const before = proxy([ONE]);
  start(before, 0);
  const of = saved(before).buckets[0]?.of ?? [];
  for (const value of odd) {
    const after = proxy([ONE]);
    const buckets = [
      {
        of,
        state: { takenMs: NOW_MS, windows: value, restUntilMs: value },
        why: { answer: value },
      },
      { of, state: { takenMs: value, disabled: true } },
    ] as unknown as Memory['buckets'];
    recall(after, { buckets, calibrations: {} }, hash);
    assert.equal(stateOf(after, 0), 'ready', String(value));
    assert.equal(after.verdicts.size, 0);
  }
});

test('the revision changes when a request starts, and when it ends', () => {
  const gateway = proxy([ONE]);
  const seen = [revisionOf(gateway)];
  const lease = newLease();
  const { path } = laneOf(gateway, 0);
  gateway.quotas.tryReserve(path, NOW_MS, 1, lease);
  seen.push(revisionOf(gateway));
  gateway.quotas.settle(path, lease, NOW_MS, 1);
  seen.push(revisionOf(gateway));
  assert.equal(new Set(seen).size, 3);
});

test('a gateway that takes the place of another shares what it knows', () => {
  const before = proxy([ONE, TWO]);
  start(before, 0, 3);
  const lease = newLease();
  before.quotas.tryReserve(laneOf(before, 1).path, NOW_MS, 10, lease);
  before.quotas.disable(laneOf(before, 0).key.bucket);
  before.verdicts.set(laneOf(before, 0).key.bucket, AUTH);
  const three = '{ key: secret-three, name: three, max_requests_per_day: 5 }';
  const after = proxy([three, TWO.replace('day: 5', 'day: 2'), ONE], NOW_MS + 1, before);
  assert.deepEqual(
    [0, 1, 2].map((nth) => usedToday(after, nth)),
    [0, 1, 3],
  );
  assert.deepEqual(
    [0, 2].map((nth) => stateOf(after, nth)),
    ['ready', 'disabled'],
  );
  assert.equal(after.quotas.inFlight(laneOf(after, 1).key.orgBucket), 1);
  before.quotas.settle(laneOf(before, 1).path, lease, NOW_MS + 2, 10);
  assert.equal(after.quotas.inFlight(laneOf(after, 1).key.orgBucket), 0);
  assert.equal(start(after, 1, 5), 1, 'the new limit holds');
  assert.equal(start(before, 1, 5), 0, 'for those that came before, too');
  const joined = proxy(
    [ONE.replace('}', ', org: o }'), three.replace('}', ', org: o }')],
    NOW_MS + 3,
    after,
  );
  assert.deepEqual(
    [0, 1].map((nth) => stateOf(joined, nth)),
    ['disabled', 'ready'],
  );
  assert.equal(joined.verdicts.get(laneOf(joined, 0).key.bucket)?.reason, 'auth');
  assert.equal(usedToday(joined, 1), 3);
});
