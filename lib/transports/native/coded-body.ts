/**
 * The body of a compressed answer: through the platform's decoders to the reader.
 *
 * It comes from nearly no provider, since we ask for none; so it takes the ordinary way of streams
 * and is an HttpBody from there on.
 */
import { Readable } from 'node:stream';
import { type Coding, decoded } from '../decode.ts';
import { HttpBody } from '../http-body.ts';
import type { TransportError } from '../types.ts';
import type { Watch } from '../watch.ts';
import type { Intake, Source } from './plain-body.ts';

export interface CodedAnswer {
  readonly status: number;
  /** Those of the decoded body. */
  readonly headers: Readonly<Record<string, string>>;
  readonly coding: Exclude<Coding, 'plain' | 'unknown'>;
  readonly source: Source;
  readonly watch: Watch;
  readonly idleMs: number;
  /** The decoder does not understand what came. */
  readonly onUnreadable: (error: Error) => void;
}

export class CodedBody implements Intake {
  readonly answer: HttpBody;
  readonly #stream: Stream;
  readonly #watch: Watch;

  constructor(coded: CodedAnswer) {
    this.#watch = coded.watch;
    this.#stream = new Stream(coded.source);
    const decoder = decoded(this.#stream, coded.coding);
    decoder.on('error', coded.onUnreadable);
    this.answer = new HttpBody(coded.status, coded.headers, decoder, coded.watch, coded.idleMs);
  }

  get ended(): boolean {
    return this.answer.ended;
  }

  add(content: Buffer): void {
    this.#stream.add(content);
  }

  complete(): void {
    this.#stream.complete();
  }

  fail(error: TransportError): void {
    this.#watch.stop();
    this.#stream.destroy();
    this.answer.fail(error);
  }

  mute(): void {
    this.#watch.stop();
    this.#stream.destroy();
    this.answer.mute();
  }
}

/** Content as the stream that a decoder reads. */
class Stream extends Readable {
  readonly #source: Source;
  /** It has no room. */
  #full = false;

  constructor(source: Source) {
    super();
    this.#source = source;
  }

  override _read(): void {
    if (!this.#full) return;
    this.#full = false;
    this.#source.resume();
  }

  add(content: Buffer): void {
    if (this.destroyed || this.push(content)) return;
    this.#full = true;
    this.#source.pause();
  }

  complete(): void {
    if (!this.destroyed) this.push(null);
  }
}
