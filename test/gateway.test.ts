import assert from 'node:assert/strict';
import test from 'node:test';
import { MAX_PATH_BUCKETS } from '../lib/limits.ts';
import { newLease } from '../lib/quotas/lease.ts';
import { compiled, NOW_MS } from './support/gateways.ts';

const YAML = `
providers:
  - name: p
    endpoint: http://127.0.0.1:9/base/v1/
    models: [glm-4.6, glm-4.5-air]
    headers: { x-team: blue, user-agent: mine }
    load_balancing:
      api_keys:
        - { key: secret-1, name: one, org: acme, max_requests_per_minute: 2 }
        - { key: secret-2, name: two, org: acme, max_requests_per_minute: 2 }
        - { key: secret-3, name: three, max_concurrent: 1 }
    rate_limiting: { requests_per_minute: 50 }
  - name: q
    protocol: anthropic
    endpoint: https://example.com
    models: [glm-4.6]
    api_key: secret-q
  - { name: r, endpoint: "http://[::1]:81", models: [m] }
limits: { requests_per_minute: 3 }
`;

/** The names of the buckets that a key's requests for a model take from. */
function pathOf(key: string, model: string): string[] {
  const gateway = compiled(YAML);
  const lanes = gateway.providers[0]?.lanes.get(model)?.list ?? [];
  const lane = lanes.find((candidate) => candidate.key.config.name === key);
  return Array.from(lane?.path ?? [], (bucket) => gateway.bucketNames[bucket] ?? '');
}

test('a key that shares an org: limits of the org, rests of its own', () => {
  const path = pathOf('one', 'glm-4.6');
  assert.deepEqual(path, [
    'global',
    'provider p',
    'model p glm-4.6',
    'org p/acme',
    'org-model p/acme glm-4.6',
    'key p/one',
    'key-model p/one glm-4.6',
  ]);
  assert.ok(path.length <= MAX_PATH_BUCKETS);
});

test('a key alone in its org needs no buckets of its own', () => {
  const path = pathOf('three', 'glm-4.5-air');
  assert.equal(path.length, 5);
  assert.deepEqual(path.slice(0, 3), ['global', 'provider p', 'model p glm-4.5-air']);
});

test('limits hold where they were configured: org, global, concurrency', () => {
  const { providers, quotas } = compiled(YAML);
  const list = providers[0]?.lanes.get('glm-4.6')?.list ?? [];
  const take = (nth: number) => {
    const lane = list[nth];
    return lane !== undefined && quotas.tryReserve(lane.path, NOW_MS, 1, newLease());
  };
  assert.deepEqual([take(0), take(1), take(0), take(1)], [true, true, false, false], 'the org: 2');
  assert.deepEqual([take(2), take(2)], [true, false], 'one at a time');
  const other = providers[1]?.lanes.get('glm-4.6')?.list[0];
  assert.ok(other !== undefined);
  assert.equal(quotas.tryReserve(other.path, NOW_MS, 1, newLease()), false, 'all providers: 3');
});

test('where calls go, and what they carry', () => {
  const { providers } = compiled(YAML);
  const [p, q, r] = providers;
  assert.deepEqual([p?.origin.hostname, p?.origin.port, p?.basePath], ['127.0.0.1', 9, '/base/v1']);
  assert.deepEqual([q?.origin.protocol, q?.origin.port, q?.basePath], ['https:', 443, '']);
  assert.deepEqual([r?.origin.hostname, r?.origin.port], ['::1', 81]);
  assert.equal(p?.keys[0]?.headers.authorization, 'Bearer secret-1');
  assert.equal(p?.keys[0]?.headers['x-team'], 'blue');
  assert.equal(p?.keys[0]?.headers['user-agent'], 'mine');
  assert.equal(q?.keys[0]?.headers['x-api-key'], 'secret-q');
  assert.equal(q?.keys[0]?.headers.authorization, undefined);
  assert.equal(q?.keys[0]?.headers['user-agent'], 'cooldown-proxy/1.2.3');
  assert.equal(r?.keys[0]?.headers.authorization, undefined, 'a local server needs no key');
});
