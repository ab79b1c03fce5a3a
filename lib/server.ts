/**
 * The listening side: accepts connections, guards, looks the route up, catches at the edge, drains.
 *
 * Must stay true: only this file listens; a request that fails inside ends alone; while draining,
 * new requests get a 503 and those in flight finish.
 */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { type AddressInfo, Server as NetServer, type Socket } from 'node:net';
import {
  asGatewayError,
  type Dialect,
  errorBody,
  errorHeaders,
  GatewayError,
  requestIdHeaders,
  statusOf,
} from './errors.ts';
import { Exchange, newUniqueId } from './exchange.ts';
import type { Gateway } from './gateway.ts';
import { compileGuard, type Guard } from './guard.ts';
import { HEADERS_TIMEOUT_MS, KEEP_ALIVE_MS, PULSE_MS, REQUEST_TIMEOUT_MS } from './limits.ts';
import { handle } from './pipeline.ts';
import { compileRoutes, type Router } from './router.ts';
import { type Route, routesOf } from './routes/index.ts';

/** What a gateway compiles to on the listening side; swapped as a whole by a reload. */
interface Front {
  readonly gateway: Gateway;
  readonly guard: Guard;
  readonly router: Router<Route>;
}

export interface RunningServer {
  readonly address: string;
  readonly port: number;
  /** Stops listening and waits for what is in flight, at most `timeoutMs`; what is left then is cut
   *  with an error. Resolves to true when nothing was cut. */
  drain(timeoutMs: number): Promise<boolean>;
  /** Cuts everything that is in flight at once. */
  cut(): void;
}

/** Listens on `config.server`. Rejects with the system's error (EADDRINUSE, EACCES, …). */
export function startServer(gateway: Gateway): Promise<RunningServer> {
  return new Listener(gateway).listen();
}

class Listener {
  readonly #server: Server;
  readonly #live = new Set<Exchange>();
  readonly #front: Front;
  #draining = false;
  #idle: (() => void) | null = null;

  constructor(gateway: Gateway) {
    this.#front = {
      gateway,
      guard: compileGuard(gateway.config.server),
      router: compileRoutes(routesOf(gateway.config)),
    };
    this.#server = createServer(
      { headersTimeout: HEADERS_TIMEOUT_MS, requestTimeout: REQUEST_TIMEOUT_MS },
      (request, response) => this.#onRequest(request, response),
    );
    this.#server.keepAliveTimeout = KEEP_ALIVE_MS;
    this.#server.on('clientError', onClientError);
  }

  listen(): Promise<RunningServer> {
    const { bindAddress, port } = this.#front.gateway.config.server;
    return new Promise((resolve, reject) => {
      this.#server.once('error', reject);
      this.#server.listen({ host: bindAddress, port }, () => {
        this.#server.off('error', reject);
        const pulse = setInterval(() => this.#pulse(), PULSE_MS);
        pulse.unref();
        this.#server.once('close', () => clearInterval(pulse));
        const bound = this.#server.address() as AddressInfo;
        resolve({
          address: bound.address,
          port: bound.port,
          drain: (timeoutMs) => this.#drain(timeoutMs),
          cut: () => this.#cut(),
        });
      });
    });
  }

  #onRequest(request: IncomingMessage, response: ServerResponse): void {
    const { gateway, guard, router } = this.#front;
    const url = request.url ?? '/';
    const dialect = dialectOf(url, gateway);
    try {
      guard.checkOrigin(request.headers);
      this.#allowOrigin(request, response);
      if (request.method === 'OPTIONS' && request.headers.origin !== undefined) {
        response.writeHead(204).end();
        return;
      }
      if (dialect !== null) guard.checkToken(request.headers);
      const found = router.find(request.method ?? '', url);
      if ('allow' in found) throw notFound(found.allow, request.method ?? '', url);
      if (this.#draining && dialect !== null) throw draining();
      this.#dispatch(found.handler, found.rest, request, response);
    } catch (thrown) {
      refuse(thrown, dialect ?? 'anthropic', request, response, gateway);
    }
  }

  #dispatch(route: Route, rest: string, request: IncomingMessage, response: ServerResponse): void {
    const { gateway } = this.#front;
    if (route.kind === 'local') {
      route.answer({ gateway, request, response, rest, draining: this.#draining });
      return;
    }
    const exchange = new Exchange(gateway, route.endpoint, request, response, rest);
    this.#live.add(exchange);
    response.once('close', () => {
      if (!response.writableFinished) exchange.abort();
    });
    void handle(exchange).finally(() => this.#forget(exchange));
  }

  #allowOrigin(request: IncomingMessage, response: ServerResponse): void {
    const cors = this.#front.guard.corsHeaders(request.headers);
    for (const name of Object.keys(cors)) response.setHeader(name, cors[name] as string);
  }

  #forget(exchange: Exchange): void {
    this.#live.delete(exchange);
    if (this.#live.size === 0) this.#idle?.();
  }

  #pulse(): void {
    for (const exchange of this.#live) exchange.reply.pulse(PULSE_MS);
  }

  async #drain(timeoutMs: number): Promise<boolean> {
    this.#draining = true;
    // Not http.Server.close: that one also closes idle connections, whose next request is owed a 503.
    NetServer.prototype.close.call(this.#server);
    const clean = await this.#whenIdle(timeoutMs);
    if (!clean) this.#cut();
    this.#server.closeIdleConnections();
    await new Promise((resolve) => setImmediate(resolve));
    this.#server.closeAllConnections();
    return clean;
  }

  #whenIdle(timeoutMs: number): Promise<boolean> {
    if (this.#live.size === 0) return Promise.resolve(true);
    return new Promise((resolve) => {
      const timer = setTimeout(() => resolve(false), timeoutMs);
      this.#idle = () => {
        clearTimeout(timer);
        resolve(true);
      };
    });
  }

  #cut(): void {
    for (const exchange of this.#live) {
      exchange.reply.fail(draining());
      exchange.abort();
    }
  }
}

