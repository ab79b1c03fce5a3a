/**
 * One connection to an upstream: what has come, for whom is it, and what becomes of it afterwards?
 *
 *   idle --send()--> waiting for a head --onHead--> content, as its reader likes --> idle or gone
 *
 * All plain connections read into one buffer; what has to outlive a read is copied out of it, once.
 * Must stay true: bytes that nobody asked for end the connection; bytes that nobody wants yet are
 * held, and no more is read from the socket; a reader hears of the end only after all content.
 */
import type { OnReadOpts, Socket } from 'node:net';
import { platform } from 'node:os';
import { READ_BUFFER_BYTES, SMALL_BODY_BYTES } from '../../limits.ts';
import { bodyBytes } from '../headers.ts';
import type { RequestBody, TransportFault } from '../types.ts';
import { AnswerParser } from './answer-parser.ts';
import type { Pool, Pooled } from './pool.ts';
import { isAscii } from './request-head.ts';
import { Run } from './run.ts';

/** Whoever sent the request that is on the connection now. */
export interface Receiver {
  /** Whether content is wanted now; if not, `resume()` brings what was held. */
  readonly flowing: boolean;
  /** The request has left this process. Only told of large ones. */
  onSent(): void;
  onHead(status: number, fields: Record<string, string>): void;
  /** The memory of `content` is the receiver's. */
  onContent(content: Buffer): void;
  /** The answer is whole; the connection has been let go. */
  onComplete(): void;
  /** The answer is broken; the connection is gone. `cause` is what the platform said. */
  onFault(fault: Extract<TransportFault, 'protocol'>, why: string): void;
  onLost(cause: Error | undefined): void;
}

const CLOSED = Symbol('closed');
const NEWLINES_ONLY = /^[\r\n]*$/;

/** Reads are handed over before the next one begins, so one buffer does for all; on Windows a read
 *  that waits holds its buffer. */
const SHARED = platform() === 'win32' ? undefined : Buffer.allocUnsafeSlow(READ_BUFFER_BYTES);
const run = new Run();

