/**
 * How does a refusal look in the words of the one that is played? Status, body, extra headers.
 *
 * Cerebras: a flat body (WIRE.md §E.4). Zhipu: `{"error":{"code","message"}}`, the code a string,
 * and the time of a window limit in the text, in UTC+8 without saying so (WIRE.md §F.4).
 */
import type { RefusalFault } from './faults.ts';
import type { QuotaName } from './limiter.ts';
import type { SimulatorDialect } from './types.ts';

export interface Refusal {
  readonly status: number;
  readonly body: string;
  readonly contentType?: string;
  /** Whether `x-ratelimit-*` belong to it: a busy queue and a bad request come without. */
  readonly rateHeaders?: boolean;
  /** When to come back; sent as `retry-after` where that is switched on or was asked for. */
  readonly retryAfterS?: number;
}

/** A fault of the request itself, found by strictness.ts. */
export interface Complaint {
  /** Cerebras `param`, e.g. `validation_error`, `tools`. */
  readonly param: string;
  /** Zhipu's code. */
  readonly code: string;
  readonly message: string;
}

const flat = (
  status: number,
  type: string,
  code: string,
  param: string,
  message: string,
): Refusal => ({
  status,
  body: JSON.stringify({ message, type, param, code }),
});

const wrapped = (status: number, code: string, message: string): Refusal => ({
  status,
  body: JSON.stringify({ error: { code, message } }),
});

export function complaint(dialect: SimulatorDialect, found: Complaint): Refusal {
  const { param, code, message } = found;
  if (dialect === 'zhipu') return wrapped(400, code, message);
  return flat(400, 'invalid_request_error', 'wrong_api_format', param, message);
}

export function notFound(dialect: SimulatorDialect, method: string, path: string): Refusal {
  const message = `No such endpoint: ${method} ${path}`;
  if (dialect === 'zhipu') return wrapped(404, '1222', message);
  return flat(404, 'not_found_error', 'not_found', 'path', message);
}

export function tooLarge(dialect: SimulatorDialect): Refusal {
  const message = 'Request body too large';
  if (dialect === 'zhipu') return wrapped(413, '1210', message);
  return flat(413, 'invalid_request_error', 'payload_too_large', 'body', message);
}

export function unknownKey(dialect: SimulatorDialect): Refusal {
  if (dialect === 'zhipu') return wrapped(401, '1000', 'Authentication failed');
  return flat(401, 'invalid_request_error', 'wrong_api_key', 'api_key', 'Wrong API Key');
}

export function unknownModel(dialect: SimulatorDialect, model: string): Refusal {
  if (dialect === 'zhipu') {
    return wrapped(400, '1211', `Unknown model ${model}, please check the model code.`);
  }
  const message = `Model ${model} does not exist or you do not have access to it.`;
  return flat(404, 'not_found_error', 'model_not_found', 'model', message);
}

/** `length` and `limit` in tokens; the wording is what clients match on (WIRE.md §E.4, §F.4). */
export function contextExceeded(dialect: SimulatorDialect, length: number, limit: number): Refusal {
  if (dialect === 'zhipu') return wrapped(400, '1261', 'Prompt exceeds max length');
  const message =
    'Please reduce the length of the messages or completion. ' +
    `Current length is ${length} while limit is ${limit}`;
  return flat(400, 'invalid_request_error', 'context_length_exceeded', 'messages', message);
}

const CEREBRAS_QUOTAS: Readonly<Record<QuotaName, readonly [words: string, tokens: boolean]>> = {
  requests_minute: ['Requests per minute', false],
  requests_day: ['Requests per day', false],
  tokens_minute: ['Tokens per minute', true],
  total_tokens_minute: ['Total tokens per minute', true],
  tokens_day: ['Tokens per day', true],
  concurrent: ['Concurrent requests', false],
  window: ['Requests per window', false],
};

const ZHIPU_QUOTAS: Readonly<Record<Exclude<QuotaName, 'window'>, readonly [string, string]>> = {
  requests_minute: ['1303', 'Rate limit reached for requests, please control the frequency'],
  requests_day: ['1304', 'Daily call limit reached for this API'],
  tokens_minute: ['1303', 'Rate limit reached for tokens, please control the frequency'],
  total_tokens_minute: ['1303', 'Rate limit reached for tokens, please control the frequency'],
  tokens_day: ['1304', 'Daily token limit reached for this API'],
  concurrent: ['1302', 'High concurrency usage of this API, please reduce concurrency'],
};

