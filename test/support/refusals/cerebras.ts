/** Cerebras' refusals: flat bodies, quotas by org and model. */
import {
  busy,
  CALLER,
  flat,
  HOUR_MS,
  NO_KEY,
  nested,
  nothing,
  off,
  type RefusalRow,
  row,
  spent,
  TOO_LONG,
} from './outcomes.ts';

export const RESETS = {
  'x-ratelimit-limit-tokens-minute': '60000',
  'x-ratelimit-remaining-tokens-minute': '0',
  'x-ratelimit-reset-tokens-minute': '11.5',
  'x-ratelimit-remaining-requests-day': '100',
  'x-ratelimit-reset-requests-day': '33011.38',
};

export const CEREBRAS: readonly RefusalRow[] = [
  row('cerebras', 'queue', 429, { body: flat('queue_exceeded', 'x'), headers: RESETS }, busy()),
  row(
    'cerebras',
    'requests of a minute',
    429,
    flat('request_quota_exceeded', 'Requests per minute limit exceeded - too many requests sent.'),
    spent(2_000, /requests per minute \(rate_limit\)/),
  ),
  row(
    'cerebras',
    'requests of a day',
    429,
    {
      body: flat('request_quota_exceeded', 'Requests per day limit exceeded'),
      headers: { 'x-ratelimit-reset-requests-day': '33011.38' },
    },
    spent(33_011_380, /Approaching daily request limit.*requests per day \(rate_limit\)/),
  ),
  row(
    'cerebras',
    'tokens of an hour, which are whole after an hour',
    429,
    {
      body: flat('token_quota_exceeded', 'Tokens per hour limit exceeded'),
      headers: { 'retry-after': '9000' },
    },
    spent(HOUR_MS, /tokens per hour \(rate_limit\)/),
  ),
  row(
    'cerebras',
    'tokens, told inside of an answer',
    200,
    nested('token quota is not enough'),
    spent(2_000, /tokens per minute \(rate_limit\)/),
  ),
  row('cerebras', 'key', 401, flat('wrong_api_key', 'Wrong API Key'), off('key', 'auth', NO_KEY)),
  row(
    'cerebras',
    'context',
    400,
    flat(
      'x',
      'Please reduce the length of the messages. Current length is 42328 while limit is 40000',
    ),
    nothing('not', { ...TOO_LONG, text: /^prompt is too long: 42328 tokens > 40000 maximum$/ }),
  ),
  row('cerebras', 'format', 400, flat('wrong_api_format', 'property unsupported'), CALLER),
];
