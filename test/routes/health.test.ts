import assert from 'node:assert/strict';
import test from 'node:test';
import { chat } from '../support/http-client.ts';
import { type Road, road } from '../support/road.ts';
import { completion } from '../support/scripted.ts';

interface Health {
  readonly status: string;
  readonly version: string;
  readonly uptime_seconds: number;
  readonly providers: {
    readonly name: string;
    readonly status: string;
    readonly keys: ({ readonly name: string; readonly state: string } & Record<string, unknown>)[];
  }[];
}

async function healthOf({ ask }: Road): Promise<[number, Health]> {
  const { status, text } = await ask('/health');
  return [status, JSON.parse(text) as Health];
}

test('ok: every provider and key by name, with what is known of their quotas', async (t) => {
  const headers = {
    'x-ratelimit-limit-requests-day': '1000',
    'x-ratelimit-remaining-requests-day': '900',
    'x-ratelimit-reset-requests-day': '3600',
  };
  const said = completion('x');
  if (typeof said === 'function') throw new Error('a whole answer');
  const rig = await road(t, { keys: ['{ org: acme }', '{}'], otherwise: [{ ...said, headers }] });
  await rig.chat(chat('x'));
  const [status, health] = await healthOf(rig);
  assert.deepEqual([status, health.status], [200, 'ok']);
  assert.equal(typeof health.version, 'string');
  assert.ok(health.uptime_seconds >= 0);
  const [p1] = health.providers;
  assert.deepEqual([p1?.name, p1?.status], ['p1', 'ok']);
  assert.deepEqual(
    p1?.keys.map(({ name, state }) => [name, state]),
    [
      ['k1', 'ready'],
      ['k2', 'ready'],
    ],
  );
  const used = p1?.keys.find(({ requests_last_minute: requests }) => requests === 1);
  assert.equal(used?.in_flight, 0);
  const quotas = used?.quotas as Record<string, Record<string, Record<string, number>>>;
  const day = quotas['glm-4.6']?.requests_day;
  assert.deepEqual([day?.limit, day?.remaining], [1000, 900]);
  assert.ok((day?.reset_seconds ?? 0) > 3_500);
  const head = await rig.ask('/health', { method: 'HEAD' });
  assert.deepEqual([head.status, head.text], [200, '']);
});

test('a cooling key beside a ready one is ok; without one the provider is down', async (t) => {
  const refusal = { status: 429, headers: { 'retry-after': '40' }, body: {} };
  const rig = await road(t, { keys: ['{}', '{}'], models: '[glm-4.6]', answers: [refusal] });
  await rig.chat(chat('x'));
  const [first, health] = await healthOf(rig);
  assert.deepEqual([first, health.status], [200, 'ok']);
  const cooling = health.providers[0]?.keys.find(({ state }) => state === 'cooling');
  assert.equal(cooling?.reason, 'rate_limit');
  const leftMs = Date.parse(String(cooling?.until)) - Date.now();
  assert.ok(leftMs > 30_000 && leftMs <= 40_000, `${leftMs}`);
  rig.provider.next.push(refusal);
  await rig.chat(chat('x'));
  const [second, worse] = await healthOf(rig);
  assert.deepEqual([second, worse.status], [503, 'degraded']);
  assert.equal(worse.providers[0]?.status, 'unavailable');
});

test('degraded, but serving: one of two providers has no key that can serve', async (t) => {
  const refusal = { status: 401, body: {} };
  const rig = await road(t, { answers: [refusal], otherwise: [refusal, completion('x')] });
  assert.equal((await rig.chat(chat('x'))).status, 200);
  const [status, health] = await healthOf(rig);
  assert.deepEqual([status, health.status], [200, 'degraded']);
  assert.deepEqual(
    health.providers.map((provider) => provider.status),
    ['unavailable', 'ok'],
  );
});

test('a cooldown of one model leaves the key usable for the other', async (t) => {
  const refusal = { status: 429, headers: { 'retry-after': '40' }, body: {} };
  const rig = await road(t, { answers: [refusal] });
  assert.equal((await rig.chat(chat('x'))).status, 429);
  assert.equal((await rig.chat(chat('x', { model: 'glm-4.5-air' }))).status, 200);
  const [status, health] = await healthOf(rig);
  assert.deepEqual([status, health.providers[0]?.keys[0]?.state], [200, 'ready']);
});

test('a renamed endpoint', async (t) => {
  const rig = await road(t, { config: 'monitoring: { health_endpoint: /live }' });
  assert.equal((await rig.ask('/live')).status, 200);
  assert.equal((await rig.ask('/health')).status, 404);
});
