/**
 * The body of a node:http answer: how does it reach its reader, and when does it end?
 *
 * Must stay true: chunks are handed on as they came from the socket, uncopied; a fault that comes
 * before there is a reader waits for it; a pause stops the socket, and the idle limit with it.
 */
import type { Readable } from 'node:stream';
import type { Answer, BodySink, TransportError } from './types.ts';
import type { Watch } from './watch.ts';

/** The answer and its body. Lives as long as the response and knows nothing of the request. */
export class HttpBody implements Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  /** True from the moment after which no callback comes: onEnd, onError or an abort. */
  ended = false;
  readonly #source: Readable;
  readonly #watch: Watch;
  readonly #idleMs: number;
  #sink: BodySink | undefined;
  #paused = false;
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
  }

  read(sink: BodySink): void {
    if (this.ended) return;
    this.#sink = sink;
    if (this.#early !== undefined) {
      queueMicrotask(() => this.#report());
      return;
    }
    this.#source.on('data', (chunk: Buffer) => this.#onData(chunk));
    this.#source.on('end', () => this.#onEnd());
    if (this.#paused) return;
    this.#watch.arm('idle-timeout', this.#idleMs);
    this.#source.resume();
  }

  pause(): void {
    if (this.ended || this.#paused) return;
    this.#paused = true;
    this.#watch.disarm();
    this.#source.pause();
  }

  resume(): void {
    if (this.ended || !this.#paused) return;
    this.#paused = false;
    if (this.#sink === undefined) return; // read() starts the flow
    this.#watch.arm('idle-timeout', this.#idleMs);
    this.#source.resume();
  }

  /** Delivers the fault now, or to the reader to come. The source is given up. */
  fail(error: TransportError): void {
    this.#early = error;
    this.#source.destroy();
    if (this.#sink !== undefined) this.#report();
  }

  /** After this no callback is called any more. */
  mute(): void {
    if (this.ended) return;
    this.ended = true;
    this.#source.destroy();
  }

  #report(): void {
    if (this.ended) return;
    this.ended = true;
    this.#sink?.onError(this.#early as TransportError);
  }

  #onData(chunk: Buffer): void {
    if (this.ended || this.#early !== undefined) return;
    this.#watch.arm('idle-timeout', this.#idleMs);
    this.#sink?.onData(chunk);
  }

  #onEnd(): void {
    if (this.ended || this.#early !== undefined) return;
    this.ended = true;
    this.#watch.stop();
    this.#sink?.onEnd();
  }
}
