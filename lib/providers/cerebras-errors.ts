/** What Cerebras' refusals mean (WIRE.md §E.4). Its limits are per org and model; other statuses
 *  mean what they mean everywhere (lib/quotas/default-rules.ts). */
import type { ErrorRule } from './types.ts';

const quota = {
  scope: 'key-model',
  action: 'cool',
  restMs: 0,
  answer: 'NO_ROOM',
  reason: 'rate_limit',
} as const;

export const cerebrasErrors: readonly ErrorRule[] = [
  // Its own queue is full: nobody's quota, over in about a second.
  {
    code: ['queue_exceeded'],
    scope: 'model',
    action: 'cool',
    restMs: 1_000,
    answer: 'PROVIDER_BUSY',
    reason: 'busy',
  },
  { ...quota, code: ['token_quota_exceeded'], quota: 'tokens_minute' },
  { ...quota, code: ['request_quota_exceeded'], quota: 'requests_minute' },
  { ...quota, text: /token quota is not enough/i, quota: 'tokens_minute' },
  {
    code: ['wrong_api_key'],
    scope: 'key',
    action: 'disable',
    restMs: 0,
    answer: 'KEYS_REFUSED',
    reason: 'auth',
  },
];
