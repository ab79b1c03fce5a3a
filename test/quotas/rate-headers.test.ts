import assert from 'node:assert/strict';
import test from 'node:test';
import {
  goDurationMs,
  readRateHeaders,
  resetAtMs,
  retryAfterMs,
  timeInText,
} from '../../lib/quotas/rate-headers.ts';

const NOW = Date.UTC(2026, 10, 23, 12, 0, 0);

for (const { name, value, wantMs } of [
  { name: 'seconds', value: '2', wantMs: 2_000 },
  { name: 'fractional seconds (Cerebras)', value: '11.382867097854614', wantMs: 11_382.867 },
  { name: 'Go duration (OpenAI)', value: '6m0s', wantMs: 360_000 },
  { name: 'Go duration with hours', value: '1h12m3.5s', wantMs: 4_323_500 },
  { name: 'Go duration in ms', value: '20ms', wantMs: 20 },
  { name: 'RFC 3339 (Anthropic)', value: '2026-11-23T12:00:30Z', wantMs: 30_000 },
  { name: 'RFC 3339 with a zone', value: '2026-11-23T20:01:00+08:00', wantMs: 60_000 },
  { name: 'epoch seconds', value: String(NOW / 1_000 + 5), wantMs: 5_000 },
  { name: 'epoch milliseconds', value: String(NOW + 7), wantMs: 7 },
  { name: 'a word', value: 'soon', wantMs: undefined },
  { name: 'negative', value: '-5', wantMs: undefined },
  { name: 'zero: already over', value: '0', wantMs: undefined },
  { name: 'NaN', value: 'NaN', wantMs: undefined },
  { name: '1e300', value: '1e300', wantMs: undefined },
  { name: 'Infinity', value: 'Infinity', wantMs: undefined },
  { name: 'three hundred digits', value: '9'.repeat(300), wantMs: undefined },
  { name: 'a year ahead', value: '31536000', wantMs: undefined },
  { name: '1970', value: '1970-01-01T00:00:00Z', wantMs: undefined },
  { name: 'no such day', value: '2026-13-45T99:00:00Z', wantMs: undefined },
  { name: '10 KB', value: '6m'.repeat(5_000), wantMs: undefined },
  { name: 'empty', value: '', wantMs: undefined },
])
  test(`reset header: ${name}`, () => {
    const at = resetAtMs(value, NOW);
    assert.equal(at === undefined ? undefined : Math.round((at - NOW) * 1_000) / 1_000, wantMs);
  });

for (const { name, headers, want } of [
  {
    name: 'Cerebras',
    headers: {
      'x-ratelimit-limit-requests-day': '14400',
      'x-ratelimit-remaining-requests-day': '14390',
      'x-ratelimit-reset-requests-day': '33011.5',
      'x-ratelimit-limit-tokens-minute': '60000',
      'x-ratelimit-remaining-tokens-minute': '0',
      'x-ratelimit-reset-tokens-minute': '11.5',
    },
    want: [
      { quota: 'requests_day', limit: 14_400, remaining: 14_390, resetAtMs: NOW + 33_011_500 },
      { quota: 'tokens_minute', limit: 60_000, remaining: 0, resetAtMs: NOW + 11_500 },
    ],
  },
  {
    name: 'OpenAI, the window told by the reset',
    headers: {
      'x-ratelimit-limit-requests': '60',
      'x-ratelimit-remaining-requests': '59',
      'x-ratelimit-reset-requests': '1s',
      'x-ratelimit-limit-tokens': '150000',
      'x-ratelimit-remaining-tokens': '149984',
      'x-ratelimit-reset-tokens': '6h0s',
    },
    want: [
      { quota: 'requests_minute', limit: 60, remaining: 59, resetAtMs: NOW + 1_000 },
      { quota: 'tokens_day', limit: 150_000, remaining: 149_984, resetAtMs: NOW + 21_600_000 },
    ],
  },
  {
    name: 'Anthropic, the tokens family before input-tokens, output ignored',
    headers: {
      'anthropic-ratelimit-requests-limit': '50',
      'anthropic-ratelimit-requests-remaining': '49',
      'anthropic-ratelimit-requests-reset': '2026-11-23T12:00:01Z',
      'anthropic-ratelimit-input-tokens-limit': '30000',
      'anthropic-ratelimit-tokens-limit': '40000',
      'anthropic-ratelimit-tokens-remaining': '39000',
      'anthropic-ratelimit-output-tokens-remaining': '0',
    },
    want: [
      { quota: 'requests_minute', limit: 50, remaining: 49, resetAtMs: NOW + 1_000 },
      { quota: 'tokens_minute', limit: 40_000, remaining: 39_000 },
    ],
  },
  {
    name: 'hours and lists of policies',
    headers: { 'x-ratelimit-limit-requests-hour': '100, 100;w=3600' },
    want: [{ quota: 'requests_hour', limit: 100 }],
  },
  {
    name: 'nonsense in every field',
    headers: {
      'x-ratelimit-limit-requests-minute': '-1',
      'x-ratelimit-remaining-requests-minute': 'NaN',
      'x-ratelimit-reset-requests-minute': '1e300',
      'x-ratelimit-limit-tokens-minute': '9'.repeat(10_000),
      'x-ratelimit-remaining-tokens-fortnight': '5',
      'x-ratelimit-': '5',
      'content-type': 'application/json',
    },
    want: [],
  },
])
  test(`rate headers: ${name}`, () => assert.deepEqual(readRateHeaders(headers, NOW), want));

