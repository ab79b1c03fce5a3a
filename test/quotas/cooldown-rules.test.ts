import assert from 'node:assert/strict';
import test from 'node:test';
import { MAX_COOLDOWN_MS, MAX_PROVIDER_TEXT_CHARS } from '../../lib/limits.ts';
import { classify } from '../../lib/quotas/cooldown-rules.ts';

const NOW = Date.UTC(2026, 10, 23, 12, 0, 0);

/** Anything without rows of its own: [status, body, scope, action, answer, rest in ms]. */
const ROWS = [
  [429, '', 'key-model', 'cool', 'NO_ROOM', 0],
  [429, '<html><title>Too Many</title></html>', 'key-model', 'cool', 'NO_ROOM', 0],
  [
    429,
    '{"error":{"message":"Please try again in 12.5s"}}',
    'key-model',
    'cool',
    'NO_ROOM',
    12_500,
  ],
  [
    429,
    '{"error":{"code":"insufficient_quota","message":"x"}}',
    'key',
    'cool',
    'BALANCE_EXHAUSTED',
    3_600_000,
  ],
  [
    429,
    '{"error":{"message":"Request too large for m on tokens per min (TPM): Limit 1, Requested 2"}}',
    'request',
    'retry',
    'NO_ROOM',
    0,
  ],
  [401, '{"error":"bad key"}', 'key', 'disable', 'KEYS_REFUSED', 0],
  [403, '{"error":{"message":"denied"}}', 'key', 'disable', 'KEYS_REFUSED', 0],
  [
    403,
    '<!DOCTYPE html><title>Attention Required</title>',
    'request',
    'retry',
    'UPSTREAM_FAILED',
    0,
  ],
  [
    403,
    '{"error":{"message":"Project does not have access to model x"}}',
    'key-model',
    'disable',
    'MODEL_NOT_FOUND',
    0,
  ],
  [402, '{"message":"Payment required"}', 'key', 'cool', 'BALANCE_EXHAUSTED', 3_600_000],
  [404, '{"message":"m","code":"model_not_found"}', 'model', 'retry', 'MODEL_NOT_FOUND', 0],
  [
    400,
    '{"error":{"message":"The model `x` does not exist"}}',
    'model',
    'retry',
    'MODEL_NOT_FOUND',
    0,
  ],
  [
    400,
    '{"error":{"message":"The model `glm-4.6` does not exist."}}',
    'model',
    'retry',
    'MODEL_NOT_FOUND',
    0,
  ],
  [400, '{"error":{"message":"model_not_found: x"}}', 'model', 'retry', 'MODEL_NOT_FOUND', 0],
  [
    400,
    '{"error":{"message":"Invalid schema for function model_lookup: unknown type"}}',
    'request',
    'give-up',
    'PROVIDER_REFUSED',
    0,
  ],
  [
    400,
    '{"error":{"message":"The model m is fine. Parameter top_k not found"}}',
    'request',
    'give-up',
    'PROVIDER_REFUSED',
    0,
  ],
  [410, 'gone', 'model', 'retry', 'MODEL_NOT_FOUND', 0],
  [408, '', 'request', 'retry', 'UPSTREAM_TIMEOUT', 0],
  [413, 'too big', 'request', 'give-up', 'BODY_TOO_LARGE', 0],
  [400, '{"error":{"message":"bad"}}', 'request', 'give-up', 'PROVIDER_REFUSED', 0],
  [
    422,
    '{"detail":[{"loc":["body"],"msg":"field required"}]}',
    'request',
    'give-up',
    'PROVIDER_REFUSED',
    0,
  ],
  [418, '', 'request', 'give-up', 'PROVIDER_REFUSED', 0],
  [
    400,
    '{"error":{"code":"content_filter","message":"flagged"}}',
    'request',
    'give-up',
    'PROVIDER_REFUSED',
    0,
  ],
  [500, 'oops', 'request', 'retry', 'UPSTREAM_FAILED', 0],
  [502, '<html></html>', 'request', 'retry', 'UPSTREAM_FAILED', 0],
  [503, '', 'model', 'cool', 'PROVIDER_BUSY', 1_000],
  [
    529,
    '{"type":"error","error":{"type":"overloaded_error","message":"Overloaded"}}',
    'model',
    'cool',
    'PROVIDER_BUSY',
    1_000,
  ],
  [504, '', 'request', 'retry', 'UPSTREAM_TIMEOUT', 0],
  [302, '', 'request', 'retry', 'UPSTREAM_FAILED', 0],
  [599, '', 'request', 'retry', 'UPSTREAM_FAILED', 0],
  // Inside a stream that began with 200: the body's status or type counts.
  [
    200,
    '{"error":{"message":"m","type":"t","code":"c"},"status_code":503}',
    'model',
    'cool',
    'PROVIDER_BUSY',
    1_000,
  ],
  [
    200,
    '{"type":"error","error":{"type":"overloaded_error","message":"m"}}',
    'model',
    'cool',
    'PROVIDER_BUSY',
    1_000,
  ],
  [200, '{"error":{"type":"rate_limit_error","message":"m"}}', 'key-model', 'cool', 'NO_ROOM', 0],
  [200, '{"error":{"message":"boom"}}', 'request', 'retry', 'UPSTREAM_FAILED', 0],
  [0, 'boom', 'request', 'retry', 'UPSTREAM_FAILED', 0],
] as const;

