/**
 * What do the head of an answer, and the trailers after its chunks, say? Bytes -> lines -> fields.
 *
 * RFC 9112 §4 and §5, read strictly: a line ends in CRLF and nothing else does, a name is a token
 * with the colon right behind it, a value holds no control characters, and no field goes on in the
 * next line (obs-fold, §5.2). Must stay true: what is wrong is said as soon as its bytes are here,
 * in whatever pieces they come; size and number of fields are bounded.
 */
import { MAX_ANSWER_FIELDS, MAX_ANSWER_HEAD_BYTES, MAX_KNOWN_FIELD_NAMES } from '../../limits.ts';
import { addField, type Fields, trimmed, UNPRINTABLE } from './fields.ts';
import type { KnownHeads } from './known-heads.ts';

const BLANK_LINE = Buffer.from('\r\n\r\n');
const TOKEN = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/;
const STATUS_LINE = /^HTTP\/1\.([01]) ([1-9]\d\d)(?: [\t\x20-\x7e\x80-\xff]*)?$/;
/** Every beginning of a status line that is not one yet. */
const STATUS_START =
  /^(?:H|HT|HTT|HTTP|HTTP\/|HTTP\/1|HTTP\/1\.|HTTP\/1\.[01](?: (?:[1-9]\d?)?)?)?$/;
/** Every beginning of a field, or of the line behind the last one. */
const FIELD_START =
  /^(?:\r|[!#$%&'*+\-.^_`|~0-9A-Za-z]*|[!#$%&'*+\-.^_`|~0-9A-Za-z]+:[\t\x20-\x7e\x80-\xff]*\r?)$/;

/** Spellings of field names -> lower case; a name in here has been checked. */
const knownNames = new Map<string, string>();

export class HeadReader {
  status = 0;
  /** 0 or 1: of HTTP/1.x. */
  minorVersion = 1;
  /** Lower-case names; repeated ones are joined with ", ". */
  fields: Fields = {};
  /** The blank line has been read. */
  complete = false;
  /** Why this is no head; '' while nothing is wrong. */
  fault = '';
  /** What comes next is a status line. */
  #atStatus = true;
  #carried = '';
  #size = 0;
  #count = 0;
  readonly #known: KnownHeads | null;

  /** With `known`, heads that come in one piece are compared with those before them. */
  constructor(known: KnownHeads | null) {
    this.#known = known;
  }

  /** Begins anew: with a status line, or with fields only (trailers). */
  begin(section: 'head' | 'trailers'): void {
    this.fields = {};
    this.complete = false;
    this.fault = '';
    this.#atStatus = section === 'head';
    this.#carried = '';
    this.#size = 0;
    this.#count = 0;
  }

  /** Reads on in `bytes`; returns where it stopped: behind the blank line, or at `end`. */
  read(bytes: Buffer, at: number, end: number): number {
    const whole = this.#atStatus && this.#carried === '';
    if (whole && this.#recall(bytes, at, end)) return at + this.#size;
    const stop = this.#stopOf(bytes, at, end);
    const fresh = bytes.toString('latin1', at, stop);
    const text = this.#carried === '' ? fresh : this.#carried + fresh;
    const from = this.#lines(text);
    if (this.fault !== '') return end;
    const consumed = this.complete ? stop - (text.length - from) : stop;
    this.#size += consumed - at;
    this.#carried = text.slice(from);
    if (this.#size > MAX_ANSWER_HEAD_BYTES) this.fault = 'headers too large';
    else if (!this.complete) this.#checkCarried();
    else if (whole) this.#known?.remember(text, this);
    return consumed;
  }

  /** Takes a head that is like one before it. */
  #recall(bytes: Buffer, at: number, end: number): boolean {
    const head = this.#known?.recall(bytes, at, end);
    if (head === undefined) return false;
    this.status = head.status;
    this.minorVersion = head.minorVersion;
    this.fields = head.fields;
    this.#size = head.bytes;
    this.#atStatus = false;
    this.complete = true;
    return true;
  }

  /** With a body behind a whole head, only the head is made into a string. */
  #stopOf(bytes: Buffer, at: number, end: number): number {
    if (this.#carried !== '') return Math.min(end, at + MAX_ANSWER_HEAD_BYTES + 1);
    const blank = bytes.indexOf(BLANK_LINE, at);
    const stop = blank < 0 || blank + 4 > end ? end : blank + 4;
    return Math.min(stop, at + MAX_ANSWER_HEAD_BYTES + 1);
  }

  /** Takes the whole lines; returns where the first that is not whole begins. */
  #lines(text: string): number {
    let from = 0;
    for (;;) {
      const lineEnd = text.indexOf('\r\n', from);
      if (lineEnd < 0) return from;
      if (lineEnd === from && !this.#atStatus) {
        this.complete = true;
        return lineEnd + 2;
      }
      if (this.#atStatus) this.#statusLine(text.slice(from, lineEnd));
      else this.#field(text, from, lineEnd);
      if (this.fault !== '') return from;
      from = lineEnd + 2;
    }
  }

  #statusLine(line: string): void {
    const found = STATUS_LINE.exec(line);
    if (found === null) {
      this.fault = 'no status line of HTTP/1.x';
      return;
    }
    this.minorVersion = found[1] === '1' ? 1 : 0;
    this.status = Number(found[2]);
    this.#atStatus = false;
  }

  #field(text: string, from: number, lineEnd: number): void {
    const colon = text.indexOf(':', from);
    const name = colon < 0 || colon > lineEnd ? undefined : nameOf(text.slice(from, colon));
    if (name === undefined) {
      this.fault = 'a line that is no header';
      return;
    }
    const value = trimmed(text, colon + 1, lineEnd);
    if (UNPRINTABLE.test(value)) {
      this.fault = 'a header with control characters';
    } else if (++this.#count > MAX_ANSWER_FIELDS) {
      this.fault = 'too many headers';
    } else {
      addField(this.fields, name, value);
    }
  }

  #checkCarried(): void {
    const line = this.#carried;
    if (!this.#atStatus) {
      if (!FIELD_START.test(line)) this.fault = 'a line that is no header';
    } else if (!STATUS_START.test(line) && !STATUS_LINE.test(line.replace(/\r$/, ''))) {
      this.fault = 'no status line of HTTP/1.x';
    }
  }
}

/** The name in lower case; undefined when it is none. */
function nameOf(spelling: string): string | undefined {
  const known = knownNames.get(spelling);
  if (known !== undefined) return known;
  if (!TOKEN.test(spelling)) return undefined;
  const name = spelling.toLowerCase();
  if (knownNames.size < MAX_KNOWN_FIELD_NAMES) {
    // Copied, or a slice would hold on to the whole head it was cut from.
    knownNames.set(Buffer.from(spelling).toString('latin1'), name);
  }
  return name;
}
