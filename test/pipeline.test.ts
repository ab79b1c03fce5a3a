import assert from 'node:assert/strict';
import test from 'node:test';
import { chat, errorOf, message } from './support/http-client.ts';
import { COMPLETION, metricOf, PROMPT, type Road, road } from './support/road.ts';
import { completion, DONE, delta, type Scripted, sse, stream } from './support/scripted.ts';
import { until } from './support/upstream.ts';

const TWO_KEYS = ['{}', '{}'];
const refusing = (status: number, headers = {}): Scripted => ({
  status,
  headers,
  body: { error: { message: 'not now', type: 'x', code: 'y' } },
});
const cut: Scripted = (response) => response.destroy();
const hang: Scripted = () => {};

/** The names of the keys that were used, in order. */
function keysUsed({ providers }: Road, provider = 0): string[] {
  const received = providers[provider]?.received ?? [];
  return received.map(({ headers }) => /-(k\d)$/.exec(headers.authorization ?? '')?.[1] ?? '');
}

for (const { name, first } of [
  { name: '429', first: refusing(429, { 'retry-after': '30' }) },
  { name: '401', first: refusing(401) },
  { name: '402', first: refusing(402) },
  { name: '500', first: refusing(500) },
  { name: '502 page', first: { status: 502, body: '<html><title>Bad gateway</title></html>' } },
  { name: 'a connection that is cut', first: cut },
  { name: 'an answer that is no JSON', first: { body: '{"choices":[{"mess' } },
  { name: 'an error with status 200', first: { body: { error: { message: 'x', code: 500 } } } },
] as { name: string; first: Scripted }[]) {
  test(`${name}: the other key serves, the client sees no failure`, async (t) => {
    for (const dialect of ['messages', 'chat'] as const) {
      const rig = await road(t, { keys: TWO_KEYS, answers: [first] });
      const answer =
        dialect === 'chat' ? await rig.chat(chat(PROMPT)) : await rig.messages(message(PROMPT));
      assert.equal(answer.status, 200, answer.text);
      assert.ok(answer.text.includes(COMPLETION));
      assert.equal(new Set(keysUsed(rig)).size, 2, 'two keys were used');
      assert.equal(answer.headers['x-cooldown-attempts'], '2');
      assert.equal(answer.headers['x-cooldown-key'], keysUsed(rig)[1]);
      const [retries] = await metricOf(rig, 'cooldown_retries_total');
      assert.equal(retries, '{provider="p1"} 1');
      assert.equal((await rig.requestLine()).attempts, 2);
    }
  });
}

test('a cooling key is not touched before its time, and is used again after it', async (t) => {
  const rig = await road(t, {
    keys: TWO_KEYS,
    answers: [refusing(429, { 'retry-after-ms': '400' })],
  });
  const beganMs = Date.now();
  const used = () => keysUsed(rig);
  await rig.chat(chat('x'));
  const refusedByMs = Date.now();
  const [cooled, other] = used();
  for (let n = 0; n < 5; n++) await rig.chat(chat('x'));
  const soon = rig.provider.received.filter(({ atMs }) => atMs < beganMs + 400);
  assert.equal(
    used()
      .slice(1, soon.length)
      .includes(cooled as string),
    false,
  );
  assert.ok(used().includes(other as string));
  await until(() => Date.now() > refusedByMs + 500);
  for (let n = 0; n < 4; n++) assert.equal((await rig.chat(chat('x'))).status, 200);
  assert.ok(
    used()
      .slice(soon.length)
      .includes(cooled as string),
    used().join(),
  );
});

test('one key: the request waits for the end of the cooldown, then is served', async (t) => {
  const rig = await road(t, {
    answers: [refusing(429, { 'retry-after-ms': '2000' })],
    config: 'limits: { queue: { max_wait: 60s } }',
  });
  const answer = await rig.messages(message('x'));
  assert.equal(answer.status, 200);
  assert.equal(answer.headers['x-cooldown-attempts'], '2');
  const [first, second] = rig.provider.received;
  assert.ok((second?.atMs ?? 0) - (first?.atMs ?? 0) >= 2_000);
  // The rest begins with the refusal's headers, the wait once its body was read and judged: on a
  // busy machine that takes a while.
  const waitMs = Number(answer.headers['x-cooldown-wait-ms']);
  assert.ok(waitMs >= 500, `${waitMs}`);
  assert.ok(Number((await rig.requestLine()).wait_ms) >= 500);
});