for (const [status, body, scope, action, answer, restMs] of ROWS)
  test(`any provider: ${status} ${body.slice(0, 60)}`, () => {
    const verdict = classify([], status, {}, body, NOW);
    assert.deepEqual(
      { scope: verdict.scope, action: verdict.action, answer: verdict.answer },
      { scope, action, answer },
    );
    assert.equal(verdict.untilMs === 0 ? 0 : verdict.untilMs - NOW, restMs);
    assert.notEqual(verdict.message, '');
  });

for (const [text, promptTokens, maxTokens] of [
  [
    'Please reduce the length of the messages. Current length is 42328 while limit is 40000',
    42_328,
    40_000,
  ],
  ['prompt is too long: 210000 tokens > 200000 maximum', 210_000, 200_000],
  [
    'The maximum context length is 8,192 tokens. However, your messages resulted in 9,001 tokens.',
    9_001,
    8_192,
  ],
  [
    'input length and `max_tokens` exceed context limit: 190000 + 32000 > 200000, decrease input',
    222_000,
    200_000,
  ],
  [
    'The input token count (1200000) exceeds the maximum number of tokens allowed (1048576).',
    1_200_000,
    1_048_576,
  ],
  ['Input is too long for requested model.', undefined, undefined],
  ['context_length_exceeded: 5 > 900', undefined, undefined],
] as const)
  test(`prompt too long: ${text.slice(0, 50)}`, () => {
    const verdict = classify([], 400, {}, JSON.stringify({ error: { message: text } }), NOW);
    assert.equal(verdict.answer, 'PROMPT_TOO_LONG');
    assert.equal(verdict.action, 'give-up');
    assert.equal(verdict.promptTokens, promptTokens);
    assert.equal(verdict.maxTokens, maxTokens);
  });

const RESETS = {
  'x-ratelimit-limit-tokens-minute': '60000',
  'x-ratelimit-remaining-tokens-minute': '0',
  'x-ratelimit-reset-tokens-minute': '11',
  'x-ratelimit-remaining-requests-day': '100',
  'x-ratelimit-reset-requests-day': '33011',
};

for (const { name, headers, body, wantMs, quota } of [
  {
    name: 'the empty quota counts, not another',
    headers: RESETS,
    body: '{}',
    wantMs: 11_000,
    quota: 'tokens_minute',
  },
  {
    name: 'the quota named in the text counts',
    headers: RESETS,
    body: '{"message":"Requests per day exceeded"}',
    wantMs: 33_011_000,
    quota: 'requests_day',
  },
  {
    name: 'retry-after wins',
    headers: { ...RESETS, 'retry-after': '3' },
    body: '{}',
    wantMs: 3_000,
    quota: 'tokens_minute',
  },
  {
    name: 'retry-after-ms wins',
    headers: { ...RESETS, 'retry-after-ms': '40' },
    body: '{}',
    wantMs: 40,
    quota: 'tokens_minute',
  },
  {
    name: 'retry-after 0 names no end',
    headers: { 'retry-after': '0' },
    body: '{}',
    wantMs: 0,
    quota: undefined,
  },
  {
    name: 'no end is later than the cap',
    headers: { 'retry-after': '2000000' },
    body: '{}',
    wantMs: MAX_COOLDOWN_MS,
    quota: undefined,
  },
  {
    name: "nor later than the quota's own minute",
    headers: { 'retry-after': '600' },
    body: '{"message":"Tokens per minute exceeded"}',
    wantMs: 60_000,
    quota: 'tokens_minute',
  },
  {
    name: "nor later than the quota's own hour",
    headers: { 'retry-after': '9000' },
    body: '{"message":"Requests per hour exceeded"}',
    wantMs: 3_600_000,
    quota: 'requests_hour',
  },
])
  test(`end of a 429: ${name}`, () => {
    const verdict = classify([], 429, headers, body, NOW);
    assert.equal(verdict.untilMs === 0 ? 0 : verdict.untilMs - NOW, wantMs);
    assert.equal(verdict.quota, quota);
  });

