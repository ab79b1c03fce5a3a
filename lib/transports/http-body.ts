/**
 * The body of a node:http answer: how does it reach its reader, and when does it end?
 *
 * What came with the head has been taken from the stream before anybody can ask for it, and is
 * held; most small answers are whole then. Must stay true: chunks are handed on as they came from
 * the socket, uncopied; a fault that comes before there is a reader waits for it; a pause stops the
 * socket, and the idle limit with it; after the last byte the source is left alone.
 */
import type { Readable } from 'node:stream';
import { SOON } from './native/plain-body.ts';
import type { Answer, BodySink, TransportError } from './types.ts';
import type { Watch } from './watch.ts';

/** With more of it the source is stopped until somebody reads: a read of the socket, or two. */
const MAX_HELD_BYTES = 64 * 1_024;

const EMPTY = Buffer.alloc(0);

/** The answer and its body. Lives as long as the response and knows nothing of the request. */
export class HttpBody implements Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  /** True from the moment after which no callback comes: onEnd, onError or an abort. */
  ended = false;
  /** All of it has come. */
  complete = false;
  readonly #source: Readable;
  readonly #watch: Watch;
  readonly #idleMs: number;
  #sink: BodySink | undefined;
  #paused = false;
  /** What came before there was a reader, in its order. */
  #held: Buffer[] | undefined;
  #heldBytes = 0;
  /** A fault that came before there was a reader. */
  #early: TransportError | undefined;

  constructor(
    status: number,
    headers: Readonly<Record<string, string>>,
    source: Readable,
    watch: Watch,
    idleMs: number,
  ) {
    this.status = status;
    this.headers = headers;
    this.#source = source;
    this.#watch = watch;
    this.#idleMs = idleMs;
    source.on('data', (chunk: Buffer) => this.#onData(chunk));
    source.on('end', () => this.#onEnd());
  }

  get whole(): Buffer | undefined {
    if (!this.complete || this.#sink !== undefined || this.ended) return undefined;
    const [only = EMPTY] = this.#held ?? [];
    return only.length === this.#heldBytes ? only : Buffer.concat(this.#held ?? []);
  }

  read(sink: BodySink): void {
    if (this.ended) return;
    this.#sink = sink;
    if (this.#early !== undefined) void SOON.then(() => this.#report());
    else if (!this.#paused) this.#flow();
  }

  pause(): void {
    if (this.ended || this.#paused) return;
    this.#paused = true;
    if (this.complete) return;
    this.#watch.disarm();
    this.#source.pause();
  }

  resume(): void {
    if (this.ended || !this.#paused) return;
    this.#paused = false;
    if (this.#sink !== undefined) this.#flow(); // else read() starts it
  }

  /** Delivers the fault now, or to the reader to come. The source is given up. */
  fail(error: TransportError): void {
    this.#early = error;
    this.#held = undefined;
    this.#source.destroy();
    if (this.#sink !== undefined) this.#report();
  }

  /** After this no callback is called any more. */
  mute(): void {
    if (this.ended) return;
    this.ended = true;
    this.#held = undefined;
    if (!this.complete) this.#source.destroy();
  }

  #report(): void {
    if (this.ended) return;
    this.ended = true;
    this.#sink?.onError(this.#early as TransportError);
  }

  /** What is held is told in a turn of its own, and the rest behind it. */
  #flow(): void {
    if (this.#held !== undefined || this.complete) {
      void SOON.then(() => this.#deliver());
      return;
    }
    this.#watch.arm('idle-timeout', this.#idleMs);
    this.#source.resume();
  }

  #deliver(): void {
    while (this.#held !== undefined) {
      if (this.ended || this.#paused) return;
      const piece = this.#held.shift() as Buffer;
      if (this.#held.length === 0) this.#held = undefined;
      this.#sink?.onData(piece);
    }
    if (this.ended || this.#paused || this.#early !== undefined) return;
    if (this.complete) this.#end();
    else this.#flow();
  }

  #onData(chunk: Buffer): void {
    if (this.ended || this.#early !== undefined) return;
    if (this.#sink === undefined || this.#held !== undefined) {
      this.#hold(chunk);
      return;
    }
    this.#watch.arm('idle-timeout', this.#idleMs);
    this.#sink.onData(chunk);
  }

  #hold(chunk: Buffer): void {
    if (this.#held === undefined) this.#held = [chunk];
    else this.#held.push(chunk);
    this.#heldBytes += chunk.length;
    if (this.#heldBytes > MAX_HELD_BYTES) this.#source.pause();
  }

  #onEnd(): void {
    if (this.ended || this.#early !== undefined) return;
    this.complete = true;
    this.#watch.disarm();
    if (this.#sink !== undefined && this.#held === undefined) this.#end();
  }

  #end(): void {
    this.ended = true;
    this.#sink?.onEnd();
  }
}
