import assert from 'node:assert/strict';
import { test } from 'node:test';
import { MAX_ERROR_RULES, MAX_PATTERN_CHARS } from '../../lib/limits.ts';
import { faultsOf, good, warningsOf } from '../support/configs.ts';

const with_ = (rows: string) => `
providers:
  - name: local
    endpoint: http://127.0.0.1:9/v1
    models: [m]
    error_rules: ${rows}
`;
const rulesOf = (rows: string) => good(with_(rows)).providers[0]?.errorRules;

for (const { row, want } of [
  {
    row: 'status: 429, scope: key-model, action: cool',
    want: {
      status: [429],
      scope: 'key-model',
      action: 'cool',
      restMs: 0,
      answer: 'NO_ROOM',
      reason: 'rate_limit',
    },
  },
  {
    row: 'status: [429, 503], code: "1302", scope: key, action: lower-concurrency, rest: 1500ms',
    want: {
      status: [429, 503],
      code: ['1302'],
      scope: 'key',
      action: 'lower-concurrency',
      restMs: 1_500,
      answer: 'NO_ROOM',
      reason: 'concurrency',
    },
  },
  {
    row: 'code: [a, b], scope: provider, action: cool, rest: 30, answer: provider_busy',
    want: {
      code: ['a', 'b'],
      scope: 'provider',
      action: 'cool',
      restMs: 30_000,
      answer: 'PROVIDER_BUSY',
      reason: 'busy',
    },
  },
  {
    row: `text: 'plan (?:has )?ended', scope: key, action: disable, answer: balance_exhausted`,
    want: {
      text: /plan (?:has )?ended/i,
      scope: 'key',
      action: 'disable',
      restMs: 0,
      answer: 'BALANCE_EXHAUSTED',
      reason: 'balance',
    },
  },
  {
    row: 'status: 403, scope: key, action: disable, reason: locked_out',
    want: {
      status: [403],
      scope: 'key',
      action: 'disable',
      restMs: 0,
      answer: 'KEYS_REFUSED',
      reason: 'locked_out',
    },
  },
  {
    row: 'status: 500, scope: request, action: give-up',
    want: {
      status: [500],
      scope: 'request',
      action: 'give-up',
      restMs: 0,
      answer: 'PROVIDER_REFUSED',
      reason: 'invalid_request',
    },
  },
  {
    row: 'status: 400, scope: request, action: retry',
    want: {
      status: [400],
      scope: 'request',
      action: 'retry',
      restMs: 0,
      answer: 'UPSTREAM_FAILED',
      reason: 'server_error',
    },
  },
  {
    row: 'code: x, scope: org, action: cool, quota: requests_day, text_zone: "+08:00"',
    want: {
      code: ['x'],
      scope: 'org',
      action: 'cool',
      restMs: 0,
      answer: 'NO_ROOM',
      reason: 'rate_limit',
      quota: 'requests_day',
      textZoneMinutes: 480,
    },
  },
  {
    row: 'code: x, scope: org, action: cool, text_zone: "-0530"',
    want: {
      code: ['x'],
      scope: 'org',
      action: 'cool',
      restMs: 0,
      answer: 'NO_ROOM',
      reason: 'rate_limit',
      textZoneMinutes: -330,
    },
  },
]) {
  test(`error rule: ${row}`, () => assert.deepEqual(rulesOf(`[{ ${row} }]`), [want]));
}

test('error rules: every answer has its code, Z is a zone, none is the default', () => {
  for (const answer of [
    'no_room',
    'provider_busy',
    'balance_exhausted',
    'provider_refused',
    'prompt_too_long',
    'model_not_found',
    'keys_refused',
    'upstream_failed',
    'upstream_timeout',
  ]) {
    const row = `status: 418, scope: key, action: cool, answer: ${answer}, text_zone: Z`;
    const [rule] = rulesOf(`[{ ${row} }]`) ?? [];
    assert.equal(rule?.answer, answer.toUpperCase());
    assert.match(rule?.reason ?? '', /^[a-z_]+$/);
    assert.equal(rule?.textZoneMinutes, 0);
  }
  assert.deepEqual(rulesOf(''), []);
});

for (const { row, why } of [
  { row: 'scope: key, action: cool', why: /^6:19: \S+error_rules\[0\]: fits every refusal/ },
  { row: 'status: 429, action: cool', why: /^6:19: \S+error_rules\[0\]\.scope: is missing/ },
  { row: 'status: 429, scope: key', why: /action: is missing/ },
  { row: 'status: [], scope: key, action: cool', why: /^6:29: \S+\.status: holds nothing/ },
  { row: 'status: 99, scope: key, action: cool', why: /status: wants a whole number from 200/ },
  { row: 'status: [429, x], scope: key, action: cool', why: /status\[1\]: wants a whole number/ },
  { row: 'status: {}, scope: key, action: cool', why: /wants a single value or a list/ },
  { row: 'code: 1302, scope: key, action: cool', why: /code: wants a string.*put it in quotes/ },
  { row: 'code: a, scope: keys, action: cool', why: /scope: must be one of.*did you mean "key"/ },
  { row: 'code: a, scope: request, action: cool', why: /scope: is nobody who could cool/ },
  { row: 'code: a, scope: request, action: disable', why: /is nobody who could disable/ },
  { row: 'code: a, scope: key, action: rest', why: /action: must be one of/ },
  { row: 'code: a, scope: key, action: cool, rest: 25h', why: /rest: must be from 0ms to 1d/ },
  { row: 'code: a, scope: key, action: cool, answer: ok', why: /answer: must be one of/ },
  { row: 'code: a, scope: key, action: cool, quota: day', why: /quota: must be one of/ },
  { row: 'code: a, scope: key, action: cool, reason: "a b"', why: /reason: wants a word/ },
  { row: 'code: a, scope: key, action: cool, text_zone: CST', why: /text_zone: wants a zone/ },
  { row: 'code: a, scope: key, action: cool, text_zone: "+15:00"', why: /wants a zone/ },
  { row: 'code: a, scope: key, action: cool, regex: x', why: /did you mean "text"/ },
  { row: 'text: "", scope: key, action: cool', why: /wants a regular expression of 1 to/ },
  {
    row: 'text: "a(b", scope: key, action: cool',
    why: /^6:27: \S+error_rules\[0\]\.text: is no regular expression: unterminated group/,
  },
  {
    row: `text: ${'a'.repeat(MAX_PATTERN_CHARS + 1)}, scope: key, action: cool`,
    why: /wants a regular expression of 1 to 500 characters/,
  },
]) {
  test(`error rule fault: ${row.slice(0, 60)}`, () =>
    assert.match(faultsOf(with_(`[{ ${row} }]`)).join('\n'), why));
}

test('error rules: not too many', () => {
  const row = '{ status: 429, scope: key, action: cool }';
  const rows = Array.from({ length: MAX_ERROR_RULES + 1 }, () => row).join(', ');
  assert.match(faultsOf(with_(`[${rows}]`)).join(), /^6:18: \S+error_rules: holds more than 100/);
});

for (const text of ['(a+)+b', '(?:x*)*', '(y{2,})+', '(z+?)*']) {
  test(`error rules: ${text} may run away`, () => {
    const rows = `[{ text: '${text}', scope: key, action: cool }]`;
    assert.match(warningsOf(with_(rows)).join(), /text: repeats a group/);
  });
}
