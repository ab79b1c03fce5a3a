/**
 * Where does each event of a stream begin and end, in bytes? For streams that are passed through.
 *
 * Must stay true: the frames together are the bytes that came, nothing lost and nothing decoded;
 * any chunking gives the same frames; a frame that is whole in its chunk is not copied; the bytes
 * waiting for the end of their event are bounded. Lines may end in LF, CRLF or CR (WHATWG HTML
 * §9.2).
 */
import { MAX_SSE_LINE_BYTES } from '../limits.ts';
import { ByteStore } from './byte-store.ts';

const LF = 0x0a;
const CR = 0x0d;
const SPACE = 0x20;
const COLON = 0x3a;
const OPEN_BRACE = 0x7b;
const BOM_FIRST = 0xef;
const BOM_BYTES = 3;
const DONE = '[DONE]';
const END_OF_LINE = Buffer.from('\n');
const END_OF_EVENT = Buffer.from('\n\n');
const NOTHING = Buffer.alloc(0);

/** A CR that ended the last chunk: its LF may still come, so its line is not settled. */
type PendingCr = 'none' | 'line' | 'blank-line';

/** Cuts a stream into events. After `push`, call `next` until it is false; each true names a frame.
 *  */
export class FrameSplitter {
  /** The frame is `bytes[start, end)`, its blank line included. */
  bytes: Buffer = NOTHING;
  start = 0;
  end = 0;
  /** True when the frame is known to be one line: what stands before its line ends is that line. */
  oneLine = false;
  /** An event passed MAX_SSE_LINE_BYTES: nothing more comes. */
  overflowed = false;

  readonly #rest = new ByteStore();
  #first = false;
  #searched: Buffer = NOTHING;
  #lf = 0;
  #cr = 0;
  /** A line of the frame ended in CR. */
  #hasCr = false;
  /** No byte of the current line has been seen. */
  #lineEmpty = true;
  #pendingCr: PendingCr = 'none';

  /** True while an event has begun that has not ended. */
  get waiting(): boolean {
    return this.#rest.length > 0;
  }

  /** No CR stands in the frame or behind it. */
  get plain(): boolean {
    return this.#searched === this.bytes && !this.#hasCr && this.#cr === this.bytes.length;
  }

