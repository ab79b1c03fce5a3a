/**
 * How does a whole answer get to the client for the price of one write?
 *
 * `response.end(body)` makes a string of the headers, corks the socket, writes the string, the body
 * and an empty string whose callback says that all is out, and sends them as a vector. Here head
 * and body are one string and one write, and the response is told that it has finished: its
 * 'finish' event is where node takes the socket back, begins the next answer of the connection and
 * has 'close' come.
 *
 * Must stay true: the bytes are those that node would write, and it is done only where nothing is
 * out of the ordinary (`#isPlain`); everything else is refused, and written by node. A node that
 * does its book-keeping in another way is found out at the first answer: that connection ends with
 * it, and all that follow are written by node. Node's own `PerformanceObserver` entries of 'http'
 * and its trace events leave out what is written here.
 */
import { type IncomingMessage, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { MAX_COPIED_CHUNK_BYTES } from './limits.ts';

/** Bytes up to this size are put behind the head in one string; copying more costs more than a
 *  vector of two. */
const MAX_COPIED_ANSWER_BYTES = 2_048;

/** What the responses of one server have in common. */
interface Kept {
  /** What `Connection` and `Keep-Alive` say, as header lines. */
  readonly lines: string;
  /** Node does what this file expects; null: not known yet. */
  nodeIsKnown: boolean | null;
}

/** A response that can be answered whole. The class for a server comes from `answersOf`. */
export class WholeAnswer<
  Asked extends IncomingMessage = IncomingMessage,
> extends ServerResponse<Asked> {
  declare readonly kept: Kept;
  #begun = false;
  #isOut = false;

  static {
    const { prototype } = WholeAnswer;
    extend(prototype, 'headersSent', (response) => response.#begun || undefined);
    extend(prototype, 'writableFinished', (response) =>
      response.#begun ? response.#isOut : undefined,
    );
  }

  /**
   * Writes a whole answer with status 200, whose body has `bytes` bytes. `fields` are lines of
   * headers, each with its end; their values are the caller's care: no byte in them may end a line.
   * Content-Length, Date, Connection and Keep-Alive are added. False: nothing was done.
   */
  endWhole(fields: string, body: string | Buffer, bytes: number): boolean {
    const { socket } = this;
    if (socket === null || !this.#isPlain(socket)) return false;
    const head =
      `HTTP/1.1 200 OK\r\n${fields}content-length: ${bytes}\r\n` +
      `Date: ${utcDate()}\r\n${this.kept.lines}\r\n`;
    this.#begun = true;
    this.finished = true;
    write(socket, head, body, bytes);
    if (socket.writableLength === 0) this.#finish(socket);
    else socket.write('', 'latin1', () => this.#finish(socket));
    return true;
  }

  /** The request has been read, the answer is next on its connection, which goes on; nothing was
   *  said yet, and nothing waits to be written. */
  #isPlain(socket: Socket): boolean {
    const { req, kept } = this;
    kept.nodeIsKnown ??= Object.getOwnPropertyDescriptor(this, 'finished')?.writable === true;
    return (
      kept.nodeIsKnown &&
      this.shouldKeepAlive &&
      !this.finished &&
      !this.headersSent &&
      req.complete &&
      req.method !== 'HEAD' &&
      req.headers.expect === undefined &&
      this.getHeaderNames().length === 0 &&
      socket.writable &&
      socket.writableCorked === 0 &&
      socket.writableLength === 0
    );
  }

  /** All is with the system. A socket that has failed closes the response by itself. */
  #finish(socket: Socket): void {
    if (socket.errored !== null || socket.destroyed) return;
    this.#isOut = true;
    this.emit('finish');
    if (this.socket === null) return;
    this.kept.nodeIsKnown = false;
    socket.destroySoon();
  }
}

/** Node has accessors there, which fields of a class cannot replace. Undefined: what node says. */
function extend(
  prototype: WholeAnswer,
  name: 'headersSent' | 'writableFinished',
  own: (response: WholeAnswer) => boolean | undefined,
): void {
  Object.defineProperty(prototype, name, {
    configurable: true,
    get(this: WholeAnswer) {
      return own(this) ?? Reflect.get(ServerResponse.prototype, name, this);
    },
  });
}

/** The class for `createServer`, for a server with this `keepAliveTimeout`, which has no limit of
 *  requests on a connection. */
export function answersOf(keepAliveMs: number): typeof WholeAnswer {
  const hint = keepAliveMs > 0 ? `Keep-Alive: timeout=${Math.floor(keepAliveMs / 1_000)}\r\n` : '';
  const kept: Kept = { lines: `Connection: keep-alive\r\n${hint}`, nodeIsKnown: null };
  class Answer<Asked extends IncomingMessage = IncomingMessage> extends WholeAnswer<Asked> {}
  Object.defineProperty(Answer.prototype, 'kept', { value: kept });
  return Answer;
}

function write(socket: Socket, head: string, body: string | Buffer, bytes: number): void {
  if (typeof body === 'string' && bytes <= MAX_COPIED_CHUNK_BYTES) {
    socket.write(head + body, body.length === bytes ? 'latin1' : 'utf8');
  } else if (typeof body !== 'string' && bytes <= MAX_COPIED_ANSWER_BYTES) {
    socket.write(head + body.toString('latin1'), 'latin1');
  } else {
    socket.cork();
    socket.write(head, 'latin1');
    socket.write(body);
    socket.uncork();
  }
}

let dateS = 0;
let date = '';

/** Of this second (RFC 9110 §6.6.1). */
function utcDate(): string {
  const nowMs = Date.now();
  const nowS = Math.floor(nowMs / 1_000);
  if (nowS !== dateS) {
    dateS = nowS;
    date = new Date(nowMs).toUTCString();
  }
  return date;
}
