/** One row for every line of the providers' own error tables, in the shapes they were seen in. */
import assert from 'node:assert/strict';
import test from 'node:test';
import { cerebras } from '../../lib/providers/cerebras.ts';
import { zai, zhipu } from '../../lib/providers/zhipu.ts';
import { classify } from '../../lib/quotas/cooldown-rules.ts';

const NOW = Date.UTC(2026, 10, 23, 12, 0, 0);
const RESETS = {
  'x-ratelimit-reset-requests-day': '33011.38',
  'x-ratelimit-reset-tokens-minute': '11.5',
  'x-ratelimit-reset-requests-minute': '7.25',
};

const flat = (type: string, code: string, message: string) =>
  JSON.stringify({ message, type, param: 'quota', code });

for (const [status, body, want] of [
  [
    429,
    flat(
      'too_many_requests_error',
      'request_quota_exceeded',
      'Requests per minute limit exceeded - too many requests sent.',
    ),
    'key-model cool NO_ROOM rate_limit 7250 requests_minute',
  ],
  [
    429,
    flat(
      'too_many_tokens_error',
      'token_quota_exceeded',
      'Tokens per minute limit exceeded - too many tokens processed.',
    ),
    'key-model cool NO_ROOM rate_limit 11500 tokens_minute',
  ],
  [
    429,
    flat('too_many_tokens_error', 'token_quota_exceeded', 'Tokens per day limit exceeded'),
    'key-model cool NO_ROOM rate_limit 0 tokens_day',
  ],
  [
    429,
    flat('too_many_requests_error', 'request_quota_exceeded', 'Requests per day limit exceeded'),
    'key-model cool NO_ROOM rate_limit 33011380 requests_day',
  ],
  [
    429,
    flat(
      'too_many_requests_error',
      'queue_exceeded',
      "We're experiencing high traffic right now! Please try again soon.",
    ),
    'model cool PROVIDER_BUSY busy 1000 -',
  ],
  [
    400,
    flat('invalid_request_error', 'wrong_api_format', 'property unsupported'),
    'request give-up PROVIDER_REFUSED invalid_request 0 -',
  ],
  [
    400,
    flat(
      'invalid_request_error',
      'context_length_exceeded',
      'Please reduce the length of the messages or completion. Current length is 42328 while limit is 40000',
    ),
    'request give-up PROMPT_TOO_LONG prompt_too_long 0 -',
  ],
  [
    401,
    flat('invalid_request_error', 'wrong_api_key', 'Wrong API Key'),
    'key disable KEYS_REFUSED auth 0 -',
  ],
  [
    402,
    flat('payment_required', '', 'Payment required'),
    'key cool BALANCE_EXHAUSTED balance 3600000 -',
  ],
  [403, flat('', '', 'Forbidden'), 'key disable KEYS_REFUSED auth 0 -'],
  [
    404,
    flat(
      'not_found_error',
      'model_not_found',
      'Model x does not exist or you do not have access to it.',
    ),
    'model retry MODEL_NOT_FOUND model_not_found 0 -',
  ],
  [413, '', 'request give-up BODY_TOO_LARGE too_large 0 -'],
  [
    422,
    flat('', '', "Tools with mixed values for 'strict' are not allowed"),
    'request give-up PROVIDER_REFUSED invalid_request 0 -',
  ],
  [500, '', 'request retry UPSTREAM_FAILED server_error 0 -'],
  [503, '', 'model cool PROVIDER_BUSY busy 1000 -'],
  [200, 'token quota is not enough', 'key-model cool NO_ROOM rate_limit 11500 tokens_minute'],
  [
    200,
    '{"error":{"message":"m","type":"too_many_requests_error","code":"queue_exceeded"},"status_code":429}',
    'model cool PROVIDER_BUSY busy 1000 -',
  ],
] as const)
  test(`cerebras: ${status} ${body.slice(0, 70)}`, () => {
    const v = classify(cerebras.errors, status, RESETS, body, NOW);
    const restMs = v.untilMs === 0 ? 0 : Math.round(v.untilMs - NOW);
    assert.equal(
      `${v.scope} ${v.action} ${v.answer} ${v.reason} ${restMs} ${v.quota ?? '-'}`,
      want,
    );
  });

const SOON = '2026-11-23 20:35:41'; // 12:35:41 UTC
const SOON_MS = 2_141_000;
const MIDNIGHT_MS = 4 * 3_600_000;

