import assert from 'node:assert/strict';
import test from 'node:test';
import { parseExposition } from '../support/exposition.ts';
import { chat, message } from '../support/http-client.ts';
import { type Road, road } from '../support/road.ts';
import { completion, type Scripted } from '../support/scripted.ts';

/** SURFACE §5: name, type, labels. */
const NAMES: readonly (readonly [name: string, type: string, labels: readonly string[]])[] = [
  ['cooldown_requests_total', 'counter', ['endpoint', 'provider', 'model', 'status']],
  ['cooldown_upstream_requests_total', 'counter', ['provider', 'key', 'model', 'status']],
  ['cooldown_request_duration_seconds', 'histogram', ['provider', 'model']],
  ['cooldown_time_to_first_byte_seconds', 'histogram', ['provider', 'model']],
  ['cooldown_queue_wait_seconds', 'histogram', ['provider', 'model']],
  ['cooldown_proxy_overhead_seconds', 'histogram', ['endpoint']],
  ['cooldown_tokens_total', 'counter', ['provider', 'key', 'model', 'type']],
  ['cooldown_key_remaining', 'gauge', ['provider', 'key', 'quota']],
  ['cooldown_key_limit', 'gauge', ['provider', 'key', 'quota']],
  ['cooldown_key_reset_seconds', 'gauge', ['provider', 'key', 'quota']],
  ['cooldown_key_state', 'gauge', ['provider', 'key', 'state']],
  ['cooldown_cooldowns_total', 'counter', ['provider', 'key', 'reason']],
  ['cooldown_in_flight', 'gauge', ['provider']],
  ['cooldown_queue_depth', 'gauge', ['provider']],
  ['cooldown_client_aborts_total', 'counter', ['provider']],
  ['cooldown_retries_total', 'counter', ['provider']],
  ['cooldown_failovers_total', 'counter', ['provider']],
  ['cooldown_build_info', 'gauge', ['version', 'node']],
];

const LIMITED: Scripted = {
  status: 429,
  headers: {
    'retry-after': '30',
    'x-ratelimit-limit-requests-day': '1000',
    'x-ratelimit-remaining-requests-day': '900',
    'x-ratelimit-reset-requests-day': '3600',
  },
  body: {},
};

/** One of everything that can happen to a request. */
async function traffic(rig: Road): Promise<void> {
  await rig.messages(message('x')); // k1 is limited, k2 fails, p2 serves
  await rig.chat(chat('x'));
  await rig.chat(chat('x', { model: 'of-a-client' }));
  const live = rig.open('/openai/chat/completions', { body: chat('x') });
  await new Promise((resolve) => setTimeout(resolve, 30));
  live.hangUp();
  await rig.requestLine(4);
}

test('every name of the surface, with its labels, after traffic', async (t) => {
  const fine = completion('x');
  const rig = await road(t, {
    keys: ['{}', '{}'],
    answers: [LIMITED, { status: 500, body: {} }],
    otherwise: [{ status: 403, body: {} }, fine],
  });
  rig.providers[1]?.next.push(fine, fine, () => {});
  await traffic(rig);
  const { status, text, headers } = await rig.ask('/metrics');
  assert.equal(status, 200);
  assert.equal(headers['content-type'], 'text/plain; version=0.0.4; charset=utf-8');
  const families = parseExposition(text);
  for (const [name, type, labels] of NAMES) {
    const family = families.get(name);
    assert.equal(family?.type, type, name);
    const [sample] = family.samples;
    assert.ok(sample !== undefined, `${name} has a sample`);
    const given = [...sample.labels.keys()].filter((label) => label !== 'le');
    assert.deepEqual(given, labels, name);
  }
  for (const name of ['process_cpu_seconds_total', 'nodejs_eventloop_lag_seconds']) {
    assert.ok(families.has(name), name);
  }
  const models = new Set<string | undefined>();
  for (const { labels } of families.get('cooldown_requests_total')?.samples ?? []) {
    models.add(labels.get('model'));
  }
  assert.deepEqual([...models].sort(), ['glm-4.6', 'other']);
  assert.ok(!text.includes('of-a-client'));
});

test('a HEAD has no body; a renamed endpoint', async (t) => {
  const rig = await road(t, { config: 'monitoring: { prometheus_endpoint: /m }' });
  const { status, text } = await rig.ask('/m', { method: 'HEAD' });
  assert.deepEqual([status, text], [200, '']);
  assert.equal((await rig.ask('/metrics')).status, 404);
});

test('metrics_enabled: false', async (t) => {
  const rig = await road(t, { config: 'monitoring: { metrics_enabled: false }' });
  assert.equal((await rig.ask('/metrics')).status, 404);
});
