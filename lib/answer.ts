/**
 * What is answered here, without a provider: local routes, and requests refused at the edge.
 *
 * Must stay true: an answer leaves one line in the log, and a refusal is counted like the requests
 * that went down the road; neither holds anything of a body.
 */
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { ClientRuntime } from './clients.ts';
import {
  asGatewayError,
  type Dialect,
  errorBody,
  errorHeaders,
  framesOf,
  GatewayError,
  requestIdHeaders,
  statusOf,
} from './errors.ts';
import { newUniqueId } from './exchange.ts';
import type { Gateway } from './gateway.ts';
import { MAX_SHOWN_PATH_CHARS } from './limits.ts';
import type { OverloadReason } from './overload.ts';

/** A request that no provider will see. */
export interface LocalCall {
  readonly gateway: Gateway;
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  /** The words of its path's prefix; null: it lies under none (health, metrics, unknown). */
  readonly dialect: Dialect | null;
  /** The path behind a `/*` route's prefix. */
  readonly rest: string;
  readonly draining: boolean;
  /** Why new requests are refused; null: they are not. */
  readonly overload: OverloadReason | null;
  /** Null: nobody in particular, or not asked yet. */
  readonly client: ClientRuntime | null;
}

/** Answers 200 with what `make` gives, or with the error that it throws. Never rejects. */
export async function answerJson(call: LocalCall, make: () => unknown): Promise<void> {
  try {
    send(call, 200, JSON.stringify(await make()), {});
  } catch (thrown) {
    refuse(call, thrown);
  }
}

/** An error in the words of the call's prefix, Anthropic's where it has none. What may still come
 *  of the request's body is thrown away. */
export function refuse(call: LocalCall, thrown: unknown): void {
  const error = asGatewayError(thrown);
  const dialect = call.dialect ?? 'anthropic';
  const requestId = newRequestId();
  const status = statusOf(error.code, dialect);
  const headers = { ...requestIdHeaders(requestId, dialect), ...errorHeaders(error) };
  write(call, status, errorBody(error, dialect, requestId), headers);
  call.request.resume();
  if (call.dialect !== null) {
    const { requests, clientRequests } = call.gateway.metrics;
    requests.labels(dialect, '', 'other', String(status)).add();
    if (call.client !== null) {
      clientRequests.labels(call.client.config.name, String(status)).add();
    }
  }
  logLine(call, requestId, status, error);
}

/** One whole answer; a HEAD gets the headers alone. */
export function send(
  call: LocalCall,
  status: number,
  body: string,
  headers: Readonly<Record<string, string>>,
): void {
  const requestId = newRequestId();
  const ids = requestIdHeaders(requestId, call.dialect ?? 'anthropic');
  write(call, status, body, { ...ids, ...headers });
  logLine(call, requestId, status, null);
}

function newRequestId(): string {
  return `req_${newUniqueId()}`;
}

function write(
  { request, response }: LocalCall,
  status: number,
  body: string,
  headers: Readonly<Record<string, string>>,
): void {
  response.writeHead(status, {
    'content-type': 'application/json',
    'content-length': Buffer.byteLength(body),
    ...headers,
  });
  response.end(request.method === 'HEAD' ? undefined : body);
}

/** Scrapes and health checks come every few seconds, so what goes well there is a detail. */
function logLine(
  { gateway, request, dialect, client }: LocalCall,
  requestId: string,
  status: number,
  error: GatewayError | null,
): void {
  const { log } = gateway;
  // An overload has a line when it begins and one when it ends; one a request would feed it.
  const quiet = error === null ? dialect === null : error.code === 'OVERLOADED';
  const line = quiet ? log.debug : status >= 500 && error !== null ? log.error : log.info;
  line('request', {
    request_id: requestId,
    endpoint: dialect ?? undefined,
    client: client?.config.name,
    method: request.method?.slice(0, 20),
    path: pathOf(request.url),
    status,
    attempts: 0,
    error: error?.message,
    fault: framesOf(error),
  });
}

/** A path as texts show it: cut, and without its query, which may hold a credential. */
export function pathOf(url = '/'): string {
  return url.split('?', 1)[0]?.slice(0, MAX_SHOWN_PATH_CHARS) ?? '';
}

/** Nothing there (`allow` is empty), or not for this method. */
export function notFound(allow: string, method: string, url: string): GatewayError {
  const path = JSON.stringify(pathOf(url));
  if (allow === '') return new GatewayError('NOT_FOUND', `There is no ${path} here`);
  const message = `${path} does not take ${method.slice(0, 20)}, only ${allow}`;
  return new GatewayError('METHOD_NOT_ALLOWED', message, { headers: { allow } });
}

/** The proxy is stopping: told to new requests, and to those that did not end in time. */
export function draining(): GatewayError {
  return new GatewayError('DRAINING', 'The proxy is shutting down; try again in a moment', {
    retryAfterMs: 1_000,
    headers: { connection: 'close' },
  });
}
