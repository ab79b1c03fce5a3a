/** What a provider's headers can say about one quota. */

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
