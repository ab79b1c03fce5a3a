/** Are requests admitted, refused and counted over HTTP as the real provider does it? */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { busiest } from '../../lib/simulator/time-ring.ts';
import { ask, chat, messageOf, parsed, started, TOOLS, until } from './ask.ts';

const short = chat('demo: say ok', { max_completion_tokens: 100, reasoning_effort: 'none' });

test('requests per minute: served, refused with headers, served again', async (t) => {
  let nowMs = 0;
  const simulator = await started(t, { requestsPerMinute: 2, clock: () => nowMs });
  assert.equal((await ask(simulator, short)).status, 200);
  assert.equal((await ask(simulator, short)).status, 200);
  const refused = await ask(simulator, short);
  assert.equal(refused.status, 429);
  assert.deepEqual(JSON.parse(refused.text), {
    message: 'Requests per minute limit exceeded - too many requests sent.',
    type: 'too_many_requests_error',
    param: 'quota',
    code: 'request_quota_exceeded',
  });
  assert.equal(refused.headers['x-ratelimit-remaining-requests-minute'], '0');
  assert.equal(refused.headers['x-ratelimit-reset-requests-minute'], '60');
  assert.equal(refused.headers['retry-after'], undefined);
  nowMs = 30_000;
  assert.equal((await ask(simulator, short)).status, 200);
  const [account] = simulator.stats().accounts;
  assert.deepEqual([account?.arrived, account?.admitted, account?.rejected], [4, 3, 1]);
  assert.equal(busiest(simulator.arrivals('anonymous', 'glm-4.6'), 60_000), 4);
});

test('tokens per minute: reserved at the start, corrected at the end', async (t) => {
  const simulator = await started(t, { tokensPerMinute: 20_000, clock: () => 0 });
  const first = await ask(simulator, chat('demo: say ok', { stream: true }));
  assert.ok(Number(first.headers['x-ratelimit-remaining-tokens-minute']) < 3_700, 'reserved');
  const second = await ask(simulator, short);
  assert.ok(Number(second.headers['x-ratelimit-remaining-tokens-minute']) > 19_800, 'corrected');
  const refused = await ask(simulator, chat('x'.repeat(40_000)));
  assert.equal(refused.status, 429);
  assert.match(refused.text, /Tokens per minute limit exceeded - too many tokens processed\./);
});

for (const { name, options, want } of [
  { name: 'as asked', options: { retryAfter: true }, want: ['30', '0'] },
  { name: 'no rate headers', options: { rateHeaders: false }, want: [undefined, undefined] },
]) {
  test(`headers of a 429: ${name}`, async (t) => {
    const simulator = await started(t, { requestsPerMinute: 2, clock: () => 0, ...options });
    for (let n = 0; n < 2; n++) await ask(simulator, short);
    const { status, headers } = await ask(simulator, short);
    assert.equal(status, 429);
    const seen = [headers['retry-after'], headers['x-ratelimit-remaining-requests-minute']];
    assert.deepEqual(seen, want);
  });
}

test('keys of one org share its limits; an unknown key is refused', async (t) => {
  const keys = [
    { key: 'one', org: 'a', limits: { requestsPerMinute: 1 } },
    { key: 'two', org: 'a' },
    { key: 'three', org: 'b' },
  ];
  const simulator = await started(t, { keys, clock: () => 0 });
  const statuses: number[] = [];
  for (const key of ['one', 'two', 'three', 'three', 'four']) {
    statuses.push((await ask(simulator, short, { key })).status);
  }
  assert.deepEqual(statuses, [200, 429, 200, 200, 401]);
  assert.equal((await ask(simulator, short)).status, 401, 'no key at all');
  const [, second, , , , last] = simulator.log();
  assert.deepEqual([second?.key, second?.org, last?.key], ['key-2', 'a', 'unknown']);
});

test('zhipu: too many at once are told 1302, per key and model', async (t) => {
  const keys = [
    { key: 'one', org: 'a' },
    { key: 'two', org: 'a' },
  ];
  const simulator = await started(t, { dialect: 'zhipu', keys, concurrent: 1, faults: 'stall:50' });
  const running = ask(simulator, short, { key: 'one' });
  await until(() => simulator.stats().accounts[0]?.running === 1);
  const refused = await ask(simulator, short, { key: 'one' });
  assert.deepEqual([refused.status, JSON.parse(refused.text).error.code], [429, '1302']);
  assert.equal((await ask(simulator, short, { key: 'two' })).status, 200);
  assert.equal((await running).status, 200);
  assert.equal((await ask(simulator, short, { key: 'one' })).status, 200);
});

