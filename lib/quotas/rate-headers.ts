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

const FIELDS = ['limit', 'remaining', 'reset'] as const;
const UNITS = ['requests', 'tokens', 'input-tokens'] as const;
const WINDOWS = ['minute', 'hour', 'day'] as const;

/** What one header is about; a quota whose window is not named has an empty one. */
interface Name {
  readonly field: (typeof FIELDS)[number];
  readonly unit: (typeof UNITS)[number];
  readonly window: (typeof WINDOWS)[number] | '';
}

/** By its exact name: an answer has a dozen headers, and each is looked up here. */
const NAMES: ReadonlyMap<string, Name> = new Map(
  FIELDS.flatMap((field) => UNITS.flatMap((unit) => namesOf(field, unit))),
);

function namesOf(field: Name['field'], unit: Name['unit']): [string, Name][] {
  const bare = `x-ratelimit-${field}`;
  const named = ['', ...WINDOWS] as const;
  const names = named.map((window): [string, Name] => {
    return [`${bare}-${unit}${window && `-${window}`}`, { field, unit, window }];
  });
  names.push([`anthropic-ratelimit-${unit}-${field}`, { field, unit, window: 'minute' }]);
  if (unit !== 'requests') return names;
  for (const window of named) {
    names.push([`${bare}${window && `-${window}`}`, { field, unit, window }]);
  }
  return names;
}

interface Found {
  readonly unit: Name['unit'];
  readonly window: Name['window'];
  limit: number | undefined;
  remaining: number | undefined;
  resetAtMs: number | undefined;
}

type Writable<T> = { -readonly [Key in keyof T]: T[Key] };

const NOTHING: readonly RateReading[] = [];

/** The quotas that `headers` (lower-case names) tell about; empty where they tell nothing. */
export function readRateHeaders(headers: Headers, nowMs: number): readonly RateReading[] {
  let found: Found[] | undefined;
  for (const header in headers) {
    const name = NAMES.get(header);
    if (name === undefined) continue;
    const value = headers[header];
    if (typeof value !== 'string' || value.length > MAX_VALUE_CHARS) continue;
    found ??= [];
    const entry = entryOf(found, name);
    switch (name.field) {
      case 'limit':
        entry.limit = countIn(value) ?? entry.limit;
        break;
      case 'remaining':
        entry.remaining = countIn(value) ?? entry.remaining;
        break;
      case 'reset':
        entry.resetAtMs = resetAtMs(value, nowMs) ?? entry.resetAtMs;
        break;
      default: {
        const never: never = name.field;
        return never;
      }
    }
  }
  return found === undefined ? NOTHING : readingsOf(found, nowMs);
}

/** There are a few at most: a walk is cheaper than a map. */
function entryOf(found: Found[], { unit, window }: Name): Found {
  for (const entry of found) if (entry.unit === unit && entry.window === window) return entry;
  const entry = { unit, window, limit: undefined, remaining: undefined, resetAtMs: undefined };
  found.push(entry);
  return entry;
}

function readingsOf(found: readonly Found[], nowMs: number): RateReading[] {
  const readings: RateReading[] = [];
  for (const entry of found) {
    const { unit, window, limit, remaining, resetAtMs: at } = entry;
    if (limit === undefined && remaining === undefined && at === undefined) continue;
    if (unit === 'input-tokens' && holds(found, 'tokens', window)) continue;
    const kind = unit === 'requests' ? 'requests' : 'tokens';
    const quota: QuotaName = `${kind}_${window === '' ? windowOf(at ?? 0, nowMs) : window}`;
    if (readings.some((reading) => reading.quota === quota)) continue;
    const reading: Writable<RateReading> = { quota };
    if (limit !== undefined) reading.limit = limit;
    if (remaining !== undefined) reading.remaining = remaining;
    if (at !== undefined) reading.resetAtMs = at;
    readings.push(reading);
  }
  return readings;
}

function holds(found: readonly Found[], unit: Found['unit'], window: Found['window']): boolean {
  return found.some((entry) => entry.unit === unit && entry.window === window);
}

/** A quota without a named window is that of the shortest one its reset fits into. */
function windowOf(resetMs: number, nowMs: number): (typeof WINDOWS)[number] {
  const aheadMs = resetMs - nowMs;
  if (aheadMs <= 2 * MINUTE_MS) return 'minute';
  return aheadMs <= HOUR_MS + MINUTE_MS ? 'hour' : 'day';
}

function countIn(value: string): number | undefined {
  const plain = value.length <= MAX_DIGITS ? decimal(value) : Number.NaN;
  if (!Number.isNaN(plain)) return Math.floor(plain);
  const digits = /^\s*(\d{1,15})(?:\.\d+)?\s*(?:[,;]|$)/.exec(value)?.[1];
  return digits === undefined ? undefined : Number(digits);
}

/** A number of digits, with or without a fraction; NaN for anything else. */
function decimal(text: string): number {
  let number = 0;
  for (let at = 0; at < text.length; at++) {
    const digit = text.charCodeAt(at) - 48;
    if (digit < 0 || digit > 9) return DECIMAL.test(text) ? Number(text) : Number.NaN;
    number = number * 10 + digit;
  }
  return text === '' ? Number.NaN : number;
}

const DECIMAL = /^\d+\.\d+$/;
/** More are not exact in a double. */
const MAX_DIGITS = 15;

/** The moment that the value of a reset header means, in ms; undefined for the past and
 *  nonsense. */
export function resetAtMs(value: string, nowMs: number): number | undefined {
  const text = value.trim();
  if (text.length > MAX_VALUE_CHARS) return undefined;
  let at: number | undefined;
  const number = decimal(text);
  if (!Number.isNaN(number)) at = momentOf(number, nowMs);
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