for (const { name, headers, wantMs } of [
  {
    name: 'milliseconds first',
    headers: { 'retry-after-ms': '997000', 'retry-after': '1' },
    wantMs: 997_000,
  },
  { name: 'seconds', headers: { 'retry-after': '7' }, wantMs: 7_000 },
  { name: 'fractional seconds', headers: { 'retry-after': '0.25' }, wantMs: 250 },
  { name: 'zero', headers: { 'retry-after': '0' }, wantMs: 0 },
  { name: 'HTTP date', headers: { 'retry-after': 'Mon, 23 Nov 2026 12:00:09 GMT' }, wantMs: 9_000 },
  {
    name: 'HTTP date of the past',
    headers: { 'retry-after': 'Thu, 01 Jan 1970 00:00:00 GMT' },
    wantMs: 0,
  },
  { name: 'negative', headers: { 'retry-after': '-3' }, wantMs: undefined },
  { name: 'a year', headers: { 'retry-after': '99999999' }, wantMs: undefined },
  {
    name: 'nonsense',
    headers: { 'retry-after': 'later, maybe', 'retry-after-ms': '1e9' },
    wantMs: undefined,
  },
  { name: '10 KB', headers: { 'retry-after': '1'.repeat(10_240) }, wantMs: undefined },
  { name: 'none', headers: {}, wantMs: undefined },
] as const)
  test(`retry-after: ${name}`, () => assert.equal(retryAfterMs(headers, NOW), wantMs));

const SHANGHAI = 480;
for (const { name, text, wantMs } of [
  {
    name: 'Zhipu, in Shanghai time',
    text: 'Your limit will reset at 2026-11-23 20:35:41',
    wantMs: 2_141_000,
  },
  { name: 'Zhipu in Chinese', text: '您的限额将在 2026-11-23 21:00:00 重置。', wantMs: 3_600_000 },
  { name: 'a named zone wins', text: 'resets at 2026-11-23T12:01:00Z', wantMs: 60_000 },
  { name: 'an offset wins', text: 'resets at 2026-11-23 12:01:00+00:00.', wantMs: 60_000 },
  { name: 'OpenAI', text: 'Rate limit reached. Please try again in 12.5s. Visit', wantMs: 12_500 },
  { name: 'OpenAI, ms', text: 'Please try again in 20ms.', wantMs: 20 },
  { name: 'Go duration', text: 'try again in 6m0s', wantMs: 360_000 },
  { name: 'words', text: 'Please retry after 30 seconds', wantMs: 30_000 },
  { name: 'minutes', text: 'Please wait for 2 minutes', wantMs: 120_000 },
  { name: 'the past', text: 'reset at 2020-01-01 00:00:00', wantMs: undefined },
  { name: 'too far', text: 'reset at 2029-01-01 00:00:00', wantMs: undefined },
  { name: 'no such moment', text: 'reset at 2026-19-39 00:00:00', wantMs: undefined },
  { name: 'no time at all', text: 'Too many requests', wantMs: undefined },
  { name: 'a long text', text: `${'again '.repeat(20_000)}in 5s`, wantMs: undefined },
])
  test(`time in a text: ${name}`, () => {
    const at = timeInText(text, NOW, SHANGHAI);
    assert.equal(at === undefined ? undefined : at - NOW, wantMs);
  });

test('a Go duration is read whole or not at all', () => {
  assert.equal(goDurationMs('1d2h'), 93_600_000);
  assert.equal(goDurationMs('1.5m'), 90_000);
  for (const text of ['', 's', '5', '5 s', '5x', '5s!', '-5s'])
    assert.equal(goDurationMs(text), undefined);
});
