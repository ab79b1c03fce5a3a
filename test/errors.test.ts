import assert from 'node:assert/strict';
import test from 'node:test';
import {
  asGatewayError,
  type ErrorCode,
  errorBody,
  errorFrame,
  errorHeaders,
  GatewayError,
  statusOf,
} from '../lib/errors.ts';

const rows: readonly [ErrorCode, number, string, number, string | null][] = [
  ['INVALID_REQUEST', 400, 'invalid_request_error', 400, null],
  ['PROMPT_TOO_LONG', 400, 'invalid_request_error', 400, 'context_length_exceeded'],
  ['PROVIDER_REFUSED', 400, 'invalid_request_error', 400, null],
  ['UNAUTHENTICATED', 401, 'authentication_error', 401, 'invalid_api_key'],
  ['FORBIDDEN', 403, 'permission_error', 403, null],
  ['NOT_FOUND', 404, 'not_found_error', 404, null],
  ['MODEL_NOT_FOUND', 404, 'not_found_error', 404, 'model_not_found'],
  ['METHOD_NOT_ALLOWED', 405, 'invalid_request_error', 405, null],
  ['BODY_TOO_LARGE', 413, 'request_too_large', 413, 'request_too_large'],
  ['EXPECTATION_FAILED', 417, 'invalid_request_error', 417, null],
  ['HEADERS_TOO_LARGE', 431, 'invalid_request_error', 431, null],
  ['NO_ROOM', 429, 'rate_limit_error', 429, 'rate_limit_exceeded'],
  ['BALANCE_EXHAUSTED', 429, 'rate_limit_error', 429, 'insufficient_quota'],
  ['INTERNAL', 500, 'api_error', 500, 'internal_error'],
  ['KEYS_REFUSED', 502, 'api_error', 502, 'provider_auth_failed'],
  ['UPSTREAM_FAILED', 502, 'api_error', 502, 'upstream_error'],
  ['UPSTREAM_TIMEOUT', 504, 'api_error', 504, 'upstream_timeout'],
  ['DRAINING', 503, 'overloaded_error', 503, 'draining'],
  ['PROVIDER_BUSY', 529, 'overloaded_error', 503, 'overloaded'],
];

for (const [code, status, type, openaiStatus, openaiCode] of rows) {
  test(`error table: ${code}`, () => {
    const error = new GatewayError(code, 'why');
    assert.equal(statusOf(code, 'anthropic'), status);
    assert.equal(statusOf(code, 'openai'), openaiStatus);
    assert.deepEqual(JSON.parse(errorBody(error, 'anthropic', 'req_1')), {
      type: 'error',
      error: { type, message: 'why' },
      request_id: 'req_1',
    });
    const openai = JSON.parse(errorBody(error, 'openai', 'req_1'));
    assert.deepEqual(Object.keys(openai.error), ['message', 'type', 'param', 'code']);
    assert.equal(openai.error.code, openaiCode);
  });
}

for (const { name, error, want } of [
  { name: 'nothing to say', error: new GatewayError('NOT_FOUND', ''), want: {} },
  {
    name: 'a wait is rounded up',
    error: new GatewayError('NO_ROOM', '', { retryAfterMs: 1_001 }),
    want: { 'retry-after': '2' },
  },
  {
    name: 'never below a second',
    error: new GatewayError('NO_ROOM', '', { retryAfterMs: -5 }),
    want: { 'retry-after': '1' },
  },
  {
    name: 'never over 59: Claude Code gives up at 61',
    error: new GatewayError('NO_ROOM', '', { retryAfterMs: 3_600_000 }),
    want: { 'retry-after': '59' },
  },
  {
    name: 'an exhausted balance is not tried again',
    error: new GatewayError('BALANCE_EXHAUSTED', ''),
    want: { 'x-should-retry': 'false' },
  },
  {
    name: 'extras',
    error: new GatewayError('METHOD_NOT_ALLOWED', '', { headers: { allow: 'GET' } }),
    want: { allow: 'GET' },
  },
]) {
  test(`error headers: ${name}`, () => assert.deepEqual(errorHeaders(error), want));
}

test('error frames name the event for Anthropic clients only', () => {
  const error = new GatewayError('UPSTREAM_FAILED', 'cut');
  assert.match(errorFrame(error, 'anthropic', 'req_1'), /^event: error\ndata: \{.*\}\n\n$/);
  assert.match(errorFrame(error, 'openai', 'req_1'), /^data: \{"error".*\}\n\n$/);
});

test('what is not ours is INTERNAL, without its text', () => {
  const error = asGatewayError(new TypeError('secret-key-123'));
  assert.equal(error.code, 'INTERNAL');
  assert.doesNotMatch(errorBody(error, 'anthropic', 'r'), /secret/);
});
