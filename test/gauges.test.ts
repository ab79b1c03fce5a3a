import assert from 'node:assert/strict';
import test from 'node:test';
import { chat } from './support/http-client.ts';
import { metricOf, road } from './support/road.ts';
import { completion, type Scripted } from './support/scripted.ts';
import { until } from './support/upstream.ts';

function saying(headers: Record<string, string>): Scripted {
  const said = completion('x');
  if (typeof said === 'function') throw new Error('a whole answer');
  return { ...said, headers };
}

test('nothing is limited: no quota has a sample', async (t) => {
  const rig = await road(t);
  await rig.chat(chat('x'));
  for (const name of ['limit', 'remaining', 'reset_seconds']) {
    assert.deepEqual(await metricOf(rig, `cooldown_key_${name}`), []);
  }
});

test('configured limits, where the provider has told none', async (t) => {
  const keys = ['{ max_requests_per_minute: 60, max_tokens_per_day: 200000 }'];
  const rig = await road(t, { keys });
  await rig.chat(chat('x'));
  assert.deepEqual(await metricOf(rig, 'cooldown_key_limit'), [
    '{provider="p1",key="k1",quota="requests_minute"} 60',
    '{provider="p1",key="k1",quota="tokens_day"} 200000',
  ]);
  assert.deepEqual(await metricOf(rig, 'cooldown_key_remaining'), [
    '{provider="p1",key="k1",quota="requests_minute"} 59',
    `{provider="p1",key="k1",quota="tokens_day"} ${200_000 - 16}`,
  ]);
  assert.deepEqual(await metricOf(rig, 'cooldown_key_reset_seconds'), []);
});

test('what the provider says goes first, of its models the tightest', async (t) => {
  const keys = ['{ max_requests_per_day: 5000, max_requests_per_minute: 60 }'];
  const told = (remaining: string) => ({
    'x-ratelimit-limit-requests-day': '1000',
    'x-ratelimit-remaining-requests-day': remaining,
    'x-ratelimit-reset-requests-day': '3600',
  });
  const rig = await road(t, { keys, answers: [saying(told('700')), saying(told('300'))] });
  await rig.chat(chat('x'));
  await rig.chat(chat('x', { model: 'glm-4.5-air' }));
  const limits = await metricOf(rig, 'cooldown_key_limit');
  assert.ok(limits.includes('{provider="p1",key="k1",quota="requests_day"} 1000'));
  const left = await metricOf(rig, 'cooldown_key_remaining');
  assert.deepEqual(left, [
    '{provider="p1",key="k1",quota="requests_minute"} 58',
    '{provider="p1",key="k1",quota="requests_day"} 300',
  ]);
  const [reset = ''] = await metricOf(rig, 'cooldown_key_reset_seconds');
  assert.match(reset, /^\{provider="p1",key="k1",quota="requests_day"\} 3(?:600|59\d)/);
});

test('exactly one state of each key is 1', async (t) => {
  const rig = await road(t, {
    keys: ['{}', '{}', '{}'],
    models: '[glm-4.6]',
    answers: [
      { status: 401, body: {} },
      { status: 429, headers: { 'retry-after': '30' }, body: {} },
    ],
  });
  await rig.chat(chat('x'));
  const states = await metricOf(rig, 'cooldown_key_state');
  assert.equal(states.length, 12);
  const on = states.filter((sample) => sample.endsWith(' 1'));
  const named = on.map((sample) => /state="(\w+)"/.exec(sample)?.[1]);
  assert.deepEqual(named.sort(), ['cooling', 'disabled', 'ready']);
});

test('what is in flight, and what waits', async (t) => {
  const rig = await road(t, {
    answers: [() => {}],
    keys: ['{ max_concurrent: 1 }'],
    config: 'limits: { queue: { max_wait: 20s } }',
  });
  const lives = [1, 2, 3].map(() => rig.open('/openai/chat/completions', { body: chat('x') }));
  await until(() => rig.proxy.gateway.waiting.depth === 2);
  assert.deepEqual(await metricOf(rig, 'cooldown_in_flight'), ['{provider="p1"} 1']);
  assert.deepEqual(await metricOf(rig, 'cooldown_queue_depth'), ['{provider="p1"} 2']);
  for (const live of lives.reverse()) live.hangUp();
  await rig.quiet();
  assert.deepEqual(await metricOf(rig, 'cooldown_in_flight'), ['{provider="p1"} 0']);
  assert.deepEqual(await metricOf(rig, 'cooldown_queue_depth'), ['{provider="p1"} 0']);
});
