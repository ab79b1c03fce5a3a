/**
 * How does a connection to an origin come about? A socket, plain or with TLS, that is ready to use.
 *
 * Must stay true: certificates are always checked, whatever the environment says; `done` is called
 * exactly once and never from inside of the call that starts; after `abort()` it is not called at
 * all, and no socket is left behind. A TLS session is only offered to the name and port it was made
 * with: on a resumed one nobody looks at the certificate again.
 */
import { connect, isIP, type OnReadOpts, type Socket } from 'node:net';
import {
  type ConnectionOptions,
  createSecureContext,
  type SecureContext,
  type TLSSocket,
  connect as tlsConnect,
} from 'node:tls';
import type { ForwardProxy } from '../config/types.ts';
import { ADDRESS_ATTEMPT_MS, MAX_TLS_SESSIONS } from '../limits.ts';
import { NO_PROXIES, type ProxyOf } from './forward-proxies.ts';
import { bareHost } from './headers.ts';
import { openTunnel } from './tunnel.ts';
import type { Origin } from './types.ts';

/** Certificates (PEM) to trust instead of Node's own list. */
export type Ca = string | Buffer;

/** What is the same for every connection, whoever opens it. */
export const CONNECT = {
  autoSelectFamilyAttemptTimeout: ADDRESS_ATTEMPT_MS,
  noDelay: true,
} as const;

/** What is the same for every TLS connection. */
export const SECURE = { rejectUnauthorized: true, ALPNProtocols: ['http/1.1'] };

export interface DialOptions {
  /** Where bytes are to go (node:net). Whoever opens a socket that cannot do that, such as TLS in a
   *  tunnel, has to call `callback` from its 'data' events. */
  readonly onread?: OnReadOpts;
}

/** Gets the open socket, without a listener for errors, or why there is none. */
export type Dialed = (
  ...result: [error: Error, socket: null] | [error: null, socket: Socket]
) => void;

export interface Dialing {
  /** Gives the attempt up. Idempotent; does nothing after `done`. */
  abort(): void;
}

/** Opens a connection; how long that may take is the caller's to watch. */
export type Dial = (origin: Origin, options: DialOptions, done: Dialed) => Dialing;

/** A way to open connections, through forward proxies where `proxyOf` names one; TLS sessions are
 *  remembered in it. */
export function makeDial(ca?: Ca, proxyOf: ProxyOf = NO_PROXIES): Dial {
  const sessions = new Sessions();
  let context: SecureContext | undefined;
  const secure = (origin: Origin, more: TlsOptions): TLSSocket => {
    const host = bareHost(origin.hostname);
    // One context for all: parsing the trusted certificates takes milliseconds.
    context ??= createSecureContext(ca === undefined ? {} : { ca });
    const socket = tlsConnect({
      ...CONNECT,
      ...SECURE,
      ...sessions.of(host, origin.port),
      ...more,
      host,
      port: origin.port,
      secureContext: context,
      servername: isIP(host) === 0 ? host : '',
    });
    sessions.learn(host, origin.port, socket);
    return socket;
  };
  return (origin, { onread }, done) => {
    const proxy = proxyOf(origin);
    if (proxy !== null) return new TunnelAttempt(proxy, origin, ca, onread, secure, done);
    const into = onread === undefined ? {} : { onread };
    if (origin.protocol === 'https:') {
      return new Attempt(secure(origin, into), 'secureConnect', done);
    }
    const place = { host: bareHost(origin.hostname), port: origin.port };
    return new Attempt(connect({ ...CONNECT, ...into, ...place }), 'connect', done);
  };
}

type TlsOptions = Pick<ConnectionOptions, 'socket'> & { onread?: OnReadOpts };

/** A socket that is not open yet. */
class Attempt implements Dialing {
  readonly #socket: Socket;
  readonly #event: 'connect' | 'secureConnect';
  readonly #done: Dialed;
  readonly #onOpen = () => this.#settle() && this.#done(null, this.#socket);
  readonly #onError = (error: Error) => this.#settle() && this.#done(error, null);
  #settled = false;

