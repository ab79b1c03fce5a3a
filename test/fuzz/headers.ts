/** What a refusal may say: rate headers, retry-after, error texts; as header lines and a body. */
import assert from 'node:assert/strict';
import { MAX_COOLDOWN_MS } from '../../lib/limits.ts';
import { cerebras } from '../../lib/providers/cerebras.ts';
import { zhipu } from '../../lib/providers/zhipu.ts';
import { classify } from '../../lib/quotas/cooldown-rules.ts';
import { readErrorText } from '../../lib/quotas/error-text.ts';
import { readRateHeaders, retryAfterMs, timeInText } from '../../lib/quotas/rate-headers.ts';
import { counted, QUOTAS } from '../../lib/quotas/rate-reading.ts';
import { LOCAL } from '../support/configs.ts';
import { compiled, NOW_MS } from '../support/gateways.ts';
import { fuzzWhenStarted } from './main.ts';
import type { FuzzTarget } from './target.ts';

const MONTH_MS = 32 * 24 * 3_600_000;
const NEED_TOKENS = 1_000;

const CEREBRAS = `429
x-ratelimit-limit-requests-day: 14400
x-ratelimit-remaining-requests-day: 14370
x-ratelimit-reset-requests-day: 33011.382867
x-ratelimit-limit-tokens-minute: 150000
x-ratelimit-remaining-tokens-minute: 0
x-ratelimit-reset-tokens-minute: 11.38
retry-after: 60

{"message":"Tokens per minute limit exceeded - too many tokens processed.","type":
"too_many_tokens_error","param":"quota","code":"token_quota_exceeded"}`;

const ZHIPU = `429
retry-after-ms: 1500
x-request-id: 1

{"error":{"code":"1308","message":"Usage limit reached for 5 hour. Your limit will reset at \
2026-01-02 00:35:41"}}`;

const ANTHROPIC = `429
anthropic-ratelimit-requests-limit: 50
anthropic-ratelimit-requests-remaining: 0
anthropic-ratelimit-requests-reset: 2026-01-01T12:01:00Z
anthropic-ratelimit-input-tokens-limit: 20000
x-ratelimit-reset-requests: 6m0s
x-ratelimit-remaining-tokens: 149984
retry-after: Thu, 01 Jan 2026 12:00:30 GMT

{"type":"error","error":{"type":"rate_limit_error","message":"This request would exceed ..."}}`;

const TOO_LONG = `400

{"message":"Please reduce the length of the messages or completion. Current length is 140000 while \
limit is 131072","code":"context_length_exceeded"}`;

const WORDS = [
  ...['x-ratelimit-limit-requests-minute', 'x-ratelimit-remaining-tokens', 'retry-after: '],
  ...['x-ratelimit-reset-tokens: ', 'x-ratelimit-limit-tokens-day: ', 'retry-after-ms: ', ': '],
  ...['anthropic-ratelimit-tokens-remaining: ', 'anthropic-ratelimit-requests-reset: ', '\n\n'],
  ...['-requests', '-tokens', '-input-tokens', '-minute', '-hour', '-day', '1h', '6m0s', '3.5s'],
  ...['ms', 'µs', 'ns', 'd', '2026-01-01T12:01:00Z', '9999-12-31', 'Thu, 01 Jan 2026', 'GMT', 'Z'],
  ...['try again in ', 'wait ', 'resets in ', 'available after ', 'will reset at ', 'reset: '],
  ...['tokens per minute', 'requests per day', 'RPM', 'TPD', 'prompt is too long: ', ' tokens > '],
  ...[
    'maximum context length is ',
    'input token count (',
    ') exceeds ',
    '429',
    '400',
    '503',
    '401',
  ],
  ...['{"error":', '{"message":"', '"code":', '[{"', '"detail":', '"errors":[', '<html><title>'],
  ...['1113', '1302', '1305', '1261', '99999999999999999999', '-5', 'NaN', 'Infinity', '0x10', '.'],
  ...['1,000,000', '1767225660', '1767225660000', '; ', ', ', '    ', '\t', 'again again again '],
];

interface Refusal {
  readonly status: number;
  readonly headers: Record<string, string>;
  readonly body: string;
}

