/** What the codes of Zhipu and Z.ai mean (WIRE.md §F.4). The status says little: 429 stands for
 *  balance, locked accounts and expiry too, so every row goes by the code. */
import type { ErrorRule } from './types.ts';

const HOUR_MS = 3_600_000;
const BUSY_MS = 1_000;
/** A rest for a window of hours whose end the text does not tell. */
const UNTOLD_MS = 300_000;
/** Times in texts, and the end of a day, are those of Shanghai. */
const SHANGHAI_MINUTES = 480;

type Row = Omit<ErrorRule, 'restMs'> & { readonly restMs?: number };

const row = (rule: Row): ErrorRule => ({ restMs: 0, ...rule });

const failed = { scope: 'request', action: 'retry', answer: 'UPSTREAM_FAILED' } as const;
const refused = { scope: 'request', action: 'give-up', answer: 'PROVIDER_REFUSED' } as const;
const keyDisabled = { scope: 'key', action: 'disable', answer: 'KEYS_REFUSED' } as const;
const noModel = {
  scope: 'model',
  action: 'retry',
  answer: 'MODEL_NOT_FOUND',
  reason: 'model_not_found',
} as const;

export const zhipuErrors: readonly ErrorRule[] = [
  row({
    ...keyDisabled,
    code: ['1000', '1001', '1002', '1003', '1004', '1100'],
    reason: 'auth',
  }),
  row({ ...keyDisabled, code: ['1110', '1111', '1112', '1121'], reason: 'account' }),
  // Also the answer to a coding plan's key on the pay-as-you-go endpoint.
  row({
    code: ['1113'],
    scope: 'org',
    action: 'cool',
    restMs: HOUR_MS,
    answer: 'BALANCE_EXHAUSTED',
    reason: 'balance',
  }),
  row({
    code: ['1120'],
    scope: 'key',
    action: 'cool',
    answer: 'UPSTREAM_FAILED',
    reason: 'account',
  }),
  row({ ...failed, code: ['500', '1200', '1230', '1234'], reason: 'server_error' }),
  row({
    ...refused,
    code: ['1210', '1212', '1213', '1214', '1215', '1231'],
    reason: 'invalid_request',
  }),
  row({ ...noModel, code: ['1211', '1221', '1222'] }),
  row({
    code: ['1220'],
    scope: 'key-model',
    action: 'disable',
    answer: 'KEYS_REFUSED',
    reason: 'no_access',
  }),
  row({
    code: ['1261'],
    scope: 'request',
    action: 'give-up',
    answer: 'PROMPT_TOO_LONG',
    reason: 'prompt_too_long',
  }),
  row({ ...refused, code: ['1300', '1301'], reason: 'policy' }),
  row({
    code: ['1302'],
    scope: 'key-model',
    action: 'lower-concurrency',
    restMs: BUSY_MS,
    answer: 'NO_ROOM',
    reason: 'concurrency',
  }),
  row({ code: ['1303'], scope: 'key', action: 'cool', answer: 'NO_ROOM', reason: 'rate_limit' }),
  row({
    code: ['1304'],
    scope: 'key-model',
    action: 'cool',
    answer: 'NO_ROOM',
    reason: 'rate_limit',
    quota: 'requests_day',
    textZoneMinutes: SHANGHAI_MINUTES,
  }),
  row({
    code: ['1305'],
    scope: 'model',
    action: 'cool',
    restMs: BUSY_MS,
    answer: 'PROVIDER_BUSY',
    reason: 'busy',
  }),
  row({
    code: ['1308', '1310', '1316', '1317', '1318', '1319', '1320', '1321'],
    scope: 'org',
    action: 'cool',
    restMs: UNTOLD_MS,
    answer: 'NO_ROOM',
    reason: 'usage_limit',
    textZoneMinutes: SHANGHAI_MINUTES,
  }),
  row({
    code: ['1309'],
    scope: 'key',
    action: 'disable',
    answer: 'BALANCE_EXHAUSTED',
    reason: 'plan_expired',
  }),
  row({
    code: ['1311'],
    scope: 'key-model',
    action: 'disable',
    answer: 'MODEL_NOT_FOUND',
    reason: 'no_access',
  }),
  row({
    code: ['1312'],
    scope: 'model',
    action: 'cool',
    answer: 'PROVIDER_BUSY',
    reason: 'busy',
  }),
  row({ ...keyDisabled, code: ['1313'], reason: 'fair_use' }),
  row({
    status: [434],
    scope: 'key-model',
    action: 'disable',
    answer: 'KEYS_REFUSED',
    reason: 'no_access',
  }),
  row({ ...refused, status: [435], answer: 'BODY_TOO_LARGE', reason: 'too_large' }),
];
