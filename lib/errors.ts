/**
 * What can go wrong for a client, and how it is told.
 *
 * One class, one table. A code says the situation; the table says the status, the Anthropic error
 * type and the OpenAI type and code. An error is rendered once, in the dialect of the client.
 * Must stay true: a message never holds a secret (texts of providers pass `redact` first).
 */

export type Dialect = 'anthropic' | 'openai';

interface Row {
  readonly status: number;
  readonly anthropic: string;
  readonly openai: string;
  readonly openaiCode: string | null;
  /** Sent as `x-should-retry` when set: the SDKs and Claude Code obey it before any status. */
  readonly shouldRetry?: boolean;
}

const row = (
  status: number,
  anthropic: string,
  openai: string,
  openaiCode: string | null,
  shouldRetry?: boolean,
): Row => ({
  status,
  anthropic,
  openai,
  openaiCode,
  ...(shouldRetry === undefined ? {} : { shouldRetry }),
});

const ROWS = {
  INVALID_REQUEST: row(400, 'invalid_request_error', 'invalid_request_error', null),
  PROMPT_TOO_LONG: row(
    400,
    'invalid_request_error',
    'invalid_request_error',
    'context_length_exceeded',
  ),
  PROVIDER_REFUSED: row(400, 'invalid_request_error', 'invalid_request_error', null),
  UNAUTHENTICATED: row(
    401,
    'authentication_error',
    'authentication_error',
    'invalid_api_key',
    false,
  ),
  FORBIDDEN: row(403, 'permission_error', 'permission_error', null),
  NOT_FOUND: row(404, 'not_found_error', 'not_found_error', null),
  MODEL_NOT_FOUND: row(404, 'not_found_error', 'not_found_error', 'model_not_found'),
  METHOD_NOT_ALLOWED: row(405, 'invalid_request_error', 'invalid_request_error', null),
  EXPECTATION_FAILED: row(417, 'invalid_request_error', 'invalid_request_error', null),
  HEADERS_TOO_LARGE: row(431, 'invalid_request_error', 'invalid_request_error', null),
  BODY_TOO_LARGE: row(413, 'request_too_large', 'invalid_request_error', 'request_too_large'),
  NO_ROOM: row(429, 'rate_limit_error', 'rate_limit_error', 'rate_limit_exceeded'),
  BALANCE_EXHAUSTED: row(
    429,
    'rate_limit_error',
    'insufficient_quota',
    'insufficient_quota',
    false,
  ),
  // Never told to anyone: the client has hung up. The status is nginx's, for the log and the
  // metrics.
  CLIENT_GONE: row(499, 'api_error', 'server_error', 'client_gone'),
  INTERNAL: row(500, 'api_error', 'server_error', 'internal_error'),
  KEYS_REFUSED: row(502, 'api_error', 'server_error', 'provider_auth_failed', false),
  UPSTREAM_FAILED: row(502, 'api_error', 'server_error', 'upstream_error'),
  UPSTREAM_TIMEOUT: row(504, 'api_error', 'server_error', 'upstream_timeout'),
  DRAINING: row(503, 'overloaded_error', 'server_error', 'draining'),
  OVERLOADED: row(503, 'overloaded_error', 'server_error', 'proxy_overloaded'),
  PROVIDER_BUSY: row(529, 'overloaded_error', 'server_error', 'overloaded'),
} as const satisfies Record<string, Row>;

export type ErrorCode = keyof typeof ROWS;

export function isErrorCode(value: unknown): value is ErrorCode {
  return typeof value === 'string' && Object.hasOwn(ROWS, value);
}

/** OpenAI clients know no 529: a busy provider is their 503. */
const OPENAI_BUSY_STATUS = 503;

