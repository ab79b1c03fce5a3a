/**
 * Which bytes of a chunked body are its content? (RFC 9112 §7.1)
 *
 *   SIZE --";"--> EXTENSION --CR--> SIZE_END --LF--> CONTENT -> CONTENT_CR -> CONTENT_LF -> SIZE
 *     +------------CR-----------------^   +--LF, size 0--> TRAILERS --blank line--> complete
 *
 * Must stay true: every byte is accounted for. Extensions and trailers are bounded, checked and
 * dropped.
 */
import { MAX_CHUNK_EXTENSION_BYTES } from '../../limits.ts';
import type { Fields } from './fields.ts';
import { HeadReader } from './head-reader.ts';
import type { Run } from './run.ts';

const SIZE = 0;
const EXTENSION = 1;
const SIZE_END = 2;
const CONTENT = 3;
const CONTENT_CR = 4;
const CONTENT_LF = 5;
const TRAILERS = 6;

type State =
  | typeof SIZE
  | typeof EXTENSION
  | typeof SIZE_END
  | typeof CONTENT
  | typeof CONTENT_CR
  | typeof CONTENT_LF
  | typeof TRAILERS;

const LF = 0x0a;
const CR = 0x0d;
const SEMICOLON = 0x3b;

/** What is dropped here is still read strictly: a quoted CR or LF would not end the line for all. */
const EXTENSIONS =
  /^(?:;[!#$%&'*+\-.^_`|~\w]+(?:=(?:[!#$%&'*+\-.^_`|~\w]+|"(?:[^"\\\p{Cc}]|\\[^\p{Cc}])*"))?)+$/u;

/** Twelve hexadecimal digits are 256 terabytes, and exact as a number. */
const MAX_SIZE_DIGITS = 12;

export class ChunkReader {
  complete = false;
  /** Why these are no chunks; '' while nothing is wrong. */
  fault = '';
  #state: State = SIZE;
  #size = 0;
  #digits = 0;
  #extensionBytes = 0;
  #extension = '';
  /** Made when a body ends, for a stream takes minutes until then. */
  #trailers: HeadReader | undefined;

  begin(): void {
    this.complete = false;
    this.fault = '';
    this.#state = SIZE;
    this.#size = 0;
    this.#digits = 0;
    this.#extensionBytes = 0;
  }

  /** Reads on in `bytes` and adds content to `run`; returns where it stopped: behind the body, at
   *  the fault, or at `end`. */
  read(bytes: Buffer, from: number, end: number, run: Run): number {
    let at = from;
    while (at < end && !this.complete && this.fault === '') {
      if (this.#state === CONTENT) at = this.#content(bytes, at, end, run);
      else if (this.#state === TRAILERS) at = this.#readTrailers(bytes, at, end);
      else this.#framing(bytes[at++] as number);
    }
    return at;
  }

  #framing(byte: number): void {
    switch (this.#state) {
      case SIZE:
        this.#sizeByte(byte);
        return;
      case EXTENSION:
        this.#extensionByte(byte);
        return;
      case SIZE_END:
        if (this.#size === 0) this.#beginTrailers();
        this.#expect(LF, byte, this.#size === 0 ? TRAILERS : CONTENT);
        return;
      case CONTENT_CR:
        this.#expect(CR, byte, CONTENT_LF);
        return;
      case CONTENT_LF:
        this.#expect(LF, byte, SIZE);
        this.#digits = 0;
        return;
      case CONTENT:
      case TRAILERS:
        return; // read in one go
      default: {
        const never: never = this.#state;
        throw new TypeError(`no state ${String(never)}`);
      }
    }
  }

  #expect(wanted: number, byte: number, next: State): void {
    if (byte === wanted) this.#state = next;
    else this.fault = 'a chunk does not end where it said';
  }

  #sizeByte(byte: number): void {
    const digit = hexDigit(byte);
    if (digit >= 0 && this.#digits < MAX_SIZE_DIGITS) {
      this.#size = this.#digits === 0 ? digit : this.#size * 16 + digit;
      this.#digits++;
    } else if (this.#digits === 0 || digit >= 0) {
      this.fault = 'no chunk size';
    } else if (byte === CR) {
      this.#state = SIZE_END;
    } else if (byte === SEMICOLON) {
      this.#extension = ';';
      this.#state = EXTENSION;
    } else {
      this.fault = 'no chunk size';
    }
  }

  #extensionByte(byte: number): void {
    if (byte !== CR) {
      this.#extension += String.fromCharCode(byte);
      if (byte === LF) this.fault = 'a bad chunk extension';
      if (++this.#extensionBytes > MAX_CHUNK_EXTENSION_BYTES) {
        this.fault = 'chunk extensions too large';
      }
    } else if (EXTENSIONS.test(this.#extension)) {
      this.#state = SIZE_END;
    } else {
      this.fault = 'a bad chunk extension';
    }
  }

  #content(bytes: Buffer, at: number, end: number, run: Run): number {
    const stop = Math.min(end, at + this.#size);
    run.add(bytes, at, stop);
    this.#size -= stop - at;
    if (this.#size === 0) this.#state = CONTENT_CR;
    return stop;
  }

  #beginTrailers(): void {
    this.#trailers ??= new HeadReader(null);
    this.#trailers.begin('trailers');
  }

  #readTrailers(bytes: Buffer, at: number, end: number): number {
    const trailers = this.#trailers as HeadReader;
    const stop = trailers.read(bytes, at, end);
    this.complete = trailers.complete;
    this.fault = trailers.fault;
    if (this.complete && frames(trailers.fields)) {
      this.complete = false;
      this.fault = 'framing in a trailer';
    }
    return stop;
  }
}

/** -1: no digit. */
function hexDigit(byte: number): number {
  if (byte >= 0x30 && byte <= 0x39) return byte - 0x30;
  const lower = byte | 0x20;
  return lower >= 0x61 && lower <= 0x66 ? lower - 0x57 : -1;
}

/** The end has been reached: nothing behind it can say where it is (RFC 9110 §6.5.1). */
function frames(fields: Fields): boolean {
  return 'content-length' in fields || 'transfer-encoding' in fields;
}
