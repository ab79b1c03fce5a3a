/**
 * The listening side: accepts connections, guards, looks the route up, catches at the edge, drains.
 *
 * Must stay true: only this file listens; a request that fails inside ends alone; while draining,
 * new requests get a 503 and those in flight finish, to their last byte.
 */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { type AddressInfo, Server as NetServer, type Socket } from 'node:net';
import { draining, type LocalCall, notFound, refuse } from './answer.ts';
import type { ServerConfig } from './config/types.ts';
import { Connections, DEADLINES, type Deadlines } from './connections.ts';
import { asGatewayError, type Dialect, framesOf, GatewayError } from './errors.ts';
import { type Endpoint, Exchange } from './exchange.ts';
import { checkFraming, settleTarget } from './framing.ts';
import type { Gateway } from './gateway.ts';
import { registerGauges } from './gauges.ts';
import { compileGuard, type Guard, NOBODY } from './guard.ts';
import { FIRST_REQUEST_MS, PULSE_MS } from './limits.ts';
import { Overload, type OverloadBound, overloaded } from './overload.ts';
import { handle } from './pipeline.ts';
import { Roster } from './roster.ts';
import { compileRoutes, type Router } from './router.ts';
import { type Route, routesOf } from './routes/index.ts';
import { TakenBody } from './taken-body.ts';
import { type ProcessLoad, processProbe } from './telemetry/process-metrics.ts';
import { answersOf } from './whole-answer.ts';

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
  /** New requests go to this gateway; those that are here finish on theirs. No connection closes.
   *  The address stays what it is. */
  swap(gateway: Gateway): void;
}

/** Calls back once per PULSE_MS, until what it returns is called. */
export type Ticker = (pulse: () => void) => () => void;

const everySecond: Ticker = (pulse) => {
  const timer = setInterval(pulse, PULSE_MS).unref();
  return () => clearInterval(timer);
};

export interface ServerOptions {
  /** Silent streams are held and kept awake at its pace. */
  readonly ticker?: Ticker | undefined;
  /** Measures the process at each pulse; by default the one that runs here. */
  readonly probe?: (() => ProcessLoad) | undefined;
  readonly bounds?: readonly OverloadBound[] | undefined;
  readonly deadlines?: Deadlines | undefined;
  /** A TCP socket that listens already, in place of the address of the configuration. */
  readonly fd?: number | undefined;
  /** Other threads listen on the same port: the system hands out the connections. */
  readonly reusePort?: boolean | undefined;
}

/** Listens on `config.server`, or on the socket given. Rejects with the system's error (EADDRINUSE,
 *  EACCES, …), or when the socket is not one of TCP. */
export function startServer(gateway: Gateway, options: ServerOptions = {}): Promise<RunningServer> {
  return new Listener(gateway, options).listen(options);
}

/** The address that threads are to share, once it is clear that nobody has it: those who share a
 *  port are not told of others that do. Rejects as `startServer` does. */
export function claimAddress({ bindAddress, port }: ServerConfig): Promise<AddressInfo> {
  const probe = new NetServer();
  return new Promise((resolve, reject) => {
    probe.once('error', reject);
    probe.listen({ host: bindAddress, port }, () => {
      const bound = probe.address() as AddressInfo;
      probe.close(() => resolve(bound));
    });
  });
}

class Listener {
  readonly #server: Server;
  readonly #connections: Connections;
  readonly #live = new Roster<Exchange>();
  readonly #overload: Overload;
  /** Connections that have not carried a request yet: their first one was promised an answer. */
  readonly #fresh = new Set<Socket>();
  /** The socket is another's, who hands it to the next program: nobody needs to be refused. */
  readonly #hasSuccessor: boolean;
  #front: Front;
  #draining = false;
  #wasCut = false;
  #idle: (() => void) | null = null;
  #allKnown: (() => void) | null = null;

