import assert from 'node:assert/strict';
import test from 'node:test';
import { type Answered, chat, errorOf, message } from './support/http-client.ts';
import { PROMPT, type RoadOptions, road } from './support/road.ts';
import { completion, type Scripted } from './support/scripted.ts';
import { until } from './support/upstream.ts';

const ISO = /\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d/;

interface Row {
  readonly name: string;
  readonly options: RoadOptions;
  /** Requests that come before and are answered. */
  readonly before?: number;
  readonly status: number;
  readonly openaiStatus?: number;
  readonly type: string;
  readonly code: string | null;
  readonly says: readonly RegExp[];
  readonly shouldRetry?: string;
  /** Whether there is a retry-after, of 1 to 59 s. */
  readonly waits: boolean;
}

const refusing = (status: number, message: string, headers = {}): Scripted => ({
  status,
  headers,
  body: { error: { message, type: 'some_type', code: 'some_code' } },
});

/** Uses more than it was estimated to. */
const GREEDY = completion('x', { usage: { prompt_tokens: 300000, completion_tokens: 9 } });
const LEAKY = 'Bad key key-secret-1-k1, ask your administrator';

const ROWS: readonly Row[] = [
  {
    name: 'requests of this minute are used up',
    options: { keys: ['{ max_requests_per_minute: 1 }'] },
    before: 1,
    status: 429,
    type: 'rate_limit_error',
    code: 'rate_limit_exceeded',
    says: [/requests per minute/, /"p1"/, ISO],
    waits: true,
  },
  {
    name: 'requests of this day are used up',
    options: { keys: ['{ max_requests_per_day: 1 }'] },
    before: 1,
    status: 429,
    type: 'rate_limit_error',
    code: 'rate_limit_exceeded',
    says: [/Approaching daily request limit/, /requests per day/, /"p1"/],
    waits: true,
  },
  {
    name: 'tokens of this day are used up',
    options: { keys: ['{ max_tokens_per_day: 200000 }'], otherwise: [GREEDY] },
    before: 1,
    status: 429,
    type: 'rate_limit_error',
    code: 'rate_limit_exceeded',
    says: [/Approaching daily request limit/, /tokens per day/],
    waits: true,
  },
  {
    name: 'the request is larger than a limit will ever allow',
    options: { keys: ['{ max_tokens_per_minute: 50 }'] },
    status: 429,
    type: 'rate_limit_error',
    code: 'rate_limit_exceeded',
    says: [/more than a limit/],
    shouldRetry: 'false',
    waits: false,
  },
  {
    name: 'the provider says 429 for a minute',
    options: { otherwise: [refusing(429, 'Slow down', { 'retry-after': '50' })] },
    status: 429,
    type: 'rate_limit_error',
    code: 'rate_limit_exceeded',
    says: [/"p1"/, /rate_limit/, ISO],
    waits: true,
  },
  {
    name: 'the provider says 429 for hours: retry-after stays below 60 s',
    options: { otherwise: [refusing(429, 'Slow down', { 'retry-after': '7200' })] },
    status: 429,
    type: 'rate_limit_error',
    code: 'rate_limit_exceeded',
    says: [/"p1"/, ISO],
    waits: true,
  },
  {
    name: 'a learned day quota is used up',
    options: {
      otherwise: [
        refusing(429, 'Slow down', {
          'x-ratelimit-limit-requests-day': '100',
          'x-ratelimit-remaining-requests-day': '0',
          'x-ratelimit-reset-requests-day': '40000',
        }),
      ],
    },
    status: 429,
    type: 'rate_limit_error',
    code: 'rate_limit_exceeded',
    says: [/Approaching daily request limit/, /"p1"/, ISO],
    waits: true,
  },
  {
    name: 'the provider is busy',
    options: { otherwise: [refusing(503, 'Overloaded')] },
    status: 529,
    openaiStatus: 503,
    type: 'overloaded_error',
    code: 'overloaded',
    says: [/./],
    waits: true,
  },
  {
    name: 'no key has balance',
    options: { keys: ['{}', '{}'], otherwise: [refusing(402, 'Your balance is 0')] },
    status: 429,
    type: 'rate_limit_error',
    code: 'insufficient_quota',
    says: [/Your balance is 0/],
    shouldRetry: 'false',
    waits: false,
  },
  {
    name: 'every key is refused (401)',
    options: { keys: ['{}', '{}'], otherwise: [refusing(401, LEAKY)] },
    status: 502,
    type: 'api_error',
    code: 'provider_auth_failed',
    says: [/p1\/k1, p1\/k2/, /Bad key (?!key-secret)/],
    shouldRetry: 'false',
    waits: false,
  },
  {
    name: 'every key is refused (403)',
    options: { otherwise: [refusing(403, 'Not you')] },
    status: 502,
    type: 'api_error',
    code: 'provider_auth_failed',
    says: [/p1\/k1/, /Not you/],
    shouldRetry: 'false',
    waits: false,
  },
  {
    name: 'the provider refuses the request (400)',
    options: { otherwise: [refusing(400, `No such field: ${PROMPT}`)] },
    status: 400,
    type: 'invalid_request_error',
    code: null,
    says: [/No such field: prompt-marker/],
    waits: false,
  },
  {
    name: 'the provider refuses the request (422)',
    options: { otherwise: [refusing(422, 'temperature is too hot')] },
    status: 400,
    type: 'invalid_request_error',
    code: null,
    says: [/temperature is too hot/],
    waits: false,
  },
  {
    name: 'the prompt is too long, with the provider’s numbers',
    options: {
      otherwise: [
        refusing(400, 'Current length is 9001 while limit is 8192. Reduce the length of'),
      ],
    },
    status: 400,
    type: 'invalid_request_error',
    code: 'context_length_exceeded',
    says: [/^prompt is too long: 9001 tokens > 8192 maximum$/],
    waits: false,
  },
  {
    name: 'the prompt is too long, without numbers',
    options: { otherwise: [refusing(400, 'This exceeds the maximum context length')] },
    status: 400,
    type: 'invalid_request_error',
    code: 'context_length_exceeded',
    says: [/^prompt is too long: \d+ tokens > [1-9]\d* maximum$/],
    waits: false,
  },
  {
    name: 'the model is gone',
    options: { otherwise: [refusing(404, 'The model glm-4.6 does not exist')] },
    status: 404,
    type: 'not_found_error',
    code: 'model_not_found',
    says: [/does not exist/],
    waits: false,
  },
];

