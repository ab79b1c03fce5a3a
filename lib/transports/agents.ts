/**
 * Which connection does a call get? One keep-alive pool per protocol, for all providers together.
 *
 * Last in, first out: the connection used last is the one least likely to have been closed by the
 * other side. Must stay true: certificates are always checked, whatever the environment says; a
 * connection on which bytes arrive while nobody asked is ended, since the next caller would take
 * them for its answer.
 */
import { Agent as HttpAgent } from 'node:http';
import { Agent as HttpsAgent, type AgentOptions as HttpsOptions } from 'node:https';
import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { createSecureContext } from 'node:tls';
import { FREE_SOCKET_MS, MAX_FREE_SOCKETS } from '../limits.ts';
import { type Ca, CONNECT, makeDial, SECURE } from './dial.ts';
import { NO_PROXIES, type ProxyOf } from './forward-proxies.ts';
import type { Origin } from './types.ts';

export interface Agents {
  /** The pool. */
  pooled(protocol: Origin['protocol']): HttpAgent;
  /** Always a new connection, which is not kept. */
  fresh(protocol: Origin['protocol']): HttpAgent;
  /** Ends idle connections. */
  endIdle(): void;
}

/** `timeout` is for idle connections only: with it the agent heeds a server's keep-alive hint. */
const KEEP = {
  ...CONNECT,
  keepAlive: true,
  scheduling: 'lifo',
  maxFreeSockets: MAX_FREE_SOCKETS,
  timeout: FREE_SOCKET_MS,
} as const;

/** What a request hands to its agent besides Node's own options. */
export interface AgentRequest {
  readonly origin: Origin;
}

export function makeAgents(ca: Ca | undefined, proxyOf: ProxyOf): Agents {
  // Made once: as `ca` it would be read for each connection, and be part of each pool's name.
  const trust = ca === undefined ? {} : { secureContext: createSecureContext({ ca }) };
  const tls: HttpsOptions = { ...SECURE, ...trust };
  const pool = {
    'http:': endOnStrayBytes(new HttpAgent(KEEP)),
    'https:': endOnStrayBytes(new HttpsAgent({ ...KEEP, ...tls })),
  };
  const single = {
    'http:': new HttpAgent(CONNECT),
    'https:': new HttpsAgent({ ...CONNECT, ...tls }),
  };
  if (proxyOf !== NO_PROXIES) {
    for (const agent of [...Object.values(pool), ...Object.values(single)]) {
      dialThrough(agent, ca, proxyOf);
    }
  }
  return {
    pooled: (protocol) => pool[protocol],
    fresh: (protocol) => single[protocol],
    endIdle: () => endFree(Object.values(pool)),
  };
}

/** The agent's connections come through forward proxies, and are open when a request gets them. */
function dialThrough(agent: HttpAgent, ca: Ca | undefined, proxyOf: ProxyOf): void {
  const dial = makeDial(ca, proxyOf);
  const createConnection = (
    { origin }: AgentRequest,
    created: (error: Error | null, socket?: Socket) => void,
  ): void => {
    dial(origin, {}, (error, socket) => {
      if (error === null) created(null, socket);
      else created(error);
    });
  };
  Object.assign(agent, { createConnection });
}

/** Not `agent.destroy()`: that one takes the connections of calls in flight with it. */
function endFree(agents: readonly HttpAgent[]): void {
  for (const agent of agents) {
    const idle = Object.values(agent.freeSockets).flatMap((sockets) => sockets ?? []);
    for (const socket of idle) socket.destroy();
  }
}

function endOnStrayBytes<A extends HttpAgent>(agent: A): A {
  const keep = agent.keepSocketAlive.bind(agent);
  const reuse = agent.reuseSocket.bind(agent);
  agent.keepSocketAlive = (socket) => {
    socket.on('data', endSocket);
    return keep(socket);
  };
  agent.reuseSocket = (socket, request) => {
    socket.removeListener('data', endSocket);
    reuse(socket, request);
  };
  return agent;
}

function endSocket(this: Duplex): void {
  this.destroy();
}