export interface ErrorDetails {
  /** Milliseconds until a repeat can succeed; rendered as `retry-after` in 1..59 s (a Claude Code
   *  client gives up at 61 and more: CLIENTS.md §3). */
  readonly retryAfterMs?: number;
  /** Overrides the table's `x-should-retry`. */
  readonly shouldRetry?: boolean;
  /** The field of an OpenAI request that is at fault (`error.param`). */
  readonly param?: string;
  /** `error.details.error_code` of the Anthropic dialect: what its SDK acts on without reading
   *  texts (WIRE.md §A.5). */
  readonly errorCode?: string;
  /** Extra response headers, such as `allow` of a 405. */
  readonly headers?: Readonly<Record<string, string>>;
  readonly cause?: unknown;
  /** What the log says in place of the message, where that may quote what a client has written. */
  readonly logged?: string;
}

export class GatewayError extends Error {
  readonly code: ErrorCode;
  readonly details: ErrorDetails;

  constructor(code: ErrorCode, message: string, details: ErrorDetails = {}) {
    super(message, details.cause === undefined ? undefined : { cause: details.cause });
    this.name = 'GatewayError';
    this.code = code;
    this.details = details;
  }
}

/** HTTP status of a code for a dialect. */
export function statusOf(code: ErrorCode, dialect: Dialect): number {
  const { status } = ROWS[code];
  return dialect === 'openai' && code === 'PROVIDER_BUSY' ? OPENAI_BUSY_STATUS : status;
}

/** The JSON body of an error in the client's dialect (WIRE.md §A.5, §D). */
export function errorBody(error: GatewayError, dialect: Dialect, requestId: string): string {
  const found = ROWS[error.code];
  if (dialect === 'openai') {
    return JSON.stringify({
      error: {
        message: error.message,
        type: found.openai,
        param: error.details.param ?? null,
        code: found.openaiCode,
      },
    });
  }
  const { errorCode } = error.details;
  const details = errorCode === undefined ? {} : { details: { error_code: errorCode } };
  return JSON.stringify({
    type: 'error',
    error: { type: found.anthropic, message: error.message, ...details },
    request_id: requestId,
  });
}

/** Names the request in a header; the SDK of OpenAI reads `requestID` from one of its own. */
export function requestIdHeaders(requestId: string, dialect: Dialect): Record<string, string> {
  const named = { 'request-id': requestId };
  return dialect === 'openai' ? { ...named, 'x-request-id': requestId } : named;
}

const MAX_RETRY_AFTER_S = 59;

/** Response headers that belong to an error: `retry-after`, `x-should-retry` and its own extras. */
export function errorHeaders(error: GatewayError): Record<string, string> {
  const headers: Record<string, string> = { ...error.details.headers };
  const { retryAfterMs, shouldRetry = (ROWS[error.code] as Row).shouldRetry } = error.details;
  if (retryAfterMs !== undefined) {
    const seconds = Math.ceil(retryAfterMs / 1_000);
    headers['retry-after'] = String(Math.min(MAX_RETRY_AFTER_S, Math.max(1, seconds)));
  }
  if (shouldRetry !== undefined) headers['x-should-retry'] = String(shouldRetry);
  return headers;
}

/** The last event of a stream that broke: nothing may follow it. */
export function errorFrame(error: GatewayError, dialect: Dialect, requestId: string): string {
  const body = errorBody(error, dialect, requestId);
  return dialect === 'openai' ? `data: ${body}\n\n` : `event: error\ndata: ${body}\n\n`;
}

/** Anything thrown, as a GatewayError. What is not one is our own fault: INTERNAL, without its
 *  text. */
export function asGatewayError(thrown: unknown): GatewayError {
  if (thrown instanceof GatewayError) return thrown;
  return new GatewayError('INTERNAL', 'Internal error in the proxy', { cause: thrown });
}

/** Where a fault of our own came from, for the log: name and frames. Not its text, which may quote
 *  a body. Undefined for every other error. */
export function framesOf(error: GatewayError | null): string | undefined {
  if (error?.code !== 'INTERNAL') return undefined;
  if (!(error.cause instanceof Error)) return typeof error.cause;
  const frames = (error.cause.stack ?? '').split('\n').filter((line) => /^ +at /.test(line));
  return [error.cause.name, ...frames.map((line) => line.trim())].join(' < ');
}