test('a refused key is disabled for good; the others go on', async (t) => {
  const rig = await road(t, { keys: ['{}', '{}', '{}'], answers: [refusing(401)] });
  for (let n = 0; n < 6; n++) assert.equal((await rig.chat(chat('x'))).status, 200);
  const [bad, ...later] = keysUsed(rig);
  assert.equal(later.includes(bad as string), false);
  const { text, status } = await rig.ask('/health');
  const health = JSON.parse(text);
  assert.deepEqual([status, health.status], [200, 'degraded']);
  const states = health.providers[0].keys.map((key: { state: string }) => key.state);
  assert.deepEqual(states.sort(), ['disabled', 'ready', 'ready']);
  const line = rig.proxy.log.find(({ msg }) => msg === 'key disabled');
  assert.deepEqual([line?.level, line?.key, line?.provider], ['error', bad, 'p1']);
  const cooled = await metricOf(rig, 'cooldown_cooldowns_total');
  assert.deepEqual(cooled, [`{provider="p1",key="${bad}",reason="auth"} 1`]);
});

for (const { name, otherwise } of [
  { name: 'rests', otherwise: refusing(429, { 'retry-after': '30' }) },
  { name: 'is busy', otherwise: refusing(503) },
  { name: 'fails', otherwise: refusing(500) },
  { name: 'hangs up', otherwise: cut },
  { name: 'refuses every key', otherwise: refusing(403) },
  { name: 'has lost the model', otherwise: refusing(404) },
] as { name: string; otherwise: Scripted }[]) {
  test(`the first provider ${name}: the second one serves`, async (t) => {
    const rig = await road(t, {
      otherwise: [otherwise, completion(COMPLETION)],
      config: 'limits: { queue: { max_wait: 5s } }',
    });
    const answer = await rig.messages(message(PROMPT));
    assert.equal(answer.status, 200, answer.text);
    assert.equal(answer.headers['x-cooldown-provider'], 'p2');
    assert.equal(rig.providers[1]?.received.length, 1);
    const failovers = await metricOf(rig, 'cooldown_failovers_total');
    assert.deepEqual(failovers, ['{provider="p1"} 1']);
  });
}

test('a provider that is not there: 502 that names it, after bounded attempts', async (t) => {
  const rig = await road(t);
  await rig.provider.close();
  const answer = await rig.messages(message('x'));
  assert.equal(answer.status, 502);
  assert.equal(errorOf(answer).type, 'api_error');
  assert.match(errorOf(answer).message, /"p1"/);
  const attempts = Number(answer.headers['x-cooldown-attempts']);
  assert.ok(attempts >= 2 && attempts <= 8, `${attempts} attempts`);
  const [sent] = await metricOf(rig, 'cooldown_upstream_requests_total');
  assert.equal(sent, `{provider="p1",key="k1",model="glm-4.6",status="none"} ${attempts}`);
  assert.equal((await rig.requestLine()).level, 'error');
});

test('an error before the content of a stream is another attempt, unseen', async (t) => {
  const role = sse({ choices: [{ index: 0, delta: { role: 'assistant', content: '' } }] });
  const rig = await road(t, {
    answers: [
      stream(role, sse({ error: { message: 'broke', code: 500 } })),
      (response) => {
        response.writeHead(200, { 'content-type': 'text/event-stream' });
        response.write(role);
        setImmediate(() => response.destroy());
      },
      stream(role, delta(COMPLETION), delta('', 'stop'), DONE),
    ],
  });
  const answer = await rig.messages(message('x', { stream: true }));
  assert.equal(answer.status, 200);
  assert.ok(answer.text.includes(COMPLETION));
  assert.equal(answer.text.match(/event: message_start/g)?.length, 1);
  assert.match(answer.text, /event: message_stop/);
  assert.equal(rig.provider.received.length, 3);
});

test('a request never makes more than eight attempts', async (t) => {
  const rig = await road(t, {
    keys: Array.from({ length: 12 }, () => '{}'),
    otherwise: [refusing(429, { 'retry-after': '30' })],
  });
  const answer = await rig.chat(chat('x'));
  assert.equal(answer.status, 429);
  assert.equal(rig.provider.received.length, 8);
  assert.equal(new Set(keysUsed(rig)).size, 8);
});

