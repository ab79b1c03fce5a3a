/** Do the rate headers carry the names and units of Cerebras? */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { rateHeaders } from '../../lib/simulator/rate-headers.ts';

const quota = { name: 'tokens_minute', limit: 1_000, remaining: 400, fullInMs: 36_125.5 } as const;

test('seconds with a fraction until the bucket is full', () => {
  assert.deepEqual(rateHeaders([quota], 0, 'full'), {
    'x-ratelimit-limit-tokens-minute': '1000',
    'x-ratelimit-remaining-tokens-minute': '400',
    'x-ratelimit-reset-tokens-minute': '36.1255',
  });
});

for (const { name, nowMs, want } of [
  { name: 'requests_minute', nowMs: 60_000 + 48_618, want: '11.382' },
  { name: 'requests_day', nowMs: 86_400_000 * 3 + 53_388_618, want: '33011.382' },
] as const) {
  test(`calendar: ${name} counts to the end of its UTC period`, () => {
    const headers = rateHeaders([{ ...quota, name }], nowMs, 'calendar');
    assert.equal(headers[`x-ratelimit-reset-${name.replace('_', '-')}`], want);
  });
}

test('the total bucket has no header', () => {
  assert.deepEqual(rateHeaders([{ ...quota, name: 'total_tokens_minute' }], 0, 'full'), {});
});
