/**
 * The body of an answer that needs no decoding: when is it told to its reader, and how does it end?
 *
 * Must stay true: exactly one end; none of its callbacks is called from inside of read(), pause()
 * or resume(); what comes while nobody wants it is held, and a fault behind it waits for it; while
 * the reader pauses the idle limit rests; after the last byte the source is left alone.
 */
import type { Answer, BodySink, TransportError } from '../types.ts';
import type { Watch } from '../watch.ts';

/** Where the content comes from, as its reader steers it. */
export interface Source {
  /** Content is wanted again. */
  resume(): void;
  pause(): void;
  /** A reader has thrown, with nobody above it who could catch. */
  onCrash(thrown: unknown): void;
}

/** Where a call puts the content of its answer. */
export interface Intake {
  readonly answer: Answer;
  /** True from the moment after which no callback comes. */
  readonly ended: boolean;
  add(content: Buffer): void;
  complete(): void;
  /** Delivers the fault behind what is held: now, or to the reader to come. */
  fail(error: TransportError): void;
  /** After this no callback is called any more. */
  mute(): void;
}

const EMPTY = Buffer.alloc(0);
/** A turn of its own, for less than `queueMicrotask` costs. */
export const SOON = Promise.resolve();

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
  /** Content that nobody wanted when it came. */
  #held: Buffer | undefined;
  /** A fault that came before there was a reader, or behind what is held. */
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

  get whole(): Buffer | undefined {
    const untold = this.#complete && this.#sink === undefined && !this.ended;
    return untold ? (this.#held ?? EMPTY) : undefined;
  }

  read(sink: BodySink): void {
    if (this.ended) return;
    this.#sink = sink;
    if (!this.#paused || this.#early !== undefined) this.#start();
  }

  pause(): void {
    if (this.ended || this.#paused) return;
    this.#paused = true;
    if (this.#complete) return;
    this.#watch.disarm();
    this.#source.pause();
  }

  resume(): void {
    if (this.ended || !this.#paused) return;
    this.#paused = false;
    if (this.#sink !== undefined) this.#start();
  }

  add(content: Buffer): void {
    if (this.ended) return;
    if (this.#held !== undefined) {
      this.#held = Buffer.concat([this.#held, content]);
      this.#source.pause();
    } else if (this.#sink === undefined || this.#paused) {
      this.#held = content;
    } else {
      this.#watch.arm('idle-timeout', this.#idleMs);
      this.#sink.onData(content);
    }
  }

  complete(): void {
    this.#complete = true;
    if (this.#held === undefined && !this.#paused) this.#end();
  }

  fail(error: TransportError): void {
    if (this.#early !== undefined) return;
    this.#early = error;
    if (this.#held === undefined) this.#end();
  }

  mute(): void {
    this.ended = true;
    this.#held = undefined;
  }

  /** What has come already is told in a turn of its own. */
  #start(): void {
    if (this.#held !== undefined || this.#complete || this.#early !== undefined) {
      void SOON.then(() => this.#deliver());
      return;
    }
    this.#watch.arm('idle-timeout', this.#idleMs);
    this.#source.resume();
  }

  /** What was held, then the end or the source again. */
  #deliver(): void {
    try {
      const held = this.#held;
      if (held !== undefined && !this.#paused) {
        this.#held = undefined;
        this.#sink?.onData(held);
      }
      if (this.#held !== undefined || this.ended) return;
      if (this.#early !== undefined) this.#end();
      else if (this.#paused) return;
      else if (this.#complete) this.#end();
      else this.#start();
    } catch (thrown) {
      this.#source.onCrash(thrown);
    }
  }

  /** Without effect before there is a reader: it is told by `read`. */
  #end(): void {
    if (this.#sink === undefined || this.ended) return;
    this.ended = true;
    if (this.#early === undefined) this.#sink.onEnd();
    else this.#sink.onError(this.#early);
  }
}