  constructor(gateway: Gateway, { probe, bounds, deadlines = DEADLINES, fd }: ServerOptions) {
    this.#hasSuccessor = fd !== undefined;
    this.#overload = new Overload(probe ?? processProbe(PULSE_MS), bounds);
    this.#front = compileFront(gateway);
    registerGauges(gateway);
    const { headersMs, checkMs } = deadlines;
    this.#server = createServer(
      {
        headersTimeout: headersMs,
        requestTimeout: 0, // a body is judged by its rate
        connectionsCheckingInterval: checkMs,
        requireHostHeader: false, // framing.ts refuses in our own words
        IncomingMessage: TakenBody,
        ServerResponse: answersOf(deadlines.keepAliveMs),
      },
      (request, response) => this.#onRequest(request, response),
    );
    this.#connections = new Connections(this.#server, deadlines);
    this.#server.on('checkContinue', (request, response) => this.#onContinue(request, response));
    this.#server.on('checkExpectation', (request, response) => {
      this.#onRequest(request, response, EXPECTATION);
    });
    this.#server.on('connection', (socket) => {
      this.#fresh.add(socket);
      socket.once('close', () => this.#leaveFresh(socket));
    });
  }

  listen({ ticker = everySecond, fd, reusePort }: ServerOptions): Promise<RunningServer> {
    const { bindAddress, port } = this.#front.gateway.config.server;
    const address = { host: bindAddress, port, ...(reusePort === true ? { reusePort } : {}) };
    return new Promise((resolve, reject) => {
      const onError = (error: Error) => reject(fd === undefined ? error : notTcp(fd, error));
      this.#server.once('error', onError);
      this.#server.listen(fd === undefined ? address : { fd }, () => {
        this.#server.off('error', onError);
        const bound = this.#server.address();
        if (bound === null || typeof bound === 'string') {
          this.#server.close();
          reject(notTcp(fd));
          return;
        }
        this.#connections.outliveErrors(this.#front.gateway.log);
        const stopTicker = ticker(() => this.#pulse());
        this.#server.once('close', stopTicker);
        resolve({
          address: bound.address,
          port: bound.port,
          drain: (timeoutMs) => this.#drain(timeoutMs),
          cut: () => this.#cut(),
          swap: (gateway) => this.#swap(gateway),
        });
      });
    });
  }

  /** A body that is announced as too large is not asked for (RFC 9110 §10.1.1). */
  #onContinue(request: IncomingMessage, response: ServerResponse): void {
    const announced = Number(request.headers['content-length'] ?? 0);
    if (announced <= this.#front.gateway.config.server.maxBodyBytes) response.writeContinue();
    this.#onRequest(request, response);
  }

  /** `fault`: known before anything was looked at. */
  #onRequest(request: IncomingMessage, response: ServerResponse, fault?: GatewayError): void {
    if (!this.#connections.began(request, response)) return;
    settleTarget(request);
    const { gateway, guard, router } = this.#front;
    const { url = '/', method = '', headers } = request;
    const { origin } = headers;
    const isFirst = this.#leaveFresh(request.socket);
    const call: Arrived = {
      gateway,
      request,
      response,
      dialect: dialectOf(url, gateway),
      rest: '',
      draining: this.#draining,
      overload: this.#overload.reason,
      client: null,
    };
    try {
      this.#checkFraming(request, fault);
      guard.checkOrigin(headers);
      if (origin !== undefined) {
        allowOrigin(response, guard.corsHeaders(headers));
        if (method === 'OPTIONS') {
          response.writeHead(204, guard.preflightHeaders(headers)).end();
          return;
        }
      }
      const owner = call.dialect === null ? NOBODY : guard.checkToken(headers);
      if (owner !== NOBODY) call.client = gateway.clients[owner] ?? null;
      const found = router.find(method, url);
      if ('allow' in found) throw notFound(found.allow, method, url);
      call.rest = found.rest;
      if (this.#draining && call.dialect !== null) {
        if (!isFirst && !this.#hasSuccessor) throw draining();
        response.shouldKeepAlive = false; // the next one goes to whoever listens then
      }
      this.#dispatch(found.handler, call);
    } catch (thrown) {
      refuse(call, thrown);
    }
  }

  #checkFraming(request: IncomingMessage, fault?: GatewayError): void {
    try {
      checkFraming(request);
      if (fault !== undefined) throw fault;
    } catch (thrown) {
      this.#connections.shut(request.socket);
      throw thrown;
    }
  }

  #dispatch(route: Route, local: LocalCall): void {
    switch (route.kind) {
      case 'local':
        void Promise.resolve(route.answer(local)).catch((thrown) => refuse(local, thrown));
        return;
      case 'proxied':
        this.#shed(local.gateway);
        this.#takeIn(route.endpoint, local);
        return;
      default: {
        const never: never = route;
        throw new Error(`unknown route ${String(never)}`);
      }
    }
  }

  /** Throws OVERLOADED where one more would slow down all. */
  #shed({ metrics }: Gateway): void {
    const reason = this.#overload.refusal(this.#live.size);
    if (reason === null) return;
    metrics.shedRequests.labels(reason).add();
    throw overloaded(reason);
  }

  /** In flight until the pipeline is through and the client has its last byte (or is gone). */
  #takeIn(endpoint: Endpoint, { gateway, request, response, rest, client }: LocalCall): void {
    const exchange = new Exchange(gateway, endpoint, request, response, rest, client);
    this.#live.add(exchange);
    let ends = 0;
    const end = () => {
      ends += 1;
      if (ends === 2) this.#forget(exchange);
    };
    response.once('close', () => {
      end();
      if (!response.writableFinished) exchange.abort();
    });
    void handle(exchange).then(end, (thrown) => {
      giveUp(exchange, response, thrown);
      end();
    });
  }

  #forget(exchange: Exchange): void {
    this.#live.delete(exchange);
    if (this.#live.size === 0) this.#idle?.();
  }

  /** Whoever waits on an earlier gateway looks again: limits may have changed, which all share. */
  #swap(gateway: Gateway): void {
    this.#front = compileFront(gateway);
    registerGauges(gateway);
    gateway.waiting.onRelease();
  }

  #pulse(): void {
    this.#overload.look(this.#front.gateway.log);
    for (const exchange of this.#live.all()) {
      try {
        exchange.reply.pulse(PULSE_MS);
      } catch (thrown) {
        exchange.abort(asGatewayError(thrown));
      }
    }
  }

  async #drain(timeoutMs: number): Promise<boolean> {
    this.#draining = true;
    // Not http.Server.close: that one also closes idle connections, whose next request is owed a
    // 503.
    NetServer.prototype.close.call(this.#server);
    await this.#awaitFirstRequests(timeoutMs);
    const clean = await this.#whenIdle(timeoutMs);
    if (!clean) this.#cut();
    this.#server.closeIdleConnections();
    await new Promise((resolve) => setImmediate(resolve));
    this.#server.closeAllConnections();
    return clean;
  }

  /** False: it was not fresh any more. */
  #leaveFresh(socket: Socket): boolean {
    if (this.#fresh.size === 0) return false;
    const wasFresh = this.#fresh.delete(socket);
    if (wasFresh && this.#fresh.size === 0) this.#allKnown?.();
    return wasFresh;
  }

  /** Whoever connected before the drain has hardly had the time to send. */
  async #awaitFirstRequests(timeoutMs: number): Promise<void> {
    if (this.#fresh.size === 0) return;
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, Math.min(timeoutMs, FIRST_REQUEST_MS));
      this.#allKnown = () => {
        clearTimeout(timer);
        resolve();
      };
    });
    await new Promise((resolve) => setImmediate(resolve)); // what has come by now is read
  }

  /** True: nothing is in flight any more; false: it was cut, or the time is over. */
  #whenIdle(timeoutMs: number): Promise<boolean> {
    if (this.#live.size === 0) return Promise.resolve(true);
    return new Promise((resolve) => {
      const timer = setTimeout(() => resolve(false), timeoutMs);
      this.#idle = () => {
        clearTimeout(timer);
        resolve(!this.#wasCut);
      };
    });
  }

  /** Those who read slowly are not waited for: the last frame is in their socket, or it is not. */
  #cut(): void {
    this.#wasCut ||= this.#live.size > 0;
    for (const exchange of this.#live.all()) {
      exchange.reply.fail(draining());
      exchange.abort(draining());
    }
    this.#idle?.();
    this.#allKnown?.();
  }
}

/** The last net: not even the error could be told. */
function giveUp({ gateway, id }: Exchange, response: ServerResponse, thrown: unknown): void {
  const fault = framesOf(asGatewayError(thrown));
  gateway.log.error('request given up', { request_id: id, fault });
  response.destroy();
}

function notTcp(fd = -1, cause?: Error): Error {
  const why = cause === undefined ? '' : ` (${cause.message})`;
  return new Error(`descriptor ${fd} is not a listening TCP socket${why}`);
}

function compileFront(gateway: Gateway): Front {
  return {
    gateway,
    guard: compileGuard(gateway.config.server),
    router: compileRoutes(routesOf(gateway.config)),
  };
}

/** A call while it is found out what it is. */
type Arrived = { -readonly [K in keyof LocalCall]: LocalCall[K] };

function allowOrigin(response: ServerResponse, cors: Readonly<Record<string, string>>): void {
  for (const name of Object.keys(cors)) response.setHeader(name, cors[name] as string);
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

/** `expect` with anything but `100-continue`. */
const EXPECTATION = new GatewayError('EXPECTATION_FAILED', 'The only expectation is 100-continue', {
  headers: { connection: 'close' },
});