/** A status, header lines, a blank line, the body. */
function refusalOf(input: Buffer): Refusal {
  const text = input.toString('latin1');
  const end = text.indexOf('\n\n');
  const [first = '', ...lines] = (end < 0 ? text : text.slice(0, end)).split('\n');
  const headers: Record<string, string> = {};
  for (const line of lines) {
    const colon = line.indexOf(':');
    if (colon > 0) headers[line.slice(0, colon).toLowerCase()] = line.slice(colon + 1).trim();
  }
  const status = Number.parseInt(first, 10);
  const body = end < 0 ? '' : input.subarray(end + 2).toString();
  return { status: status >= 100 && status < 600 ? status : 429, headers, body };
}

function checkReadings({ headers }: Refusal): string {
  const readings = readRateHeaders(headers, NOW_MS);
  for (const { quota, limit, remaining, resetAtMs } of readings) {
    assert.ok(QUOTAS.includes(quota), quota);
    for (const count of [limit, remaining]) {
      if (count !== undefined) assert.ok(Number.isSafeInteger(count) && count >= 0, `${count}`);
    }
    if (resetAtMs !== undefined) assertAhead(resetAtMs, MONTH_MS);
  }
  const afterMs = retryAfterMs(headers, NOW_MS);
  if (afterMs !== undefined) assert.ok(afterMs >= 0 && afterMs <= MONTH_MS, `${afterMs} ms`);
  return readings.map(({ quota, ...rest }) => `${quota} ${Object.keys(rest)}`).join();
}

function assertAhead(atMs: number, mostMs: number): void {
  assert.ok(atMs > NOW_MS && atMs <= NOW_MS + mostMs, `${atMs - NOW_MS} ms ahead`);
}

function checkVerdict({ status, headers, body }: Refusal): string {
  const text = readErrorText(body);
  assert.ok(text.message.length <= 4_000 && !/[\r\n]/.test(text.message), 'one bounded line');
  const at = timeInText(body, NOW_MS, 480);
  if (at !== undefined) assertAhead(at, MONTH_MS);
  let word = '';
  for (const rules of [cerebras.errors, zhipu.errors, []]) {
    const verdict = classify(rules, status, headers, body, NOW_MS);
    const { untilMs, promptTokens = 2, maxTokens = 1 } = verdict;
    if (untilMs !== 0) assert.ok(untilMs <= NOW_MS + MAX_COOLDOWN_MS, `${untilMs - NOW_MS} ms`);
    assert.ok(untilMs === 0 || untilMs >= NOW_MS, 'not in the past');
    assert.ok(promptTokens > maxTokens && maxTokens > 0, `${promptTokens} > ${maxTokens}`);
    word += `${verdict.reason} ${verdict.scope} ${verdict.action} ${verdict.quota ?? ''},`;
  }
  return word;
}

/** What is learned never closes a key for longer than a day, nor gives it a count out of range. */
function learner(): (refusal: Refusal) => void {
  const gateway = compiled(`${LOCAL.trimEnd().replace(/ \}$/, ', api_key: some-secret }')}\n`);
  const lane = [...(gateway.providers[0]?.lanes.values() ?? [])][0]?.list[0];
  assert.ok(lane !== undefined, 'there is a key');
  const { quotas } = gateway;
  return ({ headers, body, status }) => {
    const readings = readRateHeaders(headers, NOW_MS);
    quotas.learn(lane.orgModelBucket, NOW_MS, readings);
    const { untilMs } = classify([], status, headers, body, NOW_MS);
    if (untilMs > 0) quotas.cool(lane.orgModelBucket, NOW_MS, untilMs);
    for (const aheadMs of [0, 1_000, 61_000]) {
      const at = quotas.admissibleAtMs(lane.path, NOW_MS + aheadMs, NEED_TOKENS);
      assert.ok(!Number.isNaN(at), 'a moment or never');
    }
    assert.ok(quotas.coolUntilMs(lane.orgModelBucket, NOW_MS) <= NOW_MS + MAX_COOLDOWN_MS);
    for (const { limit, remaining } of readings) {
      for (const count of [counted(limit), counted(remaining)]) {
        assert.ok(count === undefined || (count >= 0 && count < 2 ** 31), `${count}`);
      }
    }
  };
}

export const headers: FuzzTarget = {
  name: 'headers',
  seeds: [CEREBRAS, ZHIPU, ANTHROPIC, TOO_LONG],
  words: WORDS,
  maxBytes: 16 * 1024,
  maxCaseMs: 150,
  start() {
    const learn = learner();
    return {
      check(input) {
        const refusal = refusalOf(input);
        learn(refusal);
        return `${checkReadings(refusal)} | ${checkVerdict(refusal)}`;
      },
    };
  },
};

await fuzzWhenStarted(import.meta.url, headers);
