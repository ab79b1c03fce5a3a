/**
 * The error table of every provider, after its own rows: what a status and the usual wordings mean.
 *
 * Must stay true: the last rows match any status, so that every refusal has a verdict; a caller's
 * own mistake (400 and its like) punishes nobody; a 429 that says nothing rests one model of one
 * key.
 */
import type { ErrorRule } from '../providers/types.ts';

const HOUR_MS = 3_600_000;
/** A busy provider is asked again after this; it is nobody's quota (SURFACE §4.6). */
export const BUSY_MS = 1_000;

/** The prompt (with the answer asked for) is larger than the model's window, in anyone's words. */
const PROMPT_TOO_LONG = new RegExp(
  [
    'prompt is too long',
    'prompt_too_long',
    'context[_ ]length',
    'context[_ ]window',
    'contextwindowexceeded',
    'maximum context',
    'exceeds? context limit',
    'reduce the length of',
    'input is too long',
    'input (?:token count|length) .{0,80}exceed',
    'prompt token count of',
    'too many (?:input |prompt )?tokens in',
    'Prompt ?超长',
    '超过.{0,12}(?:最大|上下文)',
  ].join('|'),
  'i',
);
const POLICY =
  /content[_ ](?:policy|filter|management)|safety (?:system|policy)|responsible ai|moderation/i;
/** In one sentence; a dot inside of a word (`glm-4.6`) does not end it. */
const GONE = [
  'not[_ ]found',
  '(?:does|do|did) not exist',
  'no longer (?:available|exist|supported)',
  '(?:is|was|been) (?:unknown|decommissioned|deprecated|retired)',
].join('|');
const NO_SUCH_MODEL = new RegExp(
  [
    `\\bmodels?\\b(?:[^.]|\\.\\S){0,120}(?:${GONE})`,
    'model[_ ]not[_ ]found',
    '(?:no such|unknown|invalid) model\\b',
  ].join('|'),
  'i',
);
const NO_ACCESS = /(?:not have access to|no access to|not allowed to use).{0,40}model/i;
const HTML = /^(?:an HTML page|<)/i;
const BALANCE = /insufficient[_ ](?:quota|balance|funds|credit)|exceeded your current quota/i;

type Row = Omit<ErrorRule, 'restMs'> & { readonly restMs?: number };

const row = (rule: Row): ErrorRule => ({ restMs: 0, ...rule });

const rateLimit = {
  scope: 'key-model',
  action: 'cool',
  answer: 'NO_ROOM',
  reason: 'rate_limit',
} as const;
const busy = {
  scope: 'model',
  action: 'cool',
  restMs: BUSY_MS,
  answer: 'PROVIDER_BUSY',
  reason: 'busy',
} as const;
const failed = {
  scope: 'request',
  action: 'retry',
  answer: 'UPSTREAM_FAILED',
  reason: 'server_error',
} as const;
const refused = {
  scope: 'request',
  action: 'give-up',
  answer: 'PROVIDER_REFUSED',
  reason: 'invalid_request',
} as const;
const noModel = {
  scope: 'model',
  action: 'retry',
  answer: 'MODEL_NOT_FOUND',
  reason: 'model_not_found',
} as const;

export const DEFAULT_RULES: readonly ErrorRule[] = [
  row({
    status: [200, 400, 404, 413, 422, 500, 502],
    text: PROMPT_TOO_LONG,
    scope: 'request',
    action: 'give-up',
    answer: 'PROMPT_TOO_LONG',
    reason: 'prompt_too_long',
  }),
  row({ ...refused, status: [200, 400, 403, 422, 451], text: POLICY, reason: 'policy' }),
  row({
    status: [402, 429],
    text: BALANCE,
    scope: 'key',
    action: 'cool',
    restMs: HOUR_MS,
    answer: 'BALANCE_EXHAUSTED',
    reason: 'balance',
  }),
  row({
    status: [402],
    scope: 'key',
    action: 'cool',
    restMs: HOUR_MS,
    answer: 'BALANCE_EXHAUSTED',
    reason: 'balance',
  }),
  row({
    status: [401, 403],
    text: NO_ACCESS,
    scope: 'key-model',
    action: 'disable',
    answer: 'MODEL_NOT_FOUND',
    reason: 'no_access',
  }),
  row({ ...noModel, status: [400, 403, 404, 410], code: ['model_not_found'] }),
  row({ ...noModel, status: [400, 403, 404, 410], text: NO_SUCH_MODEL }),
  row({ ...noModel, status: [404, 410] }),
  // A page from something in between (a firewall) says nothing about the key.
  row({ ...failed, status: [401, 403], text: HTML, reason: 'blocked' }),
  row({
    status: [401, 403],
    scope: 'key',
    action: 'disable',
    answer: 'KEYS_REFUSED',
    reason: 'auth',
  }),
  row({ ...failed, status: [408], answer: 'UPSTREAM_TIMEOUT', reason: 'timeout' }),
  row({ ...refused, status: [413], answer: 'BODY_TOO_LARGE', reason: 'too_large' }),
  row({ ...failed, status: [409, 421, 425] }),
  row({ ...busy, code: ['overloaded_error', 'overloaded', 'server_overloaded'] }),
  // OpenAI: one request above the whole minute's quota. No rest makes it fit this key.
  row({
    status: [429],
    text: /^request too large/i,
    scope: 'request',
    action: 'retry',
    answer: 'NO_ROOM',
    reason: 'too_large',
  }),
  row({ ...rateLimit, status: [429] }),
  row({ ...rateLimit, code: ['rate_limit_error', 'rate_limit_exceeded', 'too_many_requests'] }),
  row({ ...busy, status: [503, 529] }),
  row({ ...failed, status: [504, 522, 524], answer: 'UPSTREAM_TIMEOUT', reason: 'timeout' }),
];

/** What no row matches: a 4xx is the request's fault, anything else the provider's. */
export const LAST_RULES = { refused: row(refused), failed: row(failed) };
