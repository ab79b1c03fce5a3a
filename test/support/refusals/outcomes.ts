/**
 * A refusal as a provider sends it, and what has to come of it: who rests and until when, where the
 * request goes on, and what a client is told when there is nobody else.
 */
import type { Preset } from '../../../lib/providers/types.ts';

/** Who rests of two keys of one org (`one`, `three`) and one of another, for models m and n. */
export type Resting = 'nobody' | 'key-model' | 'org-model' | 'key' | 'org' | 'model' | 'provider';

export interface Told {
  readonly status: number;
  readonly type: string;
  readonly text: RegExp;
  /** Seconds, exactly or at most; `none`: no such header. */
  readonly retryAfter: number | 'some' | 'none';
  /** `x-should-retry`; undefined: no such header. */
  readonly shouldRetry?: string;
}

export interface RefusalRow {
  readonly name: string;
  readonly preset: Preset['name'];
  /** YAML of `error_rules` items. */
  readonly rules?: string;
  readonly status: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body: string | ((nowMs: number) => string);
  readonly rests: Resting;
  /** ms, or the end itself, or for good. Meaningless where nobody rests. */
  readonly until: number | ((nowMs: number) => number) | 'disabled';
  readonly reason: string;
  /** Where the request goes on: with another key, with another provider, or not at all. */
  readonly goesOn: 'key' | 'provider' | 'not';
  readonly told: Told;
  /** Calls that one request makes when there is one key only; default 1. */
  readonly calls?: number;
}

export const SECOND_MS = 1_000;
export const HOUR_MS = 3_600_000;
export const SHANGHAI_MS = 8 * HOUR_MS;

export const noRoom = (text: RegExp, retryAfter: Told['retryAfter']): Told => ({
  status: 429,
  type: 'rate_limit_error',
  text,
  retryAfter,
});
export const BUSY: Told = {
  status: 529,
  type: 'overloaded_error',
  text: /\(busy\)/,
  retryAfter: 1,
};
export const FAILED: Told = { status: 502, type: 'api_error', text: /./, retryAfter: 'some' };
export const LATE: Told = { status: 504, type: 'api_error', text: /./, retryAfter: 'some' };
export const REFUSED: Told = {
  status: 400,
  type: 'invalid_request_error',
  text: /./,
  retryAfter: 'none',
};
export const NO_MODEL: Told = {
  status: 404,
  type: 'not_found_error',
  text: /./,
  retryAfter: 'none',
};
export const NO_KEY: Told = {
  status: 502,
  type: 'api_error',
  text: /Every key was refused by its provider \(p\/one\)/,
  retryAfter: 'none',
  shouldRetry: 'false',
};
export const NO_MONEY: Told = {
  status: 429,
  type: 'rate_limit_error',
  text: /./,
  retryAfter: 'none',
  shouldRetry: 'false',
};
export const TOO_LONG: Told = {
  ...REFUSED,
  text: /^prompt is too long: \d+ tokens > \d+ maximum$/,
};

export interface Outcome
  extends Pick<RefusalRow, 'rests' | 'until' | 'reason' | 'goesOn' | 'told'> {
  readonly calls?: number;
}

export const limited = (until: Outcome['until'], text = /\(rate_limit\)/): Outcome => ({
  rests: 'key-model',
  until,
  reason: 'rate_limit',
  goesOn: 'key',
  told: noRoom(text, 'some'),
});
export const spent = (until: Outcome['until'], text: RegExp): Outcome => ({
  ...limited(until, text),
  rests: 'org-model',
});
export const busy = (until: number = SECOND_MS): Outcome => ({
  rests: 'model',
  until,
  reason: 'busy',
  goesOn: 'provider',
  told: { ...BUSY, retryAfter: until / SECOND_MS },
});
export const off = (rests: 'key' | 'key-model', reason: string, told: Told): Outcome => ({
  rests,
  until: 'disabled',
  reason,
  goesOn: 'key',
  told,
});
export const broke = (rests: 'key' | 'org'): Outcome => ({
  rests,
  until: HOUR_MS,
  reason: 'balance',
  goesOn: 'key',
  told: NO_MONEY,
});
export const nothing = (goesOn: RefusalRow['goesOn'], told: Told, calls = 1): Outcome => ({
  rests: 'nobody',
  until: 0,
  reason: '',
  goesOn,
  told,
  calls,
});
export const FAULT = nothing('key', FAILED, 4);
export const LATE_FAULT = nothing('key', LATE, 4);
export const CALLER = nothing('not', REFUSED);

export type Said = Pick<RefusalRow, 'body' | 'headers' | 'rules'>;

export const row = (
  preset: Preset['name'],
  name: string,
  status: number,
  said: Said | RefusalRow['body'],
  outcome: Outcome,
): RefusalRow => {
  const known = typeof said === 'object' ? said : { body: said };
  return { preset, name: `${preset}: ${status} ${name}`, status, ...known, ...outcome };
};

/** The usual shape of an error. */
export const nested = (message: string, fields: Readonly<Record<string, string>> = {}): string =>
  JSON.stringify({ error: { message, ...fields } });

/** The next midnight in Shanghai. */
export const midnight = (nowMs: number): number =>
  (Math.floor((nowMs + SHANGHAI_MS) / (24 * HOUR_MS)) + 1) * 24 * HOUR_MS - SHANGHAI_MS;

export const coded = (code: string, message = 'm'): string => nested(message, { code });

export function anthropicError(type: string, message: string): string {
  return JSON.stringify({ type: 'error', error: { type, message } });
}

/** Cerebras' shape: no `error` around it. */
export const flat = (code: string, message: string): string =>
  JSON.stringify({ message, type: 't', param: 'quota', code });
