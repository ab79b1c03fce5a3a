/**
 * The body of an answer that needs no decoding: when is it told to its reader, and how does it end?
 *
 * Must stay true: exactly one end; none of its callbacks is called from inside of read(), pause()
 * or resume(); while the reader pauses it hears of nothing but faults, and the idle limit rests;
 * after the last byte the source belongs to somebody else and is left alone.
 */
import type { Answer, BodySink, TransportError } from '../types.ts';
import type { Watch } from '../watch.ts';

/** Where the content comes from, as its reader steers it. */
export interface Source {
  /** Content is wanted; it does not come before the caller has returned. */
  resume(): void;
  pause(): void;
}

/** Where a call puts the content of its answer. */
export interface Intake {
  readonly answer: Answer;
  /** Whether content is wanted now. */
  readonly flowing: boolean;
  /** True from the moment after which no callback comes. */
  readonly ended: boolean;
  add(content: Buffer): void;
  complete(): void;
  /** Delivers the fault now, or to the reader to come. */
  fail(error: TransportError): void;
  /** After this no callback is called any more. */
  mute(): void;
}

export class PlainBody implements Answer, Intake {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  ended = false;
  readonly #source: Source;
  readonly #watch: Watch;
  readonly #idleMs: number;
  #sink: BodySink | undefined;
  #paused = false;
  #complete = false;
  /** A fault that came before there was a reader. */
  #early: TransportError | undefined;

  constructor(
    status: number,
    headers: Readonly<Record<string, string>>,
    source: Source,
    watch: Watch,
    idleMs: number,
  ) {
    this.status = status;
    this.headers = headers;
    this.#source = source;
    this.#watch = watch;
    this.#idleMs = idleMs;
  }

  get answer(): Answer {
    return this;
  }

  get flowing(): boolean {
    return this.#sink !== undefined && !this.#paused && !this.ended;
  }

  read(sink: BodySink): void {
    if (this.ended) return;
    this.#sink = sink;
    if (this.#early !== undefined) queueMicrotask(() => this.#report());
    else if (!this.#paused) this.#start();
  }

  pause(): void {
    if (this.ended || this.#paused) return;
    this.#paused = true;
    this.#watch.disarm();
    if (!this.#complete) this.#source.pause();
  }

  resume(): void {
    if (this.ended || !this.#paused) return;
    this.#paused = false;
    if (this.#sink !== undefined && this.#early === undefined) this.#start();
  }

  add(content: Buffer): void {
    this.#watch.arm('idle-timeout', this.#idleMs);
    this.#sink?.onData(content);
  }

  complete(): void {
    this.#complete = true;
    this.#watch.disarm();
    if (this.flowing) this.#end();
  }

  fail(error: TransportError): void {
    if (this.#early !== undefined) return;
    this.#early = error;
    if (this.#sink !== undefined) this.#report();
  }

  mute(): void {
    this.ended = true;
  }

  #start(): void {
    if (this.#complete) {
      queueMicrotask(() => this.#end());
      return;
    }
    this.#watch.arm('idle-timeout', this.#idleMs);
    this.#source.resume();
  }

  #end(): void {
    if (!this.flowing) return;
    this.ended = true;
    this.#watch.stop();
    this.#sink?.onEnd();
  }

  #report(): void {
    if (this.ended) return;
    this.ended = true;
    this.#sink?.onError(this.#early as TransportError);
  }
}
