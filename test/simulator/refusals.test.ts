/** Do the refusals carry the wording that clients match on? (WIRE.md §E.4, §F.4) */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as refusals from '../../lib/simulator/refusals.ts';

for (const { quota, cerebras, zhipu } of [
  { quota: 'requests_minute', cerebras: 'Requests per minute limit', zhipu: '1303' },
  { quota: 'requests_day', cerebras: 'Requests per day limit', zhipu: '1304' },
  { quota: 'tokens_minute', cerebras: 'Tokens per minute limit', zhipu: '1303' },
  { quota: 'total_tokens_minute', cerebras: 'Total tokens per minute limit', zhipu: '1303' },
  { quota: 'tokens_day', cerebras: 'Tokens per day limit', zhipu: '1304' },
  { quota: 'concurrent', cerebras: 'Concurrent requests limit', zhipu: '1302' },
  { quota: 'window', cerebras: 'Requests per window limit', zhipu: '1308' },
] as const) {
  test(`limit reached: ${quota}`, () => {
    const flat = refusals.limitReached('cerebras', quota, 1_500, 0, 5);
    const body = JSON.parse(flat.body) as { message: string; type: string; code: string };
    assert.ok(body.message.startsWith(`${cerebras} exceeded - too many `), body.message);
    const kind = quota.includes('token') ? 'token' : 'request';
    assert.deepEqual([body.type, body.code], [`too_many_${kind}s_error`, `${kind}_quota_exceeded`]);
    assert.deepEqual([flat.status, flat.retryAfterS], [429, 2]);
    const wrapped = refusals.limitReached('zhipu', quota, 1_500, 0, 5);
    assert.equal(JSON.parse(wrapped.body).error.code, zhipu);
  });
}

test('what never fits has a retry-after all the same', () => {
  const never = refusals.limitReached('cerebras', 'tokens_minute', Number.POSITIVE_INFINITY, 0, 0);
  assert.equal(never.retryAfterS, 60);
});

for (const { timeMs, want } of [
  { timeMs: Date.UTC(2026, 11, 31, 16, 0, 0), want: '2027-01-01 00:00:00' },
  { timeMs: Date.UTC(2026, 0, 1, 0, 0, 0, 1), want: '2026-01-01 08:00:01' },
]) {
  test(`UTC+8: ${want}`, () => assert.equal(refusals.shanghai(timeMs), want));
}
