/**
 * What do the headers of an answer say about quotas, and when may one ask again?
 *
 * Understood: `x-ratelimit-{limit,remaining,reset}[-{requests,tokens,input-tokens}][-{minute,hour,
 * day}]` (Cerebras, OpenAI, many more: WIRE.md §E.3) and `anthropic-ratelimit-{…}-{limit,remaining,
 * reset}`; numbers with fractions, Go durations (`6m0s`), RFC 3339, epoch seconds and ms.
 * Must stay true: nothing a provider sends throws here, and what makes no sense is as if not sent.
 */
import type { QuotaName, RateReading } from './rate-reading.ts';

type Headers = Readonly<Record<string, string>>;

const SECOND_MS = 1_000;
const MINUTE_MS = 60_000;
const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;

/** No quota of a provider resets later than in a month and a day; longer is nonsense. */
const MAX_AHEAD_MS = 32 * DAY_MS;
const MAX_VALUE_CHARS = 64;
const MAX_TEXT_CHARS = 4_096;
/** Bare numbers from here on are moments, not durations: seconds, or from the second on ms. */
const EPOCH_SECONDS = 1e9;
const EPOCH_MS = 1e12;

const X_NAME =
  /^x-ratelimit-(limit|remaining|reset)(?:-(requests|tokens|input-tokens))?(?:-(minute|hour|day))?$/;
const ANTHROPIC_NAME =
  /^anthropic-ratelimit-(requests|tokens|input-tokens)-(limit|remaining|reset)$/;

interface Found {
  limit?: number;
  remaining?: number;
  resetAtMs?: number;
}

/** The quotas that `headers` (lower-case names) tell about; empty where they tell nothing. */
export function readRateHeaders(headers: Headers, nowMs: number): RateReading[] {
  const found = new Map<string, Found>();
  for (const name in headers) {
    if (!name.includes('ratelimit-')) continue;
    const [field, what, window] = fieldsOf(name);
    if (field === undefined) continue;
    const value = headers[name];
    if (typeof value !== 'string' || value.length > MAX_VALUE_CHARS) continue;
    const key = `${what ?? 'requests'} ${window ?? ''}`;
    const entry = found.get(key) ?? {};
    if (field === 'reset') put(entry, 'resetAtMs', resetAtMs(value, nowMs));
    else put(entry, field === 'limit' ? 'limit' : 'remaining', countIn(value));
    found.set(key, entry);
  }
  return found.size === 0 ? [] : readingsOf(found, nowMs);
}

function fieldsOf(name: string): (string | undefined)[] {
  const x = X_NAME.exec(name);
  if (x !== null) return [x[1], x[2], x[3]];
  const anthropic = ANTHROPIC_NAME.exec(name);
  return anthropic === null ? [] : [anthropic[2], anthropic[1], 'minute'];
}

function put(entry: Found, field: keyof Found, value: number | undefined): void {
  if (value !== undefined) entry[field] = value;
}

function readingsOf(found: Map<string, Found>, nowMs: number): RateReading[] {
  const readings: RateReading[] = [];
  for (const [key, entry] of found) {
    const [what = '', named = ''] = key.split(' ');
    if (what === 'input-tokens' && found.has(`tokens ${named}`)) continue;
    if (Object.keys(entry).length === 0) continue;
    const unit = what === 'requests' ? 'requests' : 'tokens';
    const window = named === '' ? windowOf(entry, nowMs) : named;
    const quota = `${unit}_${window}` as QuotaName;
    if (!readings.some((reading) => reading.quota === quota)) readings.push({ quota, ...entry });
  }
  return readings;
}

/** A quota without a named window is that of the shortest one its reset fits into. */
function windowOf({ resetAtMs = 0 }: Found, nowMs: number): string {
  const aheadMs = resetAtMs - nowMs;
  if (aheadMs <= 2 * MINUTE_MS) return 'minute';
  return aheadMs <= HOUR_MS + MINUTE_MS ? 'hour' : 'day';
}

function countIn(value: string): number | undefined {
  const digits = /^\s*(\d{1,15})(?:\.\d+)?\s*(?:[,;]|$)/.exec(value)?.[1];
  return digits === undefined ? undefined : Number(digits);
}

/** The moment that the value of a reset header means, in ms; undefined for the past and
 *  nonsense. */
export function resetAtMs(value: string, nowMs: number): number | undefined {
  const text = value.trim();
  if (text.length > MAX_VALUE_CHARS) return undefined;
  let at: number | undefined;
  if (/^\d+(\.\d+)?$/.test(text)) at = momentOf(Number(text), nowMs);
  else if (/^\d{4}-\d\d-\d\d/.test(text)) at = Date.parse(text);
  else {
    const durationMs = goDurationMs(text);
    at = durationMs === undefined ? undefined : nowMs + durationMs;
  }
  return at !== undefined && at > nowMs && at <= nowMs + MAX_AHEAD_MS ? at : undefined;
}