interface Abort {
  readonly name: string;
  readonly answers: readonly Scripted[];
  readonly body: object;
  readonly ready: (rig: Road) => boolean;
  /** Whether there is an upstream to be cut. */
  readonly cuts?: boolean;
}

test('a client that hangs up, at every stage: the upstream is closed, 499 logged', async (t) => {
  for (const { name, answers, body, ready, cuts = false } of [
    {
      name: 'while it waits for room',
      answers: [refusing(429, { 'retry-after': '20' })],
      body: chat('x'),
      ready: (rig: Road) => rig.proxy.gateway.waiting.depth === 1,
    },
    {
      name: 'between two attempts',
      answers: [refusing(500), refusing(500), refusing(500)],
      body: chat('x'),
      ready: (rig: Road) => rig.provider.received.length === 3,
    },
    {
      name: 'before the headers',
      cuts: true,
      answers: [hang],
      body: chat('x'),
      ready: (rig: Road) => rig.provider.received.length === 1,
    },
    {
      name: 'inside a JSON answer',
      cuts: true,
      answers: [
        (response) => {
          response.writeHead(200, { 'content-type': 'application/json' });
          response.write('{"choices":[');
        },
      ],
      body: chat('x'),
      ready: (rig: Road) => rig.provider.received.length === 1,
    },
    {
      name: 'before the content of a stream',
      cuts: true,
      answers: [
        (response) => {
          response.writeHead(200, { 'content-type': 'text/event-stream' });
          response.write(': nothing yet\n\n');
        },
      ],
      body: chat('x', { stream: true }),
      ready: (rig: Road) => rig.provider.received.length === 1,
    },
  ] as Abort[]) {
    const rig = await road(t, { answers, config: 'limits: { queue: { max_wait: 60s } }' });
    const live = rig.open('/openai/chat/completions', { body });
    await until(() => ready(rig));
    live.hangUp();
    const line = await rig.requestLine();
    assert.deepEqual([line.status, line.level], [499, 'info'], name);
    await rig.quiet();
    const { received } = rig.provider;
    if (cuts) await until(() => received.at(-1)?.cut === true);
    const aborts = await metricOf(rig, 'cooldown_client_aborts_total');
    assert.deepEqual(aborts, ['{provider="p1"} 1'], name);
  }
});

test('a client that hangs up in the middle of a stream', async (t) => {
  const rig = await road(t, {
    answers: [
      (response) => {
        response.writeHead(200, { 'content-type': 'text/event-stream' });
        response.write(delta('one'));
      },
    ],
  });
  const live = rig.open('/anthropic/v1/messages', { body: message('x', { stream: true }) });
  await live.has('one');
  live.hangUp();
  await until(() => rig.provider.received[0]?.cut === true);
  const { status, attempts, output_tokens: output } = await rig.requestLine();
  assert.deepEqual([status, attempts], [499, 1]);
  assert.ok(Number(output) >= 1, 'what was seen is booked');
});

test('a model that only a Messages provider has is 400 for an OpenAI client', async (t) => {
  const rig = await road(t, { provider: '    protocol: anthropic' });
  const answer = await rig.chat(chat('x'));
  assert.equal(answer.status, 400);
  const { type, message: told, param } = errorOf(answer);
  assert.deepEqual([type, param], ['invalid_request_error', 'model']);
  assert.match(told, /"p1".*anthropic protocol/);
});

test('an unknown model is 404 and names those that exist, in both dialects', async (t) => {
  const rig = await road(t);
  const name = 'no-such-model';
  for (const answer of [
    await rig.messages(message('x', { model: name })),
    await rig.chat(chat('x', { model: name })),
    await rig.ask('/openai/embeddings', { body: { model: name, input: 'x' } }),
  ]) {
    assert.equal(answer.status, 404);
    const { type, message: told } = errorOf(answer);
    assert.equal(type, 'not_found_error');
    assert.match(told, /^No provider found for model "no-such-model".*glm-4\.6, glm-4\.5-air/);
  }
  const counted = await metricOf(rig, 'cooldown_requests_total');
  assert.ok(counted.includes('{endpoint="openai",provider="",model="other",status="404"} 2'));
  assert.equal(rig.provider.received.length, 0);
});