/** A limit that has no room. `waitMs` as the limiter said it, `hours` of the window limit. */
export function limitReached(
  dialect: SimulatorDialect,
  quota: QuotaName,
  waitMs: number,
  nowMs: number,
  hours: number,
): Refusal {
  const retryAfterS = Number.isFinite(waitMs) ? Math.max(1, Math.ceil(waitMs / 1_000)) : 60;
  if (dialect === 'zhipu') {
    if (quota === 'window') return { ...windowReached(nowMs + waitMs, hours), retryAfterS };
    const [code, message] = ZHIPU_QUOTAS[quota];
    return { ...wrapped(429, code, message), rateHeaders: true, retryAfterS };
  }
  const [words, tokens] = CEREBRAS_QUOTAS[quota];
  const rest = tokens ? 'too many tokens processed' : 'too many requests sent';
  const kind = tokens ? 'token' : 'request';
  const refusal = flat(
    429,
    `too_many_${kind}s_error`,
    `${kind}_quota_exceeded`,
    'quota',
    `${words} limit exceeded - ${rest}.`,
  );
  return { ...refusal, rateHeaders: true, retryAfterS };
}

function windowReached(resetMs: number, hours: number): Refusal {
  const reset = `Your limit will reset at ${shanghai(resetMs)}`;
  return wrapped(429, '1308', `Usage limit reached for ${hours} hour. ${reset}`);
}

const UTC_PLUS_8_MS = 8 * 3_600_000;

/** `YYYY-MM-DD HH:mm:ss` in UTC+8, rounded up to a second: at that time there is room. */
export function shanghai(timeMs: number): string {
  const shifted = new Date(Math.ceil(timeMs / 1_000) * 1_000 + UTC_PLUS_8_MS);
  return shifted.toISOString().slice(0, 19).replace('T', ' ');
}

const PAGE = '<html><head><title>502 Bad Gateway</title></head><body>Bad Gateway</body></html>';

/** The refusal that a fault asks for. `afterS`: its argument. */
export function faultRefusal(
  dialect: SimulatorDialect,
  what: RefusalFault,
  afterS: number | undefined,
  model: string,
  nowMs: number,
): Refusal {
  const after = afterS === undefined ? {} : { retryAfterS: afterS };
  switch (what) {
    case '429': {
      const quota = dialect === 'zhipu' ? 'concurrent' : 'requests_minute';
      const { status, body } = limitReached(dialect, quota, 0, nowMs, 5);
      return { status, body, rateHeaders: true, ...after };
    }
    case '429tok': {
      const quota = dialect === 'zhipu' ? 'window' : 'tokens_minute';
      const waitMs = (afterS ?? 5) * 1_000;
      const { status, body } = limitReached(dialect, quota, waitMs, nowMs, 5);
      return { status, body, rateHeaders: true, ...after };
    }
    case 'busy':
      return { ...busy(dialect), ...after };
    case '500':
    case '503':
      return broken(dialect, Number(what));
    case '401':
      return unknownKey(dialect);
    case '402':
      return unpaid(dialect);
    case '404model':
      return unknownModel(dialect, model);
    case '400ctx':
      return contextExceeded(dialect, 140_000, 131_072);
    case 'html':
      return { status: 502, body: PAGE, contentType: 'text/html' };
    default: {
      const never: never = what;
      return never;
    }
  }
}

function busy(dialect: SimulatorDialect): Refusal {
  if (dialect === 'zhipu') {
    return wrapped(
      429,
      '1305',
      'The service may be temporarily overloaded, please try again later',
    );
  }
  const message = "We're experiencing high traffic right now! Please try again soon.";
  return flat(429, 'too_many_requests_error', 'queue_exceeded', 'queue', message);
}

function broken(dialect: SimulatorDialect, status: number): Refusal {
  const message = status === 500 ? 'Internal server error' : 'Service unavailable';
  if (dialect === 'zhipu') return wrapped(status, status === 500 ? '500' : '1234', message);
  const code = status === 500 ? 'internal_error' : 'service_unavailable';
  return flat(status, 'server_error', code, 'server', message);
}

function unpaid(dialect: SimulatorDialect): Refusal {
  if (dialect === 'zhipu') {
    return wrapped(429, '1113', 'Insufficient balance or no resource package. Please recharge.');
  }
  const message = 'Payment required: your credits are exhausted.';
  return flat(402, 'payment_required_error', 'payment_required', 'quota', message);
}

/** The error object inside a stream (or in a JSON answer with status 200). */
export function errorChunk(dialect: SimulatorDialect, id: string): string {
  const message = 'The model failed while it answered';
  if (dialect === 'zhipu') return JSON.stringify({ error: { code: '1234', message } });
  const error = { message, type: 'server_error', param: 'model', code: 'internal_error', id };
  return JSON.stringify({ error, status_code: 500 });
}