test('zhipu: the window limit tells its end', async (t) => {
  let nowMs = Date.UTC(2026, 0, 1, 20, 0, 0);
  const window = { requests: 1, hours: 5 };
  const simulator = await started(t, { dialect: 'zhipu', window, clock: () => nowMs });
  assert.equal((await ask(simulator, short)).status, 200);
  const { text } = await ask(simulator, short);
  assert.deepEqual(JSON.parse(text).error, {
    code: '1308',
    message: 'Usage limit reached for 5 hour. Your limit will reset at 2026-01-02 09:00:00',
  });
  nowMs += 5 * 3_600_000;
  assert.equal((await ask(simulator, short)).status, 200);
});

for (const { dialect, status, text } of [
  { dialect: 'cerebras', status: 400, text: /Current length is \d+ while limit is 1000/ },
  { dialect: 'zhipu', status: 400, text: /"1261"/ },
] as const) {
  test(`${dialect}: a prompt over the window`, async (t) => {
    const models = [{ id: 'glm-4.6', contextWindow: 1_000 }];
    const simulator = await started(t, { dialect, models });
    const answered = await ask(simulator, chat('x'.repeat(4_000)));
    assert.equal(answered.status, status);
    assert.match(answered.text, text);
    assert.equal((await ask(simulator, chat('short'))).status, 200);
  });
}

for (const { name, models, model, status } of [
  { name: 'usual', models: undefined, model: 'gpt-oss-120b', status: 200 },
  { name: 'retired', models: undefined, model: 'llama-3.3-70b', status: 404 },
  { name: 'not listed', models: ['a'], model: 'gpt-oss-120b', status: 404 },
  { name: 'any', models: ['*'], model: 'whatever', status: 200 },
]) {
  test(`a model that is ${name}: ${status}`, async (t) => {
    const simulator = await started(t, models === undefined ? {} : { models });
    const answered = await ask(simulator, { ...short, model });
    assert.equal(answered.status, status);
    if (status === 404) assert.equal(JSON.parse(answered.text).code, 'model_not_found');
  });
}

test('a prompt that was seen is cached for its org', async (t) => {
  const simulator = await started(t, { keys: ['a', 'b'].map((key) => ({ key, org: key })) });
  const body = chat(`demo: say ok\n${'x'.repeat(10_000)}`);
  const cached = async (key: string): Promise<number> =>
    parsed(await ask(simulator, body, { key })).usage.prompt_tokens_details.cached_tokens;
  assert.deepEqual([await cached('a'), await cached('a'), await cached('b')], [0, 2_048, 0]);
});

test('an agent loop runs to its end with real results', async (t) => {
  const simulator = await started(t);
  const prompt = 'demo: write /w/a.txt hello\ndemo: bash cat /w/a.txt\ndemo: read /w/a.txt';
  const messages: object[] = [{ role: 'user', content: prompt }];
  const files = new Map<string, string>();
  const ids = new Set<string>();
  for (let round = 0; round < 3; round++) {
    const message = messageOf(await ask(simulator, { model: 'glm-4.6', messages, tools: TOOLS }));
    const calls = message.tool_calls ?? [];
    messages.push({ role: 'assistant', ...message });
    for (const { id, function: called } of calls) {
      ids.add(id);
      const args = JSON.parse(called.arguments) as Record<string, string>;
      if (called.name === 'Write') files.set(args.file_path ?? '', args.content ?? '');
      const content = called.name === 'Write' ? 'written' : (files.get('/w/a.txt') ?? 'lost');
      messages.push({ role: 'tool', tool_call_id: id, content });
    }
    if (calls.length === 0) {
      assert.match(message.content ?? '', /3 tool results[\s\S]*Bash: hello\n- Read: hello/);
    }
  }
  assert.equal(ids.size, 3);
  assert.equal(messages.length, 7);
});

test('a body that is not JSON', async (t) => {
  const simulator = await started(t);
  const { status, text } = await ask(simulator, '{"model":');
  assert.deepEqual([status, JSON.parse(text).code], [400, 'wrong_api_format']);
});
