/** `error_rules` of a provider: rows as people write them -> rows of the error table. */
import type { ErrorCode } from '../errors.ts';
import { MAX_ERROR_RULES, MAX_PATTERN_CHARS } from '../limits.ts';
import type { CooldownAction, ErrorRule } from '../providers/types.ts';
import type { RawErrorRule, RawProvider } from './schema.ts';
import type { Reading } from './validate.ts';

/** The rows, in the order of the file. Faults go to `x.faults`. */
export function resolveErrorRules(raw: RawProvider, x: Reading): readonly ErrorRule[] {
  const { error_rules: rows } = raw;
  if (rows.length > MAX_ERROR_RULES) {
    x.faults.error(x.places.of(raw, 'error_rules'), `holds more than ${MAX_ERROR_RULES} rows`);
  }
  return rows.flatMap((row) => resolveRow(row, x) ?? []);
}

/** What a client is told when the row does not say so. */
const ANSWERS: Readonly<Record<CooldownAction, ErrorCode>> = {
  retry: 'UPSTREAM_FAILED',
  cool: 'NO_ROOM',
  'lower-concurrency': 'NO_ROOM',
  disable: 'KEYS_REFUSED',
  'give-up': 'PROVIDER_REFUSED',
};

const CODES = {
  no_room: 'NO_ROOM',
  provider_busy: 'PROVIDER_BUSY',
  balance_exhausted: 'BALANCE_EXHAUSTED',
  provider_refused: 'PROVIDER_REFUSED',
  prompt_too_long: 'PROMPT_TOO_LONG',
  model_not_found: 'MODEL_NOT_FOUND',
  keys_refused: 'KEYS_REFUSED',
  upstream_failed: 'UPSTREAM_FAILED',
  upstream_timeout: 'UPSTREAM_TIMEOUT',
} as const satisfies Record<NonNullable<RawErrorRule['answer']>, ErrorCode>;

/** The words that the built-in rows use. */
const REASONS: Readonly<Record<(typeof CODES)[keyof typeof CODES], string>> = {
  NO_ROOM: 'rate_limit',
  PROVIDER_BUSY: 'busy',
  BALANCE_EXHAUSTED: 'balance',
  PROVIDER_REFUSED: 'invalid_request',
  PROMPT_TOO_LONG: 'prompt_too_long',
  MODEL_NOT_FOUND: 'model_not_found',
  KEYS_REFUSED: 'auth',
  UPSTREAM_FAILED: 'server_error',
  UPSTREAM_TIMEOUT: 'timeout',
};

/** It is a metric label. */
const REASON = /^[a-z][a-z0-9_]{0,31}$/;

function resolveRow(raw: RawErrorRule, x: Reading): ErrorRule | undefined {
  checkRow(raw, x);
  const { scope, action, status, code, quota } = raw;
  const text = raw.text === undefined ? undefined : readPattern(raw, raw.text, x);
  const zone = readZone(raw, x);
  if (scope === undefined || action === undefined) return undefined;
  const answer = raw.answer === undefined ? ANSWERS[action] : CODES[raw.answer];
  const byAction = action === 'lower-concurrency' ? 'concurrency' : undefined;
  return {
    ...(status === undefined ? {} : { status }),
    ...(code === undefined ? {} : { code }),
    ...(text === undefined ? {} : { text }),
    scope,
    action,
    restMs: raw.rest,
    answer,
    reason: raw.reason ?? byAction ?? REASONS[answer as keyof typeof REASONS],
    ...(quota === undefined ? {} : { quota }),
    ...(zone === undefined ? {} : { textZoneMinutes: zone }),
  };
}

function checkRow(raw: RawErrorRule, x: Reading): void {
  const conditions = ['status', 'code', 'text'];
  const at = x.places.of(raw);
  if (!conditions.some((key) => x.places.given(raw, key))) {
    x.faults.error(at, 'fits every refusal: give a status, a code or a text');
  }
  for (const key of ['status', 'code'] as const) {
    if (raw[key]?.length === 0) x.faults.error(x.places.of(raw, key), 'holds nothing');
  }
  for (const key of ['scope', 'action']) {
    if (!x.places.given(raw, key)) x.faults.error(x.places.of(raw, key), 'is missing');
  }
  if (raw.scope === 'request' && (raw.action === 'cool' || raw.action === 'disable')) {
    x.faults.error(x.places.of(raw, 'scope'), `is nobody who could ${raw.action}: name another`);
  }
  if (raw.reason !== undefined && !REASON.test(raw.reason)) {
    x.faults.error(x.places.of(raw, 'reason'), 'wants a word of up to 32 of a-z, 0-9 and "_"');
  }
}

/** A repeat of a group that holds a repeat: what takes exponential time on a text made for it. */
const RUNAWAY = /[*+}]\??\)[*+{]/;

function readPattern(raw: RawErrorRule, source: string, x: Reading): RegExp | undefined {
  const at = x.places.of(raw, 'text');
  if (source === '' || source.length > MAX_PATTERN_CHARS) {
    x.faults.error(at, `wants a regular expression of 1 to ${MAX_PATTERN_CHARS} characters`);
    return undefined;
  }
  if (RUNAWAY.test(source)) {
    x.faults.warn(at, 'repeats a group that ends in a repeat: a hostile text can make it hang');
  }
  try {
    return new RegExp(source, 'i');
  } catch (error) {
    x.faults.error(at, `is no regular expression: ${reasonOf(error)}`);
    return undefined;
  }
}

/** V8 says `Invalid regular expression: /text/i: what is wrong`. */
function reasonOf(error: unknown): string {
  const message = error instanceof Error ? error.message : '';
  return message.slice(message.lastIndexOf(': ') + 2).toLowerCase();
}

const ZONE = /^([+-])(0\d|1[0-4]):?([0-5]\d)$/;

/** Minutes east of UTC; undefined where the row names none. */
function readZone(raw: RawErrorRule, x: Reading): number | undefined {
  const zone = raw.text_zone;
  if (zone === undefined) return undefined;
  if (zone === 'Z') return 0;
  const [, sign, hours, minutes] = ZONE.exec(zone) ?? [];
  if (sign === undefined) {
    x.faults.error(x.places.of(raw, 'text_zone'), 'wants a zone such as +08:00, -05:30 or Z');
    return undefined;
  }
  return (sign === '-' ? -1 : 1) * (Number(hours) * 60 + Number(minutes));
}