export class Connection implements Pooled {
  idleUntilMs = 0;
  /** Where the socket is to deliver: for the dialler. */
  readonly onread: OnReadOpts;
  readonly #pool: Pool<Connection>;
  readonly #parser = new AnswerParser();
  readonly #onSent = (error?: Error | null) => {
    if (error == null) this.#receiver?.onSent();
  };
  #socket: Socket | undefined;
  #receiver: Receiver | undefined;
  /** Whether a byte has come since the request was sent. */
  #answered = false;
  /** Bytes that wait until their reader wants them. */
  #held: Buffer | undefined;
  #stopped = false;
  /** Nothing is read until the next turn: see `#rest`. */
  #resting = false;
  /** How the connection ended while bytes were held. */
  #over: Error | typeof CLOSED | undefined;

  constructor(pool: Pool<Connection>) {
    this.#pool = pool;
    this.onread = {
      buffer: SHARED ?? Buffer.allocUnsafeSlow(READ_BUFFER_BYTES),
      callback: (bytes, buffer) => {
        this.#onRead(buffer as Buffer, bytes);
        return true;
      },
    };
  }

  /** Takes the open socket over, for good. */
  attach(socket: Socket): this {
    this.#socket = socket;
    socket.on('end', () => this.#onClosed(CLOSED));
    socket.on('error', (error) => this.#onClosed(error));
    socket.on('close', () => this.#onClosed(CLOSED));
    return this;
  }

  get open(): boolean {
    return this.#socket?.writable === true && this.#socket.readable;
  }

  /** Whether nothing has come yet in answer to the request. */
  get silent(): boolean {
    return !this.#answered;
  }

  /** Sends one request; its answer goes to `receiver`. */
  send(head: string, body: RequestBody | undefined, receiver: Receiver): void {
    this.#receiver = receiver;
    this.#answered = false;
    this.#parser.begin();
    const socket = this.#socket as Socket;
    if (body === undefined) {
      socket.write(head, 'latin1');
    } else if (isLarge(body)) {
      this.#sendLarge(socket, head, body);
    } else if (typeof body === 'string' && isAscii(head)) {
      socket.write(head + body);
    } else {
      socket.write(joined(head, body));
    }
  }

  /** Head and body go out in one go, without being copied. */
  #sendLarge(socket: Socket, head: string, body: RequestBody): void {
    socket.cork();
    socket.write(head, 'latin1');
    if (typeof body === 'string' || Buffer.isBuffer(body)) {
      socket.write(body, this.#onSent);
    } else {
      const last = body.length - 1;
      for (let at = 0; at < last; at++) socket.write(body[at] as Buffer);
      socket.write(body[last] as Buffer, this.#onSent);
    }
    socket.uncork();
  }

  /** The receiver wants content (again). It is never called from inside of this. */
  resume(): void {
    queueMicrotask(() => this.#advance());
  }

  /** Stops reading. */
  pause(): void {
    if (this.#stopped) return;
    this.#stopped = true;
    this.#socket?.pause();
  }

  destroy(): void {
    this.#receiver = undefined;
    this.#held = undefined;
    this.#socket?.destroy();
  }

  #onRead(buffer: Buffer, bytes: number): void {
    if (this.#receiver === undefined) {
      this.#pool.remove(this);
      this.destroy();
      return;
    }
    this.#answered = true;
    if (this.#held !== undefined) {
      this.#held = Buffer.concat([this.#held, buffer.subarray(0, bytes)]);
      this.pause();
    } else {
      this.#feed(buffer, bytes, false);
    }
    if (this.#parser.untilClose) this.#rest();
  }

  /** What ends such an answer decides whether it is whole, and libuv calls a reset an end when it
   *  finds one together with bytes (`uv__stream_io`); unless nobody is reading any more: then it
   *  asks the platform again in the next turn, and tells what that says. */
  #rest(): void {
    if (this.#resting) return;
    this.#resting = true;
    this.#socket?.pause();
    setImmediate(() => {
      this.#resting = false;
      if (!this.#stopped) this.#socket?.resume();
    });
  }

  /** What was held first, then the socket again. */
  #advance(): void {
    const held = this.#held;
    if (this.#receiver?.flowing !== true) return;
    if (held !== undefined) {
      this.#held = undefined;
      this.#feed(held, held.length, true);
    }
    const receiver = this.#receiver;
    if (receiver?.flowing !== true) return;
    if (this.#over !== undefined) this.#lost(receiver, this.#over);
    else this.#restart();
  }

  #restart(): void {
    if (!this.#stopped) return;
    this.#stopped = false;
    if (!this.#resting) this.#socket?.resume();
  }

  /** `owned`: the memory of `bytes` is ours to give away. What fails in our own code, or in the
   *  reader's, ends this call and not the process. */
  #feed(bytes: Buffer, end: number, owned: boolean): void {
    const receiver = this.#receiver as Receiver;
    try {
      this.#read(receiver, bytes, end, owned);
    } catch (thrown) {
      this.destroy();
      receiver.onLost(thrown instanceof Error ? thrown : new Error(String(thrown)));
    }
  }

  #read(receiver: Receiver, bytes: Buffer, end: number, owned: boolean): void {
    const parser = this.#parser;
    let at = 0;
    if (parser.inHead) {
      at = parser.readHead(bytes, 0, end);
      if (parser.fault === '' && parser.inHead) return;
      if (parser.fault === '') receiver.onHead(parser.status, parser.fields);
    }
    if (parser.fault === '' && this.#receiver === receiver) {
      if (!receiver.flowing) {
        this.#hold(bytes, at, end, owned);
        return;
      }
      at = this.#content(receiver, bytes, at, end, owned);
    }
    if (this.#receiver !== receiver) return; // it has left meanwhile
    if (parser.fault !== '') this.#broken(receiver, parser.fault);
    else if (parser.complete) this.#complete(receiver, bytes, at, end);
  }

  #content(receiver: Receiver, bytes: Buffer, from: number, end: number, owned: boolean): number {
    run.clear();
    const at = this.#parser.readBody(bytes, from, end, run);
    if (run.length > 0) {
      const content = bytes.subarray(run.start, run.end);
      receiver.onContent(owned ? content : Buffer.from(content));
    }
    return at;
  }

  /** An empty rest is held too: it stands for an answer whose end has not been told. */
  #hold(bytes: Buffer, at: number, end: number, owned: boolean): void {
    const rest = bytes.subarray(at, end);
    this.#held = owned ? rest : Buffer.from(rest);
  }

  #complete(receiver: Receiver, bytes: Buffer, at: number, end: number): void {
    if (at < end && !NEWLINES_ONLY.test(bytes.toString('latin1', at, end))) {
      this.#broken(receiver, 'bytes after the end');
      return;
    }
    this.#receiver = undefined;
    const { keepMs } = this.#parser;
    const unsent = this.#socket?.writableLength !== 0;
    if (keepMs === 0 || at < end || unsent || this.#over !== undefined) {
      this.#socket?.destroy();
    } else {
      this.#restart();
      this.#pool.put(this, keepMs);
    }
    receiver.onComplete();
  }

  #broken(receiver: Receiver, why: string): void {
    this.destroy();
    receiver.onFault('protocol', why);
  }

  #onClosed(how: Error | typeof CLOSED): void {
    const receiver = this.#receiver;
    if (receiver === undefined) {
      this.#pool.remove(this);
      this.#socket?.destroy();
    } else if (this.#held !== undefined) {
      this.#over ??= how;
    } else {
      this.#lost(receiver, how);
    }
  }

  #lost(receiver: Receiver, how: Error | typeof CLOSED): void {
    if (how === CLOSED && this.#parser.close()) {
      this.#over = how;
      this.#complete(receiver, EMPTY, 0, 0);
      return;
    }
    this.destroy();
    receiver.onLost(how === CLOSED ? undefined : how);
  }
}

const EMPTY = Buffer.alloc(0);

/** A string's characters are counted: that takes no time, and no body of few has many bytes. */
function isLarge(body: RequestBody): boolean {
  return (typeof body === 'string' ? body.length : bodyBytes(body)) > SMALL_BODY_BYTES;
}

function joined(head: string, body: RequestBody): Buffer {
  const bytes = typeof body === 'string' ? Buffer.from(body) : body;
  const whole = Buffer.allocUnsafe(head.length + bodyBytes(bytes));
  let at = whole.write(head, 'latin1');
  for (const piece of Buffer.isBuffer(bytes) ? [bytes] : bytes) {
    whole.set(piece, at);
    at += piece.length;
  }
  return whole;
}
