/**
 * One connection to an upstream: what has come, for whom is it, and what becomes of it afterwards?
 *
 *   idle --send()--> waiting for a head --onHead--> content, as its reader likes --> idle or gone
 *
 * All plain connections read into one buffer; what has to outlive a read is copied out of it, once.
 * A whole answer lets its connection go at once, whether anybody has read it or not. Must stay
 * true: bytes that nobody asked for end the connection.
 */
import type { OnReadOpts, Socket } from 'node:net';
import { platform } from 'node:os';
import { READ_BUFFER_BYTES, SMALL_BODY_BYTES } from '../../limits.ts';
import { bodyBytes } from '../headers.ts';
import type { RequestBody, TransportFault } from '../types.ts';
import { type TimeoutFault, Watch } from '../watch.ts';
import { AnswerParser } from './answer-parser.ts';
import type { Pool, Pooled } from './pool.ts';
import type { RequestHead } from './request-head.ts';
import { Run } from './run.ts';

/** Whoever sent the request that is on the connection now. */
export interface Receiver {
  /** The request has left this process. Only told of large ones. */
  onSent(): void;
  onHead(status: number, fields: Record<string, string>): void;
  /** The memory of `content` is the receiver's. What it does not want yet it holds: `pause()` keeps
   *  more from coming. */
  onContent(content: Buffer): void;
  /** The answer is whole; the connection has been let go. */
  onComplete(): void;
  /** The answer is broken; the connection is gone. `cause` is what the platform said. */
  onFault(fault: Extract<TransportFault, 'protocol'>, why: string): void;
  onLost(cause: Error | undefined): void;
  /** What `watch` was armed for. Nothing has been done about it. */
  onExpired(fault: TimeoutFault): void;
}

/** Up to this size the bytes of a body go out as characters behind the head, which takes no memory
 *  of its own; from 4 KB on that costs more than a copy. */
const TEXT_BODY_BYTES = 2_048;

const NEWLINES_ONLY = /^[\r\n]*$/;

/** Reads are handed over before the next one begins, so one buffer does for all; on Windows a read
 *  that waits holds its buffer. */
const SHARED = platform() === 'win32' ? undefined : Buffer.allocUnsafeSlow(READ_BUFFER_BYTES);
const run = new Run();

export class Connection implements Pooled {
  idleUntilMs = 0;
  /** For the call that is on the connection. */
  readonly watch = new Watch((fault) => this.#receiver?.onExpired(fault));
  /** Where the socket is to deliver: for the dialler. */
  readonly onread: OnReadOpts;
  readonly #pool: Pool<Connection>;
  readonly #parser: AnswerParser;
  readonly #onSent = (error?: Error | null) => {
    if (error == null) this.#receiver?.onSent();
  };
  #socket: Socket | undefined;
  #receiver: Receiver | undefined;
  /** Whether a byte has come since the request was sent. */
  #answered = false;
  #stopped = false;
  /** Nothing is read until the next turn: see `#rest`. */
  #resting = false;
  /** The other side has left. */
  #closed = false;

  /** Until it is open, `receiver` is told of nothing but an expired limit. */
  constructor(pool: Pool<Connection>, receiver: Receiver) {
    this.#pool = pool;
    this.#parser = new AnswerParser(pool.heads);
    this.#receiver = receiver;
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
    const onClosed = () => this.#onClosed(undefined);
    socket.on('end', onClosed);
    socket.on('error', (error) => this.#onClosed(error));
    socket.on('close', onClosed);
    return this;
  }

  get open(): boolean {
    return !this.#closed && this.#socket?.destroyed === false;
  }

  /** Whether nothing has come yet in answer to the request. */
  get silent(): boolean {
    return !this.#answered;
  }

  /** Sends one request; its answer goes to `receiver`. */
  send(head: RequestHead, body: RequestBody | undefined, receiver: Receiver): void {
    this.#receiver = receiver;
    this.#answered = false;
    this.#parser.begin();
    const socket = this.#socket as Socket;
    if (body === undefined) {
      socket.write(head.text, 'latin1');
    } else if (isLarge(body)) {
      this.#sendLarge(socket, head.text, body);
    } else if (typeof body === 'string' && head.ascii) {
      socket.write(head.text + body);
    } else if (Buffer.isBuffer(body) && body.length <= TEXT_BODY_BYTES) {
      socket.write(head.text + body.toString('latin1'), 'latin1');
    } else {
      socket.write(joined(head.text, body));
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

  /** The receiver wants content again. None comes from inside of this. */
  resume(): void {
    if (!this.#stopped) return;
    this.#stopped = false;
    if (!this.#resting) this.#socket?.resume();
  }

  /** Stops reading. */
  pause(): void {
    if (this.#stopped) return;
    this.#stopped = true;
    this.#socket?.pause();
  }

  destroy(): void {
    this.#receiver = undefined;
    this.watch.stop();
    this.#socket?.destroy();
  }

  /** What fails in our own code, or in the reader's, ends this call and not the process. */
  #onRead(bytes: Buffer, end: number): void {
    const receiver = this.#receiver;
    if (receiver === undefined) {
      this.#pool.remove(this);
      this.destroy();
      return;
    }
    this.#answered = true;
    try {
      this.#read(receiver, bytes, end);
    } catch (thrown) {
      this.destroy();
      receiver.onLost(thrown instanceof Error ? thrown : new Error(String(thrown)));
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

  #read(receiver: Receiver, bytes: Buffer, end: number): void {
    const parser = this.#parser;
    let at = 0;
    if (parser.inHead) {
      at = parser.readHead(bytes, 0, end);
      if (parser.fault === '' && parser.inHead) return;
      if (parser.fault === '') receiver.onHead(parser.status, parser.fields);
    }
    if (parser.fault === '' && this.#receiver === receiver) {
      run.clear();
      at = parser.readBody(bytes, at, end, run);
      if (run.length > 0) receiver.onContent(copied(bytes, run.start, run.end));
    }
    if (this.#receiver !== receiver) return; // it has left meanwhile
    if (parser.fault !== '') this.#broken(receiver, parser.fault);
    else if (parser.complete) this.#complete(receiver, bytes, at, end);
  }

  #complete(receiver: Receiver, bytes: Buffer, at: number, end: number): void {
    if (at < end && !NEWLINES_ONLY.test(bytes.toString('latin1', at, end))) {
      this.#broken(receiver, 'bytes after the end');
      return;
    }
    this.#receiver = undefined;
    this.watch.disarm();
    const { keepMs } = this.#parser;
    const unsent = this.#socket?.writableLength !== 0;
    if (keepMs === 0 || at < end || unsent || this.#closed) {
      this.destroy();
    } else {
      this.resume();
      this.#pool.put(this, keepMs);
    }
    receiver.onComplete();
  }

  #broken(receiver: Receiver, why: string): void {
    this.destroy();
    receiver.onFault('protocol', why);
  }

  #onClosed(cause: Error | undefined): void {
    this.#closed = true;
    const receiver = this.#receiver;
    if (receiver === undefined) {
      this.#pool.remove(this);
      this.destroy();
    } else if (cause === undefined && this.#parser.close()) {
      this.#complete(receiver, EMPTY, 0, 0);
    } else {
      this.destroy();
      receiver.onLost(cause);
    }
  }
}

const EMPTY = Buffer.alloc(0);

function copied(bytes: Buffer, from: number, to: number): Buffer {
  const copy = Buffer.allocUnsafe(to - from);
  bytes.copy(copy, 0, from, to);
  return copy;
}

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
