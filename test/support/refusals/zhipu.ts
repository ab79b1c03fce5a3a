/** Zhipu's refusals: the code says it, the status little; times are those of Shanghai. */
import {
  anthropicError,
  broke,
  busy,
  CALLER,
  coded,
  FAILED,
  FAULT,
  HOUR_MS,
  limited,
  midnight,
  NO_KEY,
  NO_MODEL,
  NO_MONEY,
  noRoom,
  nothing,
  type Outcome,
  off,
  REFUSED,
  type RefusalRow,
  row,
  SECOND_MS,
  SHANGHAI_MS,
  spent,
  TOO_LONG,
} from './outcomes.ts';

/** A moment as Zhipu writes it: to the second, in its own zone. */
const shanghai = (atMs: number): string =>
  new Date(atMs + SHANGHAI_MS).toISOString().slice(0, 19).replace('T', ' ');
const inTwoHours = (nowMs: number): number =>
  Math.floor((nowMs + 2 * HOUR_MS) / SECOND_MS) * SECOND_MS;

const USAGE: Outcome = {
  rests: 'org',
  until: 300_000,
  reason: 'usage_limit',
  goesOn: 'key',
  told: noRoom(/\(usage_limit\)/, 59),
};

const each = (
  codes: string,
  name: string,
  status: number,
  outcome: Outcome,
  body: (code: string) => RefusalRow['body'] = (code) => coded(code),
): RefusalRow[] =>
  codes.split(' ').map((code) => row('zhipu', `${code} ${name}`, status, body(code), outcome));

export const ZHIPU: readonly RefusalRow[] = [
  ...each('1000 1001 1002 1003 1004 1100', 'key', 401, off('key', 'auth', NO_KEY)),
  ...each('1110 1111 1112 1121', 'account', 429, off('key', 'account', NO_KEY)),
  ...each('1113', 'balance', 429, broke('org')),
  ...each('1120', 'account unreachable', 429, {
    rests: 'key',
    until: 2_000,
    reason: 'account',
    goesOn: 'key',
    told: { ...FAILED, text: /\(account\)/, retryAfter: 2 },
  }),
  ...each('500 1200 1230 1234', 'internal', 500, FAULT),
  ...each('1210 1212 1213 1214 1215 1231', 'parameter', 400, CALLER),
  ...each('1214', 'with an index in the text', 400, CALLER, (code) =>
    coded(code, 'messages[1001].content[1302] is illegal'),
  ),
  ...each('1211 1221 1222', 'model', 404, nothing('provider', NO_MODEL)),
  ...each('1220', 'permission', 403, off('key-model', 'no_access', NO_KEY)),
  ...each('1261', 'prompt', 400, nothing('not', TOO_LONG)),
  ...each('1300 1301', 'policy', 400, CALLER),
  ...each('1302', 'concurrency', 429, {
    rests: 'key-model',
    until: SECOND_MS,
    reason: 'concurrency',
    goesOn: 'key',
    told: noRoom(/\(concurrency\)/, 1),
  }),
  ...each('1303', 'frequency', 429, { ...limited(2_000), rests: 'key' }),
  ...each('1304', 'calls of a day', 429, spent(midnight, /Approaching daily request limit/)),
  ...each('1305', 'traffic', 429, busy()),
  ...each('1308 1310 1316 1317 1318 1319 1320 1321', 'usage without a time', 429, USAGE),
  ...each(
    '1308 1310 1316 1317 1318 1319 1320 1321',
    'usage',
    429,
    { ...USAGE, until: inTwoHours },
    (code) => (nowMs) => coded(code, `Your limit will reset at ${shanghai(inTwoHours(nowMs))}`),
  ),
  ...each('1308', 'in front of the text', 429, USAGE, (code) =>
    anthropicError('rate_limit_error', `[${code}][Usage limit reached][2026]`),
  ),
  ...each('1309', 'plan expired', 429, off('key', 'plan_expired', NO_MONEY)),
  ...each('1311', 'plan lacks model', 429, off('key-model', 'no_access', NO_MODEL)),
  ...each('1312', 'model busy', 429, busy(2_000)),
  ...each('1313', 'fair use', 429, off('key', 'fair_use', NO_KEY)),
  row('zhipu', 'permission', 434, '', off('key-model', 'no_access', NO_KEY)),
  row('zhipu', 'file size', 435, '', {
    ...nothing('not', { ...REFUSED, status: 413, type: 'request_too_large' }),
  }),
];