  push(chunk: Buffer): void {
    if (chunk.length === 0 || this.overflowed) return;
    this.#searched = NOTHING; // the same memory may come again with other bytes
    const end = this.#boundary(chunk, 0);
    if (end < 0) {
      this.#keep(chunk, 0);
      return;
    }
    const held = this.#rest.length;
    if (held > 0) this.oneLine = false;
    this.bytes = held === 0 ? chunk : Buffer.concat([this.#rest.view(), chunk]);
    this.#rest.clear();
    this.start = 0;
    this.end = held + end;
    this.#first = true;
  }

  /** The bytes have ended: what waits becomes the last frame, its blank line added. */
  flush(): void {
    if (this.#pendingCr !== 'blank-line') {
      const ended = this.#lineEmpty && this.#pendingCr === 'none';
      this.push(ended ? END_OF_LINE : END_OF_EVENT);
      return;
    }
    this.#pendingCr = 'none';
    this.bytes = Buffer.from(this.#rest.view());
    this.#rest.clear();
    this.start = 0;
    this.end = this.bytes.length;
    this.#first = true;
  }

  next(): boolean {
    if (this.bytes === NOTHING) return false;
    if (this.#first) {
      this.#first = false;
      return true;
    }
    const end = this.#boundary(this.bytes, this.end);
    if (end < 0) {
      this.#keep(this.bytes, this.end);
      this.bytes = NOTHING;
      return false;
    }
    this.start = this.end;
    this.end = end;
    return true;
  }

  #keep(bytes: Buffer, from: number): void {
    if (this.#rest.length + bytes.length - from > MAX_SSE_LINE_BYTES) this.overflowed = true;
    else this.#rest.append(bytes, from, bytes.length);
  }

  /** Offset behind the next blank line at or after `from`, or -1 with the state kept for more. */
  #boundary(bytes: Buffer, from: number): number {
    let at = from;
    this.#hasCr = false;
    if (this.#pendingCr !== 'none') {
      const blank = this.#pendingCr === 'blank-line';
      this.#pendingCr = 'none';
      if (bytes[at] === LF) at += 1;
      if (blank) return at;
    }
    for (let lines = 0; ; lines++) {
      const end = this.#lineEnd(bytes, at);
      if (end === bytes.length) {
        if (at < end) this.#lineEmpty = false;
        return -1;
      }
      const blank = this.#lineEmpty && end === at;
      this.#lineEmpty = true;
      at = end + 1;
      if (bytes[end] === CR) {
        this.#hasCr = true;
        if (at === bytes.length) {
          this.#pendingCr = blank ? 'blank-line' : 'line';
          return -1;
        }
        if (bytes[at] === LF) at += 1;
      }
      if (blank) {
        this.oneLine = lines === 1;
        return at;
      }
    }
  }

  /** Each kind of line end is looked for once per find, so a stream without CR pays nothing for it.
   *  */
  #lineEnd(bytes: Buffer, from: number): number {
    if (bytes !== this.#searched) {
      this.#searched = bytes;
      this.#lf = this.#cr = -1;
    }
    if (this.#lf < from) this.#lf = find(bytes, LF, from);
    if (this.#cr < from) this.#cr = find(bytes, CR, from);
    return Math.min(this.#lf, this.#cr);
  }
}

function find(bytes: Buffer, byte: number, from: number): number {
  const at = bytes.indexOf(byte, from);
  return at === -1 ? bytes.length : at;
}

/** What an event says. Its data is `bytes[from, to)`: the frame's own bytes when `lines` is 1. */
export interface FrameData {
  /** The `event` field, '' where there is none. */
  readonly event: string;
  /** Data lines; 0 = a comment, a blank line or a field without data. */
  readonly lines: number;
  readonly bytes: Buffer;
  readonly from: number;
  readonly to: number;
}

/** Reads the frame the splitter stands on. A line that begins with `{` counts as data: some servers
 *  write an error object bare into a stream. */
export function readFrame(splitter: FrameSplitter): FrameData {
  const { bytes, start, end } = splitter;
  if (splitter.oneLine && isField(bytes, start, 'data')) {
    const from = valueStart(bytes, start + 'data'.length);
    return { event: '', lines: 1, bytes, from, to: contentEnd(bytes, from, end) };
  }
  return readLines(bytes, start, end, splitter.plain ? nextLf : nextLineEnd);
}

type LineEnd = (bytes: Buffer, from: number, end: number) => number;

function readLines(bytes: Buffer, start: number, end: number, lineEnd: LineEnd): FrameData {
  let event = '';
  const data: { from: number; to: number }[] = [];
  for (let at = start; at < end; ) {
    if (bytes[at] === BOM_FIRST) at += BOM_BYTES;
    const to = lineEnd(bytes, at, end);
    if (isField(bytes, at, 'data')) data.push({ from: valueStart(bytes, at + 4), to });
    else if (bytes[at] === OPEN_BRACE) data.push({ from: at, to });
    else if (isField(bytes, at, 'event'))
      event = bytes.toString('utf8', valueStart(bytes, at + 5), to);
    at = to + 1;
  }
  const [first] = data;
  if (first === undefined) return { event, lines: 0, bytes, from: end, to: end };
  if (data.length === 1) return { event, lines: 1, bytes, ...first };
  const joined = Buffer.from(
    data.map(({ from, to }) => bytes.toString('latin1', from, to)).join('\n'),
    'latin1',
  );
  return { event, lines: data.length, bytes: joined, from: 0, to: joined.length };
}

/** The data as text. */
export function textOf({ bytes, from, to }: FrameData): string {
  return bytes.toString('utf8', from, to);
}

/** `[DONE]`: the end of an OpenAI stream; some gateways send it in others, too. */
export function isDone({ bytes, from, to }: FrameData): boolean {
  return to - from < 2 * DONE.length && bytes.toString('latin1', from, to).trim() === DONE;
}

function isField(bytes: Buffer, at: number, name: string): boolean {
  for (let index = 0; index < name.length; index++) {
    if (bytes[at + index] !== name.charCodeAt(index)) return false;
  }
  return bytes[at + name.length] === COLON;
}

/** Behind the colon and at most one space. */
function valueStart(bytes: Buffer, colon: number): number {
  return bytes[colon + 1] === SPACE ? colon + 2 : colon + 1;
}

function nextLf(bytes: Buffer, from: number, end: number): number {
  const at = bytes.indexOf(LF, from);
  return at === -1 ? end : Math.min(at, end);
}

function nextLineEnd(bytes: Buffer, from: number, end: number): number {
  let at = from;
  while (at < end && bytes[at] !== LF && bytes[at] !== CR) at++;
  return at;
}

function contentEnd(bytes: Buffer, from: number, end: number): number {
  let at = end;
  while (at > from && (bytes[at - 1] === LF || bytes[at - 1] === CR)) at--;
  return at;
}

/** Bytes on their way out. Neighbouring ranges become one slice; one whole chunk stays itself. */
export class FrameOutput {
  readonly #parts: Buffer[] = [];
  #bytes: Buffer = NOTHING;
  #from = 0;
  #to = 0;
  /** Bytes that wait here. */
  length = 0;

  keep(bytes: Buffer, from: number, to: number): void {
    this.length += to - from;
    if (bytes === this.#bytes && from === this.#to) {
      this.#to = to;
      return;
    }
    this.#settle();
    this.#bytes = bytes;
    this.#from = from;
    this.#to = to;
  }

  add(text: string): void {
    const bytes = Buffer.from(text);
    this.keep(bytes, 0, bytes.length);
  }

  /** Everything so far, and nothing stays. */
  take(): Buffer | '' {
    this.#settle();
    const [first] = this.#parts;
    const all = this.#parts.length > 1 ? Buffer.concat(this.#parts) : first;
    this.#parts.length = 0;
    this.length = 0;
    return all ?? '';
  }

  #settle(): void {
    const { length } = this.#bytes;
    const whole = this.#from === 0 && this.#to === length;
    if (this.#to > this.#from) {
      this.#parts.push(whole ? this.#bytes : this.#bytes.subarray(this.#from, this.#to));
    }
    this.#bytes = NOTHING;
    this.#from = this.#to = 0;
  }
}
