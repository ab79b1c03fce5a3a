import assert from 'node:assert/strict';
import test from 'node:test';
import { chat, message } from '../support/http-client.ts';
import { metricOf, road } from '../support/road.ts';
import { completion, DONE, delta, sse, stream } from '../support/scripted.ts';

test('one line a request, with everything that is known of it', async (t) => {
  const usage = {
    prompt_tokens: 40,
    completion_tokens: 8,
    prompt_tokens_details: { cached_tokens: 30 },
    completion_tokens_details: { reasoning_tokens: 3 },
  };
  const rig = await road(t, {
    models: '[{ id: glm-4.6, upstream: zai-glm-4.6 }]',
    answers: [completion('x', { usage })],
  });
  const body = message('x', { model: 'claude-opus-4-5' });
  const answer = await rig.messages(body);
  const {
    time,
    duration_ms: duration,
    ttfb_ms: ttfb,
    wait_ms: wait,
    ...line
  } = await rig.requestLine();
  assert.match(String(time), /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
  assert.ok(Number(duration) >= Number(ttfb) && Number(ttfb) >= Number(wait));
  assert.deepEqual(line, {
    level: 'info',
    msg: 'request',
    request_id: answer.headers['request-id'],
    endpoint: 'anthropic',
    asked_model: 'claude-opus-4-5',
    provider: 'p1',
    model: 'zai-glm-4.6',
    key: 'k1',
    status: 200,
    attempts: 1,
    input_tokens: 40,
    output_tokens: 8,
    cached_tokens: 30,
    bytes_in: Buffer.byteLength(JSON.stringify(body)),
    bytes_out: Buffer.byteLength(answer.text),
    stream: false,
  });
  assert.equal(rig.requests().length, 1);
});

test('metrics of one request', async (t) => {
  const usage = sse({ choices: [], usage: { prompt_tokens: 40, completion_tokens: 8 } });
  const rig = await road(t, { answers: [stream(delta('x'), delta('', 'stop'), usage, DONE)] });
  await rig.chat(chat('x', { stream: true }));
  const key = 'provider="p1",key="k1",model="glm-4.6"';
  assert.deepEqual(await metricOf(rig, 'cooldown_tokens_total'), [
    `{${key},type="input"} 40`,
    `{${key},type="output"} 8`,
    `{${key},type="cached"} 0`,
    `{${key},type="reasoning"} 0`,
  ]);
  assert.deepEqual(await metricOf(rig, 'cooldown_requests_total'), [
    '{endpoint="openai",provider="p1",model="glm-4.6",status="200"} 1',
  ]);
  for (const name of ['request_duration', 'time_to_first_byte', 'queue_wait']) {
    const counts = await metricOf(rig, `cooldown_${name}_seconds_count`);
    assert.deepEqual(counts, ['{provider="p1",model="glm-4.6"} 1'], name);
  }
  const overhead = await metricOf(rig, 'cooldown_proxy_overhead_seconds_count');
  assert.deepEqual(overhead, ['{endpoint="openai"} 1']);
});

test('what was reserved is corrected to what was used', async (t) => {
  const used = { usage: { prompt_tokens: 600, completion_tokens: 300, total_tokens: 900 } };
  const rig = await road(t, {
    models: '[of-unknown-size]',
    keys: ['{ max_tokens_per_minute: 5000 }'],
    otherwise: [completion('x', used)],
  });
  const body = message('x', { model: 'of-unknown-size', max_tokens: 4_000 });
  for (let n = 0; n < 2; n++) assert.equal((await rig.messages(body)).status, 200, `request ${n}`);
  assert.equal((await rig.messages(body)).status, 429, '1,800 are used, 4,000 do not fit');
  const left = await metricOf(rig, 'cooldown_key_remaining');
  assert.deepEqual(left, ['{provider="p1",key="k1",quota="tokens_minute"} 3200']);
});

test('of two token limits the one for uncached tokens gets back what a cache gave', async (t) => {
  const details = { prompt_tokens_details: { cached_tokens: 500 } };
  const used = { prompt_tokens: 600, completion_tokens: 300, total_tokens: 900, ...details };
  const rig = await road(t, {
    models: '[of-unknown-size]',
    keys: ['{ max_uncached_tokens_per_minute: 5000, max_tokens_per_minute: 15000 }'],
    otherwise: [completion('x', { usage: used })],
  });
  const body = message('x', { model: 'of-unknown-size', max_tokens: 4_000 });
  for (let n = 0; n < 2; n++) assert.equal((await rig.messages(body)).status, 200, `request ${n}`);
  assert.equal((await rig.messages(body)).status, 200, '800 uncached are used, 4,000 more fit');
  const left = await metricOf(rig, 'cooldown_key_remaining');
  assert.deepEqual(left, ['{provider="p1",key="k1",quota="tokens_minute"} 12300']);
  const refused = await rig.messages({ ...body, max_tokens: 4_500 });
  assert.equal(refused.status, 429, '1,200 uncached are used');
  assert.match(refused.text, /tokens per minute/);
});

test('an answer that was not shown books its uncached tokens too', async (t) => {
  const details = { prompt_tokens_details: { cached_tokens: 500 } };
  const usage = { prompt_tokens: 600, completion_tokens: 300, total_tokens: 900, ...details };
  const rig = await road(t, {
    models: '[of-unknown-size]',
    keys: ['{ max_uncached_tokens_per_minute: 5000 }'],
    answers: [completion('', { usage })],
    otherwise: [completion('x', { usage })],
  });
  const body = message('x', { model: 'of-unknown-size', max_tokens: 4_000 });
  const first = await rig.messages(body);
  assert.deepEqual([first.status, first.headers['x-cooldown-attempts']], [200, '2']);
  assert.equal((await rig.messages(body)).status, 200, '800 uncached are used, 4,000 more fit');
});

test('a request that is refused by its provider books no tokens', async (t) => {
  const rig = await road(t, {
    keys: ['{ max_tokens_per_minute: 500000 }'],
    otherwise: [{ status: 400, body: {} }],
  });
  await rig.messages(message('x'));
  const left = await metricOf(rig, 'cooldown_key_remaining');
  assert.deepEqual(left, ['{provider="p1",key="k1",quota="tokens_minute"} 500000']);
});
