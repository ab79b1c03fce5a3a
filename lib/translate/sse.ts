/**
 * Which events are in these bytes? A reader of `text/event-stream` (WHATWG HTML §9.2).
 *
 * Must stay true: any chunking gives the same events; memory is bounded by the longest allowed
 * line; a data line that is whole in its chunk is decoded once, straight from the chunk.
 *
 * Two allowances beyond the specification: the last event counts although no blank line follows,
 * and a line that begins with `{` is data (some servers write an error object bare into a stream).
 */
import { MAX_SSE_LINE_BYTES } from '../limits.ts';
import { ByteStore } from './byte-store.ts';

const LF = 0x0a;
const CR = 0x0d;
const SPACE = 0x20;
const COLON = 0x3a;
const BRACE = 0x7b;
const BOM = Buffer.from('\uFEFF');
const DATA = Buffer.from('data');
/** Fields of the specification that say nothing to us. */
const QUIET = [Buffer.from('event'), Buffer.from('id'), Buffer.from('retry')] as const;
const MAX_STRAY_CHARS = 200;

export interface SseSink {
  /** The data of one event; several data lines are joined with LF. */
  event(data: string): void;
  /** Takes an event that stands whole from `start` on, unread. Gives the offset behind its blank
   *  line, or `start` where it must be read. */
  shortcut?(chunk: Buffer, start: number): number;
}

export class SseReader {
  readonly #sink: SseSink;
  readonly #maxLineBytes: number;
  /** The line that has begun but not ended. */
  readonly #held = new ByteStore();
  /** Data lines of the event that has not ended. */
  #data: string | null = null;
  #dataBytes = 0;
  /** A CR ended the last chunk: an LF at the start of the next one belongs to it. */
  #afterCr = false;
  #atFirstLine = true;
  #overflowed = false;
  #stray = '';

  /** `maxLineBytes` bounds one line, and the data of one event. */
  constructor(sink: SseSink, maxLineBytes: number = MAX_SSE_LINE_BYTES) {
    this.#sink = sink;
    this.#maxLineBytes = maxLineBytes;
  }

  /** True when a line passed the bound: nothing more is read from then on. */
  get overflowed(): boolean {
    return this.#overflowed;
  }

  /** The first line that is no field of the format, cut; '' when there was none. */
  get stray(): string {
    return this.#stray;
  }

  /** Takes bytes and hands over the events that end in them. The chunk is not kept. */
  feed(chunk: Buffer): void {
    let start = this.#afterCr && chunk[0] === LF ? 1 : 0;
    if (chunk.length > 0) this.#afterCr = false;
    // Each kind is looked for once per find, not once per line: a stream without CR pays nothing.
    let lf = -1;
    let cr = -1;
    while (start < chunk.length && !this.#overflowed) {
      const behind = this.#shortcut(chunk, start);
      if (behind > start) {
        start = behind;
        continue;
      }
      if (lf < start) lf = find(chunk, LF, start);
      if (cr < start) cr = find(chunk, CR, start);
      const end = Math.min(lf, cr);
      if (end === chunk.length) break;
      this.#line(chunk, start, end);
      start = end + 1;
      if (end === cr) {
        this.#afterCr = start === chunk.length;
        if (chunk[start] === LF) start += 1;
      }
    }
    if (start < chunk.length) this.#hold(chunk, start, chunk.length);
  }

  /** The bytes have ended: what has begun counts as whole. */
  end(): void {
    if (this.#overflowed) return;
    if (this.#held.length > 0) this.#heldLine();
    this.#dispatch();
  }

  #shortcut(chunk: Buffer, start: number): number {
    if (this.#data !== null || this.#held.length > 0) return start;
    return this.#sink.shortcut?.(chunk, start) ?? start;
  }

  #hold(chunk: Buffer, start: number, end: number): void {
    if (this.#held.length + end - start > this.#maxLineBytes) this.#overflowed = true;
    if (!this.#overflowed) this.#held.append(chunk, start, end);
  }

  #line(chunk: Buffer, start: number, end: number): void {
    if (this.#held.length > 0) {
      this.#hold(chunk, start, end);
      if (!this.#overflowed) this.#heldLine();
    } else if (end - start > this.#maxLineBytes) {
      this.#overflowed = true;
    } else {
      this.#field(chunk, start, end);
    }
  }

  #heldLine(): void {
    this.#field(this.#held.view(), 0, this.#held.length);
    this.#held.clear();
  }

  #field(bytes: Buffer, lineStart: number, end: number): void {
    let start = lineStart;
    if (this.#atFirstLine) {
      this.#atFirstLine = false;
      if (beginsWith(bytes, start, end, BOM)) start += BOM.length;
    }
    if (start === end) this.#dispatch();
    else if (isField(bytes, start, end, DATA)) this.#addData(bytes, valueAt(bytes, start), end);
    else if (bytes[start] === BRACE) this.#addData(bytes, start, end);
    else if (bytes[start] !== COLON) this.#noteStray(bytes, start, end);
  }

  #addData(bytes: Buffer, valueStart: number, end: number): void {
    const start = Math.min(valueStart, end);
    this.#dataBytes += end - start;
    if (this.#dataBytes > this.#maxLineBytes) {
      this.#overflowed = true;
      return;
    }
    const text = bytes.toString('utf8', start, end);
    this.#data = this.#data === null ? text : `${this.#data}\n${text}`;
  }

  #noteStray(bytes: Buffer, start: number, end: number): void {
    if (this.#stray !== '' || QUIET.some((name) => isField(bytes, start, end, name))) return;
    this.#stray = bytes.toString('utf8', start, Math.min(end, start + MAX_STRAY_CHARS));
  }

  #dispatch(): void {
    const data = this.#data;
    if (data === null) return;
    this.#data = null;
    this.#dataBytes = 0;
    this.#sink.event(data);
  }
}

/** Index of the next `byte`, or the length where there is none. */
function find(chunk: Buffer, byte: number, from: number): number {
  const at = chunk.indexOf(byte, from);
  return at === -1 ? chunk.length : at;
}

function beginsWith(bytes: Buffer, start: number, end: number, word: Buffer): boolean {
  if (end - start < word.length) return false;
  for (let at = 0; at < word.length; at++) if (bytes[start + at] !== word[at]) return false;
  return true;
}

function isField(bytes: Buffer, start: number, end: number, name: Buffer): boolean {
  const after = start + name.length;
  return beginsWith(bytes, start, end, name) && (after === end || bytes[after] === COLON);
}

/** Where the value of a `data` line begins: after the colon and at most one space. */
function valueAt(bytes: Buffer, lineStart: number): number {
  const start = lineStart + DATA.length + 1;
  return bytes[start] === SPACE ? start + 1 : start;
}
