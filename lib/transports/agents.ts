/**
 * Which connection does a call get? One keep-alive pool per address, which Node's agents only fill.
 *
 * Node's own pool copies the options of a request twice, and sets a timer when a connection becomes
 * idle and takes it away with the next request: a fifth of what a small request costs. Here a
 * request gets an idle connection at once, and one timer serves all idle ones. Must stay true:
 * certificates are always checked, whatever the environment says; a connection on which bytes
 * arrive while nobody asked is ended, since the next caller would take them for its answer.
 */
import { type ClientRequest, Agent as HttpAgent } from 'node:http';
import { Agent as HttpsAgent, type AgentOptions as HttpsOptions } from 'node:https';
import type { Socket } from 'node:net';
import { createSecureContext } from 'node:tls';
import { FREE_SOCKET_MS } from '../limits.ts';
import { type Ca, CONNECT, makeDial, SECURE } from './dial.ts';
import { NO_PROXIES, type ProxyOf } from './forward-proxies.ts';
import { bareHost } from './headers.ts';
import { hintedMs } from './native/framing.ts';
import { type Pool, type Pooled, Pools } from './native/pool.ts';
import type { Origin } from './types.ts';
import { type TimeoutFault, Watch } from './watch.ts';

export interface Agents {
  /** Those of an origin. All origins of an address share its idle connections. */
  of(origin: Origin): OriginAgents;
  /** Ends idle connections. */
  endIdle(): void;
}

export interface OriginAgents {
  /** The pool. */
  readonly pooled: HttpAgent;
  /** Always a new connection, which is not kept. */
  readonly fresh: HttpAgent;
}

/** The call that a connection is for now. */
export interface Caller {
  /** What the line's `watch` was armed for. Nothing has been done about it. */
  onExpired(fault: TimeoutFault): void;
}

/** One connection, and what has to be known of it from call to call. */
export class Line implements Pooled {
  idleUntilMs = 0;
  /** How long it may be idle after the answer that comes on it now. */
  keepMs = FREE_SOCKET_MS;
  readonly socket: Socket;
  /** For the call that is on it. */
  readonly watch = new Watch((fault) => this.#caller?.onExpired(fault));
  #caller: Caller | undefined;

  constructor(socket: Socket) {
    this.socket = socket;
    socket.on('error', ignore); // told by 'close', where nobody else is there to be told
    socket.on('data', () => {
      if (this.#caller === undefined) socket.destroy();
    });
    socket.on('close', () => this.watch.stop());
  }

  get open(): boolean {
    return this.socket.writable;
  }

  begin(caller: Caller): void {
    this.#caller = caller;
    this.keepMs = FREE_SOCKET_MS;
  }

  /** False: no call was on it, or it is not to be kept. */
  release(): boolean {
    const kept = this.#caller !== undefined && this.keepMs > 0 && this.open;
    this.#caller = undefined;
    this.watch.disarm();
    return kept;
  }

  /** A server's own `keep-alive` hint. */
  heed(hint: string | undefined): void {
    if (hint !== undefined) this.keepMs = hintedMs(hint);
  }

  destroy(): void {
    this.socket.destroy();
  }
}

const LINE = Symbol('line');

/** A socket of node:http, and how node:http marks the request that is on it. */
interface LineSocket extends Socket {
  [LINE]?: Line;
  _httpMessage?: ClientRequest | null;
}

export function lineOf(socket: LineSocket): Line {
  socket[LINE] ??= new Line(socket);
  return socket[LINE];
}

/** What `node:http` calls on an agent, and its types leave out. */
interface Adding {
  addRequest(request: ClientRequest, options: object): void;
}

const KEEP = { ...CONNECT, keepAlive: true } as const;

export function makeAgents(ca: Ca | undefined, proxyOf: ProxyOf): Agents {
  // Made once: as `ca` it would be read for each connection, and be part of each pool's name.
  const trust = ca === undefined ? {} : { secureContext: createSecureContext({ ca }) };
  const tls: HttpsOptions = { ...SECURE, ...trust };
  const pools = new Pools<Line>();
  const known = new WeakMap<Origin, OriginAgents>();
  const make = (origin: Origin): OriginAgents => {
    const secure = origin.protocol === 'https:';
    const pooled = secure ? new HttpsAgent({ ...KEEP, ...tls }) : new HttpAgent(KEEP);
    const fresh = secure ? new HttpsAgent({ ...CONNECT, ...tls }) : new HttpAgent(CONNECT);
    for (const agent of [pooled, fresh]) {
      if (proxyOf !== NO_PROXIES) dialThrough(agent, origin, ca, proxyOf);
      addressed(agent, origin);
    }
    poolOf(pooled, pools.of(origin));
    return { pooled, fresh };
  };
  return {
    of(origin) {
      let agents = known.get(origin);
      if (agents === undefined) {
        agents = make(origin);
        known.set(origin, agents);
      }
      return agents;
    },
    endIdle: () => pools.endIdle(),
  };
}

/** The agent knows where to connect to; requests need not say it. */
function addressed(agent: HttpAgent, { hostname, port }: Origin): void {
  const { addRequest } = agent as HttpAgent & Adding;
  const place = { host: bareHost(hostname), port };
  const adding: Adding = {
    addRequest: (request, options) => addRequest.call(agent, request, { ...options, ...place }),
  };
  Object.assign(agent, adding);
}

/** The agent takes connections from `pool`, makes one where there is none, and gives all back. */
function poolOf(agent: HttpAgent, pool: Pool<Line>): void {
  const { addRequest: connect } = agent as HttpAgent & Adding;
  const adding: Adding = {
    addRequest(request, options) {
      const line = pool.take();
      if (line === undefined) {
        connect(request, options);
        return;
      }
      request.reusedSocket = true;
      line.socket.ref();
      request.onSocket(line.socket);
    },
  };
  Object.assign(agent, adding);
  agent.removeAllListeners('free');
  agent.on('free', (socket: LineSocket) => {
    const line = lineOf(socket);
    if (!line.release()) {
      socket.destroy();
      return;
    }
    socket._httpMessage = null; // an idle connection holds no answer
    socket.unref();
    pool.put(line, line.keepMs);
  });
}

/** The agent's connections come through forward proxies, and are open when a request gets them. */
function dialThrough(agent: HttpAgent, origin: Origin, ca: Ca | undefined, proxyOf: ProxyOf): void {
  const dial = makeDial(ca, proxyOf);
  const createConnection = (
    _options: object,
    created: (error: Error | null, socket?: Socket) => void,
  ): void => {
    dial(origin, {}, (error, socket) => {
      if (error === null) created(null, socket);
      else created(error);
    });
  };
  Object.assign(agent, { createConnection });
}

function ignore(): void {}
