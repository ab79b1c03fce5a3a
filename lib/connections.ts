/**
 * What may a client's connection do, beside its requests? Bytes that are no HTTP, senders that are
 * too slow, tunnels, more connections than there are descriptors.
 *
 * Must stay true: what is said outside of a request's own answer is never taken for the answer to
 * another request; a connection whose request does not get on is closed; an error of accepting ends
 * nothing.
 */
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { errorBody, GatewayError } from './errors.ts';
import { newUniqueId } from './exchange.ts';
import {
  ACCEPT_FAULT_MS,
  BODY_CHECK_MS,
  BODY_GRACE_MS,
  DISCARD_MS,
  HEADERS_TIMEOUT_MS,
  KEEP_ALIVE_MS,
  MIN_BODY_BYTES_PER_S,
} from './limits.ts';
import type { Log } from './telemetry/log.ts';

/** How long a client may take, in ms. */
export interface Deadlines {
  /** For the headers of a request, and for the first request of a connection. */
  readonly headersMs: number;
  /** For a body, before its rate counts. */
  readonly bodyGraceMs: number;
  /** For what is still sent of a request that has been answered. */
  readonly discardMs: number;
  /** Between two requests. */
  readonly keepAliveMs: number;
  /** How often all of it is looked at. */
  readonly checkMs: number;
}

export const DEADLINES: Deadlines = {
  headersMs: HEADERS_TIMEOUT_MS,
  bodyGraceMs: BODY_GRACE_MS,
  discardMs: DISCARD_MS,
  keepAliveMs: KEEP_ALIVE_MS,
  checkMs: BODY_CHECK_MS,
};

/** One connection, and the two answers last begun on it: clients may send without waiting. */
interface Line {
  readonly socket: Socket;
  last: ServerResponse | null;
  before: ServerResponse | null;
  /** When the last request came, and what had been read by then. */
  sinceMs: number;
  bytesBefore: number;
  /** Closes after the last answer. */
  shut: boolean;
}

export class Connections {
  readonly #server: Server;
  readonly #deadlines: Deadlines;
  readonly #lines = new Map<Duplex, Line>();

  /** Takes care of all connections of `server`, until it closes. */
  constructor(server: Server, deadlines: Deadlines) {
    this.#server = server;
    this.#deadlines = deadlines;
    server.keepAliveTimeout = deadlines.keepAliveMs;
    for (const event of ['connection', 'secureConnection']) {
      server.on(event, (socket: Socket) => this.#open(socket));
    }
    server.on('clientError', (error: NodeJS.ErrnoException, socket) => this.#broken(error, socket));
    server.on('connect', (_request: IncomingMessage, socket: Duplex) => this.#refuseTunnel(socket));
    const timer = setInterval(() => this.#check(performance.now()), deadlines.checkMs).unref();
    server.once('close', () => clearInterval(timer));
  }

  /** A request has come, its headers at least. False: it is to be ignored. */
  began(request: IncomingMessage, response: ServerResponse): boolean {
    const line = this.#lines.get(request.socket);
    if (line === undefined) return true;
    if (line.shut) return false;
    line.before = line.last;
    line.last = response;
    line.sinceMs = performance.now();
    line.bytesBefore = request.socket.bytesRead;
    return true;
  }

  /** The answer that follows is the last on its connection: what was sent behind the request that
   *  it refuses may be a piece of that request, and is looked at no more. */
  shut(socket: Socket): void {
    const line = this.#lines.get(socket);
    if (line !== undefined) line.shut = true;
  }

  /** Accepting fails while descriptors are short (EMFILE): idle connections make room. */
  outliveErrors(log: Log): void {
    let toldMs = Number.NEGATIVE_INFINITY;
    this.#server.on('error', (error: NodeJS.ErrnoException) => {
      this.#server.closeIdleConnections();
      if (performance.now() < toldMs + ACCEPT_FAULT_MS) return;
      toldMs = performance.now();
      log.error('a connection could not be accepted', { error: error.message, code: error.code });
    });
  }

  #open(socket: Socket): void {
    const line: Line = {
      socket,
      last: null,
      before: null,
      sinceMs: 0,
      bytesBefore: 0,
      shut: false,
    };
    this.#lines.set(socket, line);
    socket.once('close', () => this.#lines.delete(socket));
  }

  /** Bytes that are no request, or none in time. Answers due for earlier requests are waited for,
   *  and nothing is put between them. */
  #broken(error: NodeJS.ErrnoException, socket: Duplex): void {
    const line = this.#lines.get(socket);
    if (line === undefined || !socket.writable || error.code === 'ECONNRESET') {
      socket.destroy();
      return;
    }
    if (line.shut) return;
    const { last } = line;
    const status = CLIENT_ERRORS[error.code ?? ''];
    if (last === null) tell(socket, status);
    else if (!last.req.complete) this.#cutOff(line, last, status);
    else if (last.closed) tell(socket, status);
    else last.once('close', () => tell(socket, status));
  }

  /** CONNECT: this is no forward proxy. */
  #refuseTunnel(socket: Duplex): void {
    socket.on('error', () => socket.destroy());
    const line = this.#lines.get(socket);
    const refuse = () => tell(socket, '405 Method Not Allowed');
    if (line === undefined || line.shut) socket.destroy();
    else if (line.last !== null && isDue(line.last)) line.last.once('close', refuse);
    else refuse();
  }

  /** Ends a request in the middle of its body. It gets one answer, if it has none and is next; the
   *  one before it gets its own. */
  #cutOff(line: Line, last: ServerResponse, status?: string): void {
    const { socket, before } = line;
    line.shut = true;
    if (before !== null && isDue(before)) before.once('close', () => socket.destroySoon());
    else if (last.headersSent) socket.destroySoon();
    else tell(socket, status);
  }

  /** Closes the connections whose request does not come on fast enough. */
  #check(nowMs: number): void {
    for (const line of this.#lines.values()) {
      const { last } = line;
      if (last === null || last.req.complete || !this.#isLate(line, last, nowMs)) continue;
      this.#cutOff(line, last, LATE);
    }
  }

  #isLate(line: Line, last: ServerResponse, nowMs: number): boolean {
    const { bodyGraceMs, discardMs } = this.#deadlines;
    const tookMs = nowMs - line.sinceMs;
    if (last.writableFinished) return tookMs > discardMs;
    const bytes = line.socket.bytesRead - line.bytesBefore;
    return tookMs > bodyGraceMs + (bytes / MIN_BODY_BYTES_PER_S) * 1_000;
  }
}

function isDue(response: ServerResponse | null): boolean {
  return response !== null && !response.writableFinished && !response.destroyed;
}

const LATE = '408 Request Timeout';

const CLIENT_ERRORS: Readonly<Record<string, string>> = {
  HPE_HEADER_OVERFLOW: '431 Request Header Fields Too Large',
  HPE_CHUNK_EXTENSIONS_OVERFLOW: '413 Content Too Large',
  ERR_HTTP_REQUEST_TIMEOUT: LATE,
};

/** One answer that belongs to no request, then the end of the connection; nothing where that has
 *  begun already. */
function tell(socket: Duplex, status = '400 Bad Request'): void {
  if (!socket.writable) return;
  const malformed = new GatewayError('INVALID_REQUEST', `Malformed HTTP request: ${status}`);
  const body = errorBody(malformed, 'anthropic', `req_${newUniqueId()}`);
  socket.end(
    `HTTP/1.1 ${status}\r\nconnection: close\r\ncontent-type: application/json\r\n` +
      `content-length: ${Buffer.byteLength(body)}\r\n\r\n${body}`,
    () => socket.destroy(),
  );
}
