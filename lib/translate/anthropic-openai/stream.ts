/**
 * How does a provider's stream become a client's? Bytes in, frames out (WIRE.md §A.4, §D).
 *
 *    SNIFF --first byte is {, [ or <--> BODY    (no SSE: collected, read as a whole at its end)
 *       \-----any other byte----------> EVENTS  (read as it comes)
 *
 * Must stay true: any chunking gives the same frames; nothing is given out before there is content;
 * nothing that a provider sends is thrown.
 */
import { MAX_RESPONSE_BYTES } from '../../limits.ts';
import { ByteStore } from '../byte-store.ts';
import { SseReader, type SseSink } from '../sse.ts';
import type { StreamTranslator, TranslationContext, UpstreamFault, Usage } from '../translator.ts';
import { fault } from '../upstream-fault.ts';
import { Answer } from './answer.ts';
import { DeltaTemplate } from './delta-template.ts';
import { FrameWriter } from './frames.ts';
import type { RequestMemo } from './memo.ts';

const SNIFF = 0;
const EVENTS = 1;
const BODY = 2;

/** What may stand in front of a body: white space and the bytes of a byte order mark. */
const SKIPPED = new Set(Buffer.from(' \t\r\n\uFEFF'));
const BODY_STARTS = new Set(Buffer.from('{[<'));

export class MessageStream implements StreamTranslator, SseSink {
  readonly #writer: FrameWriter;
  readonly #answer: Answer;
  readonly #reader: SseReader;
  readonly #template = new DeltaTemplate();
  readonly #body = new ByteStore();
  #state: typeof SNIFF | typeof EVENTS | typeof BODY = SNIFF;
  #atEnd = false;

  constructor(memo: RequestMemo, context: TranslationContext) {
    this.#writer = new FrameWriter(context);
    this.#answer = new Answer(this.#writer, memo, context);
    this.#reader = new SseReader(this);
  }

  get begun(): boolean {
    return this.#writer.started;
  }

  get ended(): boolean {
    return this.#answer.ended;
  }

  get fault(): UpstreamFault | null {
    return this.#answer.fault;
  }

  get usage(): Usage {
    return this.#answer.usage;
  }

  get stopReason(): string | null {
    return this.#answer.stopReason;
  }

  /** No text and no tool call came. While nothing was sent to the client, such an answer, although
   *  complete, is worth another try. */
  get empty(): boolean {
    return this.#answer.empty;
  }

  /** Tool calls left out because they had no name. */
  get droppedToolCalls(): number {
    return this.#answer.droppedToolCalls;
  }

  push(chunk: Buffer): string {
    if (this.#answer.over) return '';
    const bytes = this.#state === SNIFF ? this.#sniff(chunk) : chunk;
    switch (this.#state) {
      case SNIFF:
        break;
      case EVENTS:
        this.#reader.feed(bytes);
        this.#template.forgetChunk();
        if (this.#reader.overflowed) this.#answer.fail(fault('nonsense', 'an endless SSE line'));
        break;
      case BODY:
        this.#collect(bytes);
        break;
      default:
        this.#state satisfies never;
    }
    return this.#writer.take();
  }

  finish(): string {
    if (this.#answer.over) return '';
    this.#atEnd = true;
    if (this.#state === BODY) {
      this.#answer.whole(this.#body.view().toString('utf8'));
    } else {
      this.#reader.end();
      this.#answer.eof(this.#reader.stray);
    }
    return this.#writer.take();
  }

  /** The reader's: an event begins here. Takes it where it is like the one before. */
  shortcut(chunk: Buffer, start: number): number {
    const end = this.#template.match(chunk, start);
    const { said } = this.#template;
    if (end === -1 || said === undefined) return start;
    this.#answer.said(said);
    return end;
  }

  /** The reader's: one event came. */
  event(data: string): void {
    const value = this.#answer.event(data, this.#atEnd);
    if (value !== undefined) this.#template.learn(data, value);
  }

  /** Finds out what the body is; gives the bytes from its first one on. */
  #sniff(chunk: Buffer): Buffer {
    const start = chunk.findIndex((byte) => !SKIPPED.has(byte));
    if (start === -1) return chunk;
    this.#state = BODY_STARTS.has(chunk[start] as number) ? BODY : EVENTS;
    return chunk.subarray(start);
  }

  #collect(bytes: Buffer): void {
    if (this.#body.length + bytes.length > MAX_RESPONSE_BYTES) {
      this.#answer.fail(fault('nonsense', 'an endless body'));
    } else {
      this.#body.append(bytes, 0, bytes.length);
    }
  }
}
