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
  createSecureContext,
  type SecureContext,
  type TLSSocket,
  connect as tlsConnect,
} from 'node:tls';
import { ADDRESS_ATTEMPT_MS, MAX_TLS_SESSIONS } from '../limits.ts';
import { bareHost } from './headers.ts';
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

/** A way to open connections; TLS sessions are remembered in it. */
export function makeDial(ca?: Ca): Dial {
  const sessions = new Sessions();
  let context: SecureContext | undefined;
  return (origin, { onread }, done) => {
    const { protocol, port } = origin;
    const host = bareHost(origin.hostname);
    const plain = { ...CONNECT, host, port, ...(onread === undefined ? {} : { onread }) };
    if (protocol === 'http:') return new Attempt(connect(plain), 'connect', done);
    // One context for all: parsing the trusted certificates takes milliseconds.
    context ??= createSecureContext(ca === undefined ? {} : { ca });
    const socket = tlsConnect({
      ...plain,
      ...SECURE,
      ...sessions.of(host, port),
      secureContext: context,
      servername: isIP(host) === 0 ? host : '',
    });
    sessions.learn(host, port, socket);
    return new Attempt(socket, 'secureConnect', done);
  };
}

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