  constructor(socket: Socket, event: 'connect' | 'secureConnect', done: Dialed) {
    this.#socket = socket;
    this.#event = event;
    this.#done = done;
    socket.on(event, this.#onOpen);
    socket.on('error', this.#onError);
  }

  abort(): void {
    if (!this.#settle()) return;
    this.#socket.on('error', ignore);
    this.#socket.destroy();
  }

  /** False: it was settled before. */
  #settle(): boolean {
    if (this.#settled) return false;
    this.#settled = true;
    this.#socket.removeListener(this.#event, this.#onOpen);
    this.#socket.removeListener('error', this.#onError);
    return true;
  }
}

/** A tunnel, then TLS in it where the origin wants that. Each of both may be silent for as long as
 *  connecting may take, whether somebody watches or not. */
class TunnelAttempt implements Dialing {
  readonly #socket: Socket;
  #inner: Dialing | undefined;

  constructor(
    proxy: ForwardProxy,
    origin: Origin,
    ca: Ca | undefined,
    onread: OnReadOpts | undefined,
    secure: (origin: Origin, options: TlsOptions) => TLSSocket,
    done: Dialed,
  ) {
    const open = (socket: Socket): void => {
      this.#socket.setTimeout(0).removeListener('timeout', onSilence);
      if (onread !== undefined) feed(socket, onread);
      done(null, socket);
    };
    const onSilence = (): void => {
      const late = Object.assign(new Error('The forward proxy is silent'), { code: 'ETIMEDOUT' });
      this.#socket.destroy(late);
    };
    this.#socket = openTunnel(proxy, origin, ca, (error, socket) => {
      if (error !== null) done(error, null);
      else if (origin.protocol === 'http:') open(socket);
      else {
        const tls = secure(origin, { socket });
        this.#inner = new Attempt(tls, 'secureConnect', (fault, ready) => {
          if (fault === null) open(ready);
          else done(fault, null);
        });
      }
    });
    this.#socket.setTimeout(origin.connectTimeoutMs, onSilence);
  }

  abort(): void {
    if (this.#inner !== undefined) this.#inner.abort();
    else this.#socket.destroy();
  }
}

/** What `onread` does for a socket that is opened with it: node:net takes it for no other. */
function feed(socket: Socket, { buffer, callback }: OnReadOpts): void {
  socket.on('data', (bytes: Buffer) => {
    for (let at = 0; at < bytes.length; ) {
      const into = typeof buffer === 'function' ? buffer() : buffer;
      const piece = bytes.subarray(at, at + into.length);
      into.set(piece);
      at += piece.length;
      if (callback(piece.length, into)) continue;
      socket.pause();
      if (at < bytes.length) socket.unshift(bytes.subarray(at));
      return;
    }
  });
}

/** TLS sessions, the newest of each name and port. */
class Sessions {
  readonly #sessions = new Map<string, Buffer>();

  of(host: string, port: number): { session?: Buffer } {
    const session = this.#sessions.get(keyOf(host, port));
    return session === undefined ? {} : { session };
  }

  /** Keeps what the server gives during the life of the connection. A session that is not taken
   *  well is not offered again. */
  learn(host: string, port: number, socket: TLSSocket): void {
    const key = keyOf(host, port);
    socket.on('session', (session) => this.#keep(key, session));
    socket.once('close', (hadError) => hadError && this.#sessions.delete(key));
  }

  #keep(key: string, session: Buffer): void {
    this.#sessions.delete(key);
    this.#sessions.set(key, session);
    if (this.#sessions.size <= MAX_TLS_SESSIONS) return;
    for (const oldest of this.#sessions.keys()) {
      this.#sessions.delete(oldest);
      return;
    }
  }
}

const keyOf = (host: string, port: number): string => `${host}:${port}`;

function ignore(): void {}