for (const row of ROWS) {
  test(`told: ${row.name}`, async (t) => {
    for (const dialect of ['anthropic', 'openai'] as const) {
      const rig = await road(t, row.options);
      const ask = () =>
        dialect === 'anthropic' ? rig.messages(message(PROMPT)) : rig.chat(chat(PROMPT));
      for (let n = 0; n < (row.before ?? 0); n++) assert.equal((await ask()).status, 200);
      const answer = await ask();
      checkTold(answer, row, dialect);
      const line = await rig.requestLine((row.before ?? 0) + 1);
      assert.equal(line.status, answer.status);
      assert.equal(line.request_id, answer.headers['request-id']);
      if (row.status >= 500) assert.equal(line.level, 'error');
    }
  });
}

function checkTold(answer: Answered, row: Row, dialect: 'anthropic' | 'openai'): void {
  const isOpenai = dialect === 'openai';
  const { status = 0, headers } = answer;
  assert.equal(status, isOpenai ? (row.openaiStatus ?? row.status) : row.status, answer.text);
  const told = errorOf(answer);
  if (isOpenai) assert.equal(told.code, row.code);
  else assert.equal(told.type, row.type);
  for (const words of row.says) assert.match(told.message, words);
  assert.doesNotMatch(told.message, /key-secret/);
  assert.equal(headers['x-should-retry'], row.shouldRetry);
  const retryAfter = Number(headers['retry-after'] ?? 0);
  if (row.waits) assert.ok(retryAfter >= 1 && retryAfter <= 59, `retry-after ${retryAfter}`);
  else assert.equal(retryAfter, 0);
  assert.match(String(headers['request-id']), /^req_\w{20}$/);
}

test('a request that its provider refuses punishes no key', async (t) => {
  const rig = await road(t, {
    keys: ['{}', '{}'],
    answers: [refusing(400, 'no'), refusing(422, 'no'), refusing(413, 'no')],
  });
  for (let n = 0; n < 3; n++) await rig.messages(message('x'));
  assert.equal(rig.provider.received.length, 3, 'no other key was tried');
  const health = JSON.parse((await rig.ask('/health')).text);
  assert.equal(health.status, 'ok');
  for (const { state } of health.providers[0].keys) assert.equal(state, 'ready');
});

test('the queue is full: 429 at once', async (t) => {
  const rig = await road(t, {
    answers: [() => {}],
    keys: ['{ max_concurrent: 1 }'],
    config: 'limits: { queue: { max_depth: 1, max_wait: 20s } }',
  });
  const first = rig.open('/openai/chat/completions', { body: chat('x') });
  const { quotas, providers, waiting } = rig.proxy.gateway;
  const bucket = providers[0]?.bucket;
  assert.ok(bucket !== undefined);
  await until(() => quotas.inFlight(bucket) === 1);
  const second = rig.open('/openai/chat/completions', { body: chat('x') });
  await until(() => waiting.depth === 1);
  const third = await rig.chat(chat('x'));
  assert.equal(third.status, 429);
  assert.ok(Number(third.headers['retry-after']) >= 1);
  second.hangUp();
  first.hangUp();
});
