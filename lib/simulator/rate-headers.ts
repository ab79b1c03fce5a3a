/** Which `x-ratelimit-*` headers does an answer carry? Cerebras' names and units (WIRE.md §E.3). */
import type { BucketName, QuotaView } from './limiter.ts';

/** No header is known for the total-token bucket: the text of the 429 names it. */
const SUFFIXES: Readonly<Record<BucketName, string | undefined>> = {
  requests_minute: 'requests-minute',
  requests_day: 'requests-day',
  tokens_minute: 'tokens-minute',
  total_tokens_minute: undefined,
  tokens_day: 'tokens-day',
};

const MINUTE_MS = 60_000;
const DAY_MS = 86_400_000;

/** `calendar` counts to the end of the UTC minute or day, `full` until the bucket is full again.
 *  Resets are seconds from now with a fraction. */
export function rateHeaders(
  quotas: readonly QuotaView[],
  nowMs: number,
  style: 'full' | 'calendar',
): Record<string, string> {
  const headers: Record<string, string> = {};
  for (const { name, limit, remaining, fullInMs } of quotas) {
    const suffix = SUFFIXES[name];
    if (suffix === undefined) continue;
    const periodMs = suffix.endsWith('day') ? DAY_MS : MINUTE_MS;
    const resetMs = style === 'full' ? fullInMs : periodMs - (nowMs % periodMs);
    headers[`x-ratelimit-limit-${suffix}`] = String(limit);
    headers[`x-ratelimit-remaining-${suffix}`] = String(remaining);
    headers[`x-ratelimit-reset-${suffix}`] = String(resetMs / 1_000);
  }
  return headers;
}