/** The dialect of a proxied path; null for others (health, metrics, unknown). */
function dialectOf(url: string, gateway: Gateway): Dialect | null {
  const { anthropicEndpoint, openaiEndpoint } = gateway.config.server;
  if (isBelow(url, anthropicEndpoint)) return 'anthropic';
  return isBelow(url, openaiEndpoint) ? 'openai' : null;
}

function isBelow(url: string, prefix: string): boolean {
  if (!url.startsWith(prefix)) return false;
  const next = url.charCodeAt(prefix.length);
  return Number.isNaN(next) || next === 0x2f || next === 0x3f;
}

function notFound(allow: string, method: string, url: string): GatewayError {
  const path = JSON.stringify(url.split('?')[0]?.slice(0, 200) ?? '');
  if (allow === '') return new GatewayError('NOT_FOUND', `There is no ${path} here`);
  const message = `${path} does not take ${method.slice(0, 20)}, only ${allow}`;
  return new GatewayError('METHOD_NOT_ALLOWED', message, { headers: { allow } });
}

function draining(): GatewayError {
  return new GatewayError('DRAINING', 'The proxy is shutting down; try again in a moment', {
    retryAfterMs: 1_000,
    headers: { connection: 'close' },
  });
}

/** An error before there is an exchange. The body that may be on its way is not waited for. */
function refuse(
  thrown: unknown,
  dialect: Dialect,
  request: IncomingMessage,
  response: ServerResponse,
  gateway: Gateway,
): void {
  const error = asGatewayError(thrown);
  const requestId = `req_${newUniqueId()}`;
  const body = errorBody(error, dialect, requestId);
  const status = statusOf(error.code, dialect);
  response.writeHead(status, {
    'content-type': 'application/json',
    'content-length': Buffer.byteLength(body),
    ...requestIdHeaders(requestId, dialect),
    ...errorHeaders(error),
  });
  response.end(request.method === 'HEAD' ? undefined : body);
  request.resume();
  const fields = { request_id: requestId, status, error: error.message };
  if (error.code === 'INTERNAL') gateway.log.error('request failed inside', { ...fields });
  else gateway.log.info('request refused', fields);
}

const CLIENT_ERRORS: Readonly<Record<string, string>> = {
  HPE_HEADER_OVERFLOW: '431 Request Header Fields Too Large',
  ERR_HTTP_REQUEST_TIMEOUT: '408 Request Timeout',
};

/** Bytes that are not HTTP: answered once where that is possible, then closed. */
function onClientError(error: NodeJS.ErrnoException, socket: Socket): void {
  if (!socket.writable || error.code === 'ECONNRESET') {
    socket.destroy();
    return;
  }
  const status = CLIENT_ERRORS[error.code ?? ''] ?? '400 Bad Request';
  const malformed = new GatewayError('INVALID_REQUEST', `Malformed HTTP request: ${status}`);
  const body = errorBody(malformed, 'anthropic', `req_${newUniqueId()}`);
  socket.end(
    `HTTP/1.1 ${status}\r\nconnection: close\r\ncontent-type: application/json\r\n` +
      `content-length: ${Buffer.byteLength(body)}\r\n\r\n${body}`,
    () => socket.destroy(),
  );
}