test('it is known whether the end is a reset or was asked for', () => {
  const atReset = (headers: Record<string, string>, body = '{}') =>
    classify([], 429, headers, body, NOW).atReset;
  assert.equal(atReset(RESETS), true);
  assert.equal(atReset({ ...RESETS, 'retry-after': '0' }), true);
  assert.equal(atReset({ ...RESETS, 'retry-after': '3' }), undefined);
  assert.equal(atReset({}), undefined);
  assert.equal(atReset({}, 'Please try again in 12.5s'), undefined);
});

test('an index in the text of a bad request is nobody’s code', () => {
  const rules = [{ code: ['1001'], scope: 'key', action: 'disable', restMs: 0 }] as const;
  const rows = rules.map((rule) => ({ ...rule, answer: 'KEYS_REFUSED', reason: 'x' }) as const);
  for (const message of ['messages[1001] is illegal', 'see [1001]']) {
    assert.equal(classify(rows, 400, {}, JSON.stringify({ message }), NOW).action, 'give-up');
  }
});

test('a busy provider rests a second, whatever the quota headers say', () => {
  assert.equal(classify([], 503, RESETS, '', NOW).untilMs, NOW + 1_000);
  assert.equal(classify([], 503, { 'retry-after': '4' }, '', NOW).untilMs, NOW + 4_000);
});

test('the message is what the provider said, in any shape, on one line and bounded', () => {
  const message = (body: string) => classify([], 400, {}, body, NOW).message;
  assert.equal(message('{"error":{"message":"a\\n b"}}'), 'a b');
  assert.equal(message('{"message":"flat"}'), 'flat');
  assert.equal(message('{"error":"text"}'), 'text');
  assert.equal(message('{"detail":"fast"}'), 'fast');
  assert.equal(message('{"detail":[{"msg":"first"}]}'), 'first');
  assert.equal(message('{"errors":[{"message":"listed"}]}'), 'listed');
  assert.equal(message('[{"error":{"message":"in a list"}}]'), 'in a list');
  assert.equal(message('<html><title>Bad Gateway</title></html>'), 'an HTML page: Bad Gateway');
  assert.equal(message('plain'), 'plain');
  assert.equal(message(''), 'HTTP 400');
  assert.equal(message('{"error":{"message":"'), '{"error":{"message":"');
  assert.equal(message('x'.repeat(1e6)).length, MAX_PROVIDER_TEXT_CHARS);
});

const HOSTILE = [
  'null',
  '0',
  '"x"',
  '[]',
  '{}',
  '[[[[]]]]',
  '{"error":null}',
  '{"error":[]}',
  '{"error":[null]}',
  '{"error":{"message":{"a":1},"code":{"b":2},"type":[3]}}',
  '{"code":1e999}',
  '{"errors":[1]}',
  '{"error":{"error":{"error":{"error":{"error":{}}}}}}',
  '[{"error":1}]',
  '\u0000\u0001\uD800',
  `{"message":"${'\\u0000'.repeat(5_000)}"}`,
  '['.repeat(100_000),
  '{"a":'.repeat(50_000),
  `{"error":{"message":"${'context '.repeat(50_000)}"}}`,
  '{"__proto__":{"message":"x"}}',
  `{"message":"${'model '.repeat(2_000)}"}`,
  '<'.repeat(65_536),
  `<title>${'a'.repeat(65_000)}`,
];

test('no body, of any shape, on any status, throws', () => {
  for (const body of HOSTILE) {
    for (const status of [0, 200, 400, 404, 429, 500, -1, Number.NaN, 1e9]) {
      const verdict = classify([], status, { 'retry-after': body.slice(0, 99) }, body, NOW);
      assert.ok(verdict.message.length > 0 && verdict.message.length <= MAX_PROVIDER_TEXT_CHARS);
      assert.ok(verdict.untilMs <= NOW + MAX_COOLDOWN_MS);
    }
  }
});
