/** What a provider's headers can say about one quota, and how that is kept. */

export const QUOTAS = [
  'requests_minute',
  'requests_hour',
  'requests_day',
  'tokens_minute',
  'tokens_hour',
  'tokens_day',
] as const;
export type QuotaName = (typeof QUOTAS)[number];

/** What headers said about one quota; what they did not say is undefined. */
export interface RateReading {
  readonly quota: QuotaName;
  readonly limit?: number;
  readonly remaining?: number;
  readonly resetAtMs?: number;
}

/** From this index of QUOTAS on tokens are counted, before it requests. */
export const FIRST_TOKENS_QUOTA = 3;

export const MINUTE_MS = 60_000;
export const HOUR_MS = 60 * MINUTE_MS;
const WINDOWS_MS = [MINUTE_MS, HOUR_MS, 24 * HOUR_MS] as const;

/** The window of a quota, by its index in QUOTAS. */
export function windowOf(quota: number): number {
  return WINDOWS_MS[quota % WINDOWS_MS.length] as number;
}

/** A learned quota as it is kept. `remaining` is missing, and the rest of no meaning, where only
 *  the limit is known (0 = not even that). */
export interface LearnedCell {
  readonly quota: QuotaName;
  readonly limit: number;
  readonly remaining?: number;
  readonly resetInMs: number;
  readonly readAgoMs: number;
  readonly rolled: boolean;
}

/** More than any provider tells. */
export const MAX_VALUE = 2 ** 31 - 1;

/** A count as an Int32, or undefined for what cannot be one. */
export function counted(value: number | undefined): number | undefined {
  if (value === undefined || !(value >= 0 && value < MAX_VALUE)) return undefined;
  return Math.floor(value);
}