function momentOf(number: number, nowMs: number): number {
  if (number >= EPOCH_MS) return number;
  if (number >= EPOCH_SECONDS) return number * SECOND_MS;
  return nowMs + number * SECOND_MS;
}

const UNITS_MS: Readonly<Record<string, number>> = {
  ns: 1e-6,
  us: 1e-3,
  µs: 1e-3,
  ms: 1,
  s: SECOND_MS,
  m: MINUTE_MS,
  h: HOUR_MS,
  d: DAY_MS,
};

/** `1h12m3.5s` in ms (Go's time.Duration, and days). */
export function goDurationMs(text: string): number | undefined {
  if (text.length > MAX_VALUE_CHARS || !/^(?:\d+(?:\.\d+)?(?:ns|us|µs|ms|s|m|h|d))+$/.test(text)) {
    return undefined;
  }
  let sumMs = 0;
  for (const [, number, unit = ''] of text.matchAll(/(\d+(?:\.\d+)?)(ns|us|µs|ms|s|m|h|d)/g)) {
    sumMs += Number(number) * (UNITS_MS[unit] ?? 0);
  }
  return sumMs;
}

/** How long `retry-after-ms` or `retry-after` (seconds or an HTTP date) asks to wait, in ms. */
export function retryAfterMs(headers: Headers, nowMs: number): number | undefined {
  const ms = headers['retry-after-ms']?.trim() ?? '';
  if (/^\d{1,12}(\.\d+)?$/.test(ms)) return withinReason(Number(ms));
  const text = headers['retry-after']?.trim() ?? '';
  if (/^\d{1,12}(\.\d+)?$/.test(text)) return withinReason(Number(text) * SECOND_MS);
  const isDate = text.length <= MAX_VALUE_CHARS && /^[A-Za-z]{3,9},? .*\d\d:\d\d/.test(text);
  const at = isDate ? Date.parse(text) : Number.NaN;
  return Number.isNaN(at) ? undefined : withinReason(Math.max(0, at - nowMs));
}

function withinReason(ms: number): number | undefined {
  return ms <= MAX_AHEAD_MS ? ms : undefined;
}

const MOMENT =
  /(\d{4}-\d\d-\d\d)[ T](\d\d:\d\d:\d\d)(?:\.\d{1,9})?(?: ?(Z|UTC|GMT|[+-]\d\d:?\d\d))?/;
const AFTER_WORDS =
  /(?:again|retry|wait|reset|resets|available)[a-z ]{0,24}? (?:in|after|for) (\d[\d.]*) ?([a-z]+)/i;
const GO_AFTER_WORDS =
  /(?:again|retry|wait|resets?) (?:in|after) ((?:\d+(?:\.\d+)?(?:ms|s|m|h))+)/i;
const RESET_EPOCH = /reset[a-z ]{0,12}[ :`"]{1,3}(\d{10}|\d{13})(?!\d)/i;

/** The moment a text names: `will reset at 2026-09-12 00:35:41`, `try again in 12.5s`. A moment
 *  without a zone is read in the one given, in minutes east of UTC (Zhipu: 480, WIRE.md §F.4). */
export function timeInText(text: string, nowMs: number, zoneMinutes: number): number | undefined {
  const head = text.slice(0, MAX_TEXT_CHARS);
  const at = namedMoment(head, zoneMinutes) ?? namedDuration(head, nowMs) ?? namedEpoch(head);
  return at !== undefined && at > nowMs && at <= nowMs + MAX_AHEAD_MS ? at : undefined;
}

function namedMoment(text: string, zoneMinutes: number): number | undefined {
  const [, day, time, zone] = MOMENT.exec(text) ?? [];
  if (day === undefined) return undefined;
  const isUtc = zone === undefined || zone === 'UTC' || zone === 'GMT';
  const at = Date.parse(`${day}T${time}${isUtc ? 'Z' : zone}`);
  if (Number.isNaN(at)) return undefined;
  return zone === undefined ? at - zoneMinutes * MINUTE_MS : at;
}

function namedDuration(text: string, nowMs: number): number | undefined {
  const go = goDurationMs(GO_AFTER_WORDS.exec(text)?.[1] ?? '');
  if (go !== undefined) return nowMs + go;
  const [, number = '', word = ''] = AFTER_WORDS.exec(text) ?? [];
  const unitMs = unitOf(word.toLowerCase());
  return unitMs === undefined ? undefined : nowMs + Number(number) * unitMs;
}

function namedEpoch(text: string): number | undefined {
  const digits = RESET_EPOCH.exec(text)?.[1];
  if (digits === undefined) return undefined;
  return digits.length === 10 ? Number(digits) * SECOND_MS : Number(digits);
}

function unitOf(word: string): number | undefined {
  if (word === 'ms' || word.startsWith('milli')) return 1;
  if (word === 's' || word.startsWith('sec')) return SECOND_MS;
  if (word === 'm' || word.startsWith('min')) return MINUTE_MS;
  if (word === 'h' || word.startsWith('hour')) return HOUR_MS;
  return word === 'd' || word.startsWith('day') ? DAY_MS : undefined;
}
