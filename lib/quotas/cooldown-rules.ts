/**
 * A refusal: whose fault is it, who rests until when, and what is the client told?
 *
 * The rows are data: the provider's own (lib/providers, WIRE.md §E.4, §F.4), then those of every
 * provider (default-rules.ts); the first that matches gives the verdict. Its end comes from
 * `retry-after-ms`, `retry-after`, the reset of the exhausted quota, a time in the text, in this
 * order, else from the row. Must stay true: no body, header or number throws; no end is later than
 * MAX_COOLDOWN_MS; "busy" never looks at the reset of a quota.
 */
import type { ErrorCode } from '../errors.ts';
import { MAX_COOLDOWN_MS } from '../limits.ts';
import type { CooldownAction, CooldownScope, ErrorRule } from '../providers/types.ts';
import { DEFAULT_RULES, LAST_RULES } from './default-rules.ts';
import { type ErrorText, readErrorText } from './error-text.ts';
import { readRateHeaders, retryAfterMs, timeInText } from './rate-headers.ts';
import type { QuotaName, RateReading } from './rate-reading.ts';

type Headers = Readonly<Record<string, string>>;

export interface Verdict {
  readonly scope: CooldownScope;
  readonly action: CooldownAction;
  /** End of the rest, ms since 1970; 0 = none is named: `QuotaTable.rest` doubles it. */
  readonly untilMs: number;
  /** What the client is told when nobody else can serve. */
  readonly answer: ErrorCode;
  readonly reason: string;
  /** The provider's own code, as text; empty where it named none. */
  readonly code: string;
  /** The provider's text for people, or the status. Not redacted yet. */
  readonly message: string;
  /** The exhausted quota, where code or text say which. */
  readonly quota?: QuotaName;
  /** The end is that of the quota's window, as a header tells it. Nobody asked to wait that long: a
   *  quota that refills all the time has room before it. */
  readonly atReset?: true;
  /** Of a prompt too long: its tokens (as the provider counts) and what the model takes. */
  readonly promptTokens?: number;
  readonly maxTokens?: number;
}

/**
 * The verdict on a refusal, or on an error object inside a stream (`status` 200 or 0: a status in
 * the body counts). Header names are lower-case.
 */
export function classify(
  rules: readonly ErrorRule[],
  status: number,
  headers: Headers,
  bodyText: string,
  nowMs: number,
): Verdict {
  const text = readErrorText(bodyText);
  const shownStatus = status >= 300 || text.status === 0 ? status : text.status;
  const rule =
    rules.find((candidate) => matches(candidate, shownStatus, text)) ??
    DEFAULT_RULES.find((candidate) => matches(candidate, shownStatus, text)) ??
    (shownStatus >= 400 && shownStatus < 500 ? LAST_RULES.refused : LAST_RULES.failed);
  const readings = readRateHeaders(headers, nowMs);
  const quota = rule.reason === 'rate_limit' ? quotaOf(rule, text, readings) : rule.quota;
  return {
    scope: rule.scope,
    action: rule.action,
    untilMs: rests(rule) ? endOf(rule, quota, readings, headers, text, nowMs) : 0,
    answer: rule.answer,
    reason: rule.reason,
    code: text.code,
    message: text.message === '' ? `HTTP ${shownStatus}` : text.message,
    ...(quota === undefined ? {} : { quota }),
    ...(isReset(quota, readings, headers, nowMs) ? { atReset: true } : {}),
    ...(rule.answer === 'PROMPT_TOO_LONG' ? promptNumbers(text.searched) : {}),
  };
}

function matches(rule: ErrorRule, status: number, text: ErrorText): boolean {
  if (rule.status !== undefined && !rule.status.includes(status)) return false;
  if (rule.code !== undefined && !text.codes.some((code) => rule.code?.includes(code))) {
    return false;
  }
  return rule.text === undefined || rule.text.test(text.searched);
}

function rests(rule: ErrorRule): boolean {
  return rule.action === 'cool' || rule.action === 'lower-concurrency';
}

function endOf(
  rule: ErrorRule,
  quota: QuotaName | undefined,
  readings: readonly RateReading[],
  headers: Headers,
  text: ErrorText,
  nowMs: number,
): number {
  const zone = rule.textZoneMinutes ?? 0;
  const askedMs = retryAfterMs(headers, nowMs) ?? 0;
  const named =
    askedMs > 0
      ? nowMs + askedMs
      : (resetOf(quota, readings) ?? timeInText(text.searched, nowMs, zone));
  const end = named ?? midnightFor(rule, nowMs) ?? (rule.restMs > 0 ? nowMs + rule.restMs : 0);
  return Math.min(end, nowMs + capMs(quota));
}