for (const [codes, status, text, want] of [
  [['500'], 500, 'internal', 'request retry UPSTREAM_FAILED 0'],
  [['1000', '1001', '1002', '1003', '1004', '1100'], 401, 'auth', 'key disable KEYS_REFUSED 0'],
  [['1110', '1111', '1112', '1121'], 429, 'account locked', 'key disable KEYS_REFUSED 0'],
  [
    ['1113'],
    429,
    'Insufficient balance or no resource package',
    'org cool BALANCE_EXHAUSTED 3600000',
  ],
  [['1120'], 429, 'temporarily unreachable', 'key cool UPSTREAM_FAILED 0'],
  [['1200', '1230', '1234'], 500, 'network', 'request retry UPSTREAM_FAILED 0'],
  [
    ['1210', '1212', '1213', '1214', '1215', '1231'],
    400,
    'parameter',
    'request give-up PROVIDER_REFUSED 0',
  ],
  [['1211'], 400, 'unknown model', 'model retry MODEL_NOT_FOUND 0'],
  [['1220'], 403, 'no permission', 'key-model disable KEYS_REFUSED 0'],
  [['1221', '1222'], 404, 'API offline', 'model retry MODEL_NOT_FOUND 0'],
  [['1261'], 400, 'Prompt 超长', 'request give-up PROMPT_TOO_LONG 0'],
  [['1300', '1301'], 400, 'sensitive', 'request give-up PROVIDER_REFUSED 0'],
  [['1302'], 429, '您的账户已达到速率限制', 'key-model lower-concurrency NO_ROOM 1000'],
  [['1303'], 429, 'frequency', 'key cool NO_ROOM 0'],
  [['1304'], 429, 'daily call limit', `key-model cool NO_ROOM ${MIDNIGHT_MS}`],
  [['1305'], 429, 'overall traffic', 'model cool PROVIDER_BUSY 1000'],
  [
    ['1308', '1310', '1316', '1317', '1318', '1319', '1320', '1321'],
    429,
    `Usage limit reached for 5 hour. Your limit will reset at ${SOON}`,
    `org cool NO_ROOM ${SOON_MS}`,
  ],
  [
    ['1308'],
    429,
    `已达到 5 小时的使用上限。您的限额将在 ${SOON} 重置。`,
    `org cool NO_ROOM ${SOON_MS}`,
  ],
  [['1308'], 429, 'Usage limit reached', 'org cool NO_ROOM 300000'],
  [['1309'], 429, 'plan expired', 'key disable BALANCE_EXHAUSTED 0'],
  [['1311'], 429, 'plan lacks model', 'key-model disable MODEL_NOT_FOUND 0'],
  [['1312'], 429, 'model too busy', 'model cool PROVIDER_BUSY 0'],
  [['1313'], 429, 'fair use', 'key disable KEYS_REFUSED 0'],
] as const)
  for (const code of codes)
    test(`zhipu: ${code} ${text}`, () => {
      const shapes = [
        JSON.stringify({ error: { code, message: text } }),
        JSON.stringify({ error: { code: Number(code), message: text } }),
        JSON.stringify({ code, message: text }),
        JSON.stringify({ code: Number(code), msg: text }),
        `{"type":"error","error":{"type":"rate_limit_error","message":"[${code}][${text}][20261123]"}}`,
      ];
      for (const body of shapes.slice(0, code === '500' ? 4 : 5)) {
        const v = classify(zhipu.errors, status, {}, body, NOW);
        const restMs = v.untilMs === 0 ? 0 : v.untilMs - NOW;
        assert.equal(`${v.scope} ${v.action} ${v.answer} ${restMs}`, want, body);
      }
    });

test('zhipu: statuses of its own', () => {
  assert.equal(classify(zhipu.errors, 434, {}, '', NOW).action, 'disable');
  assert.equal(classify(zhipu.errors, 435, {}, '', NOW).answer, 'BODY_TOO_LARGE');
});

test('zhipu: a header that was seen beside 1308 wins over the text', () => {
  const body = `{"error":{"code":"1308","message":"will reset at ${SOON}"}}`;
  const verdict = classify(zai.errors, 429, { 'retry-after-ms': '997000' }, body, NOW);
  assert.equal(verdict.untilMs, NOW + 997_000);
});