function resetOf(
  quota: QuotaName | undefined,
  readings: readonly RateReading[],
): number | undefined {
  return readings.find((reading) => reading.quota === quota)?.resetAtMs;
}

function isReset(
  quota: QuotaName | undefined,
  readings: readonly RateReading[],
  headers: Headers,
  nowMs: number,
): boolean {
  return (retryAfterMs(headers, nowMs) ?? 0) <= 0 && resetOf(quota, readings) !== undefined;
}

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
const DAY_MS = 24 * HOUR_MS;

/** A quota is whole again after its own window, whatever end is named (SURFACE §4.6). */
function capMs(quota: QuotaName | undefined): number {
  if (quota?.endsWith('_minute') === true) return MINUTE_MS;
  return quota?.endsWith('_hour') === true ? HOUR_MS : MAX_COOLDOWN_MS;
}

/** A quota of calendar days, in a zone the row knows, ends at the next midnight there. */
function midnightFor(rule: ErrorRule, nowMs: number): number | undefined {
  const ofDay = rule.quota === 'requests_day' || rule.quota === 'tokens_day';
  if (!ofDay || rule.textZoneMinutes === undefined) return undefined;
  const zoneMs = rule.textZoneMinutes * 60_000;
  return (Math.floor((nowMs + zoneMs) / DAY_MS) + 1) * DAY_MS - zoneMs;
}

/** The quota that ran out: as the row says (but the text knows its window better), else the one
 *  that the headers show as empty, the last to end first. */
function quotaOf(
  rule: ErrorRule,
  { message }: ErrorText,
  readings: readonly RateReading[],
): QuotaName | undefined {
  const told = quotaInText(message, rule.quota?.startsWith('tokens') ? 'tokens' : undefined);
  if (told !== undefined) return told;
  if (rule.quota !== undefined) return rule.quota;
  return readings
    .filter(({ remaining, resetAtMs }) => remaining === 0 && resetAtMs !== undefined)
    .sort((a, b) => (b.resetAtMs ?? 0) - (a.resetAtMs ?? 0))[0]?.quota;
}

function quotaInText(message: string, known: 'tokens' | undefined): QuotaName | undefined {
  const [, word = '', window = ''] =
    /\b(requests?|tokens?|calls?) (?:per|\/|a) ?(minute|min|hour|day)\b/i.exec(message) ?? [];
  const [, unit = '', letter = ''] = /\b([RT])P([MHD])\b/.exec(message) ?? [];
  const span = (window || letter).charAt(0).toLowerCase();
  if (span === '') return undefined;
  const ofTokens = known === 'tokens' || /^t/i.test(word || unit);
  const name = span === 'm' ? 'minute' : span === 'h' ? 'hour' : 'day';
  return `${ofTokens ? 'tokens' : 'requests'}_${name}`;
}

/** Wordings that name both numbers, as [prompt, maximum] groups (WIRE.md §B.5, §E.4). */
const PROMPT_NUMBERS: readonly RegExp[] = [
  /current length is (?<prompt>\d+) while limit is (?<maximum>\d+)/i,
  /prompt is too long: (?<prompt>\d+) tokens? > (?<maximum>\d+)/i,
  /context limit: (?<prompt>\d+) \+ (?<output>\d+) > (?<maximum>\d+)/i,
  /maximum context length is (?<maximum>\d+) tokens[^0-9]{1,120}(?<prompt>\d+)/i,
  /input token count \(?(?<prompt>\d+)\)? exceeds[^0-9]{1,80}(?<maximum>\d+)/i,
  new RegExp(
    '(?:prompt|input)[^0-9]{1,60}(?<prompt>\\d+)[^0-9]{1,60}' +
      '(?:limit|maximum|exceeds?|>)[^0-9]{0,60}(?<maximum>\\d+)',
    'i',
  ),
];
const MAX_TOKENS = 1e9;

function promptNumbers(text: string): Pick<Verdict, 'promptTokens' | 'maxTokens'> {
  const plain = text.replace(/(\d),(?=\d{3}\b)/g, '$1');
  for (const wording of PROMPT_NUMBERS) {
    const groups = wording.exec(plain)?.groups;
    if (groups === undefined) continue;
    const promptTokens = Number(groups.prompt) + Number(groups.output ?? 0);
    const maxTokens = Number(groups.maximum);
    if (promptTokens > maxTokens && maxTokens > 0 && promptTokens < MAX_TOKENS) {
      return { promptTokens, maxTokens };
    }
  }
  return {};
}
