/**
 * The walk over the bytes of a JSON document: where does the value that starts here end?
 *
 * Builds nothing and never throws. Must stay true: what JSON.parse refuses is refused, with one
 * exception: between the quotes of a string that is not at the top level nothing is checked, only
 * its end is found (control characters and unknown escapes in there are the provider's to refuse).
 * Checking them, too, makes a scan of 100 KB three times as long (24 -> 93 us).
 */
import { MAX_JSON_DEPTH, MAX_WANTED_MEMBERS } from '../limits.ts';
import { closingQuote } from './json-size.ts';

export type JsonKind = 'string' | 'number' | 'object' | 'array' | 'true' | 'false' | 'null';

/** One value in the document: bytes `start` (its first) to `end` (behind its last). */
export interface JsonValue {
  readonly kind: JsonKind;
  readonly start: number;
  readonly end: number;
}

/** One occurrence of a wanted key. */
export interface Member extends JsonValue {
  readonly key: string;
}

/** Which members of the outermost object are wanted, and where they are noted. */
export interface Collector {
  /** ASCII keys. */
  readonly wanted: readonly string[];
  readonly members: Member[];
}

const QUOTE = 0x22;
const COMMA = 0x2c;
const MINUS = 0x2d;
const COLON = 0x3a;
const BACKSLASH = 0x5c;
const OPEN_BRACKET = 0x5b;
const CLOSE_BRACKET = 0x5d;
const OPEN_BRACE = 0x7b;
const CLOSE_BRACE = 0x7d;

/** A scanner's answer instead of an offset: nested too deep. Other negatives are `~offset`. */
export const TOO_DEEP = -0x8000_0000;
/** The same: wanted keys occur too often. */
export const TOO_MANY = TOO_DEEP + 1;
/** The same: too many members, and elements that are no numbers, in all. */
export const TOO_LARGE = TOO_DEEP + 2;

/** More than any document holds. */
const ANY_COUNT = 0x3fff_ffff;

export function kindAt(bytes: Buffer, at: number): JsonKind {
  switch (bytes[at]) {
    case QUOTE:
      return 'string';
    case OPEN_BRACE:
      return 'object';
    case OPEN_BRACKET:
      return 'array';
    case 0x74:
      return 'true';
    case 0x66:
      return 'false';
    case 0x6e:
      return 'null';
    default:
      return 'number';
  }
}

/** Every method takes the offset of a first byte and gives the offset behind what it read, or a
 *  negative number (`~offset` of the wrong byte, TOO_DEEP). Reading behind the end gives undefined,
 *  which is the wrong byte everywhere. */
export class Scanner {
  readonly #bytes: Buffer;
  #left: number;

  /** `most`: members, and elements that are no numbers, that are read before it is TOO_LARGE. */
  constructor(bytes: Buffer, most = ANY_COUNT) {
    this.#bytes = bytes;
    this.#left = most;
  }

  /** Skips whitespace (RFC 8259 §2). Looks at no byte behind the end: one `undefined` among the
   *  numbers, and V8 compares all of them the long way. */
  gap(at: number): number {
    const bytes = this.#bytes;
    let next = at;
    for (; next < bytes.length; next++) {
      const byte = bytes[next] as number;
      if (byte > 0x20) break;
      if (byte !== 0x20 && byte !== 0x0a && byte !== 0x0d && byte !== 0x09) break;
    }
    return next;
  }

  /** Any value; `depth` is the one a container starting here would have. */
  value(at: number, depth: number): number {
    switch (this.#bytes[at]) {
      case QUOTE:
        return depth > 2 ? this.#jump(at + 1) : this.#string(at + 1);
      case OPEN_BRACE:
        return this.object(at, depth, null);
      case OPEN_BRACKET:
        return this.#array(at, depth);
      case 0x74:
        return this.#word(at, 'true');
      case 0x66:
        return this.#word(at, 'false');
      case 0x6e:
        return this.#word(at, 'null');
      default:
        return this.#number(at);
    }
  }

  object(open: number, depth: number, collector: Collector | null): number {
    if (depth > MAX_JSON_DEPTH) return TOO_DEEP;
    const bytes = this.#bytes;
    let at = this.gap(open + 1);
    if (bytes[at] === CLOSE_BRACE) return at + 1;
    for (;;) {
      if (bytes[at] !== QUOTE) return ~at;
      const key = at + 1;
      const keyEnd = depth > 1 ? this.#jump(key) : this.#string(key);
      if (keyEnd < 0) return keyEnd;
      at = this.gap(keyEnd);
      if (bytes[at] !== COLON) return ~at;
      const start = this.gap(at + 1);
      const end = this.value(start, depth + 1);
      if (end < 0) return end;
      if (--this.#left < 0) return TOO_LARGE;
      if (collector !== null) {
        collect(bytes, collector, key, keyEnd - 1, start, end);
        if (collector.members.length > MAX_WANTED_MEMBERS) return TOO_MANY;
      }
      at = this.gap(end);
      if (bytes[at] === CLOSE_BRACE) return at + 1;
      if (bytes[at] !== COMMA) return ~at;
      at = this.gap(at + 1);
    }
  }

  #array(open: number, depth: number): number {
    if (depth > MAX_JSON_DEPTH) return TOO_DEEP;
    const bytes = this.#bytes;
    let at = this.gap(open + 1);
    if (bytes[at] === CLOSE_BRACKET) return at + 1;
    for (;;) {
      at = this.#element(at, depth + 1);
      if (at < 0) return at;
      at = this.gap(at);
      if (bytes[at] === CLOSE_BRACKET) return at + 1;
      if (bytes[at] !== COMMA) return ~at;
      at = this.gap(at + 1);
    }
  }

  /** Any value but a number counts: texts as tokens have millions of those. */
  #element(from: number, depth: number): number {
    const at = this.gap(this.#wholeNumbers(from));
    const byte = this.#bytes[at] as number;
    const isNumber = byte === MINUS || isDigit(byte);
    if (!isNumber && --this.#left < 0) return TOO_LARGE;
    return this.value(at, depth);
  }

  /** Skips elements such as `17,` and gives the offset of the first that is none, or is the last:
   *  one by one through `value` a run of them takes ten times as long. */
  #wholeNumbers(from: number): number {
    const bytes = this.#bytes;
    for (let at = from; ; ) {
      let end = at;
      let byte = bytes[end] as number;
      if (byte === 0x30) byte = bytes[++end] as number;
      else while (isDigit(byte)) byte = bytes[++end] as number;
      if (end === at || byte !== COMMA) return at;
      at = bytes[end + 1] === 0x20 ? end + 2 : end + 1;
    }
  }

  /** A string of the top level, checked to the letter (RFC 8259 §7). `from`: behind the quote. */
  #string(from: number): number {
    const bytes = this.#bytes;
    let at = from;
    for (;;) {
      let byte = bytes[at] ?? 0;
      while (byte !== QUOTE && byte !== BACKSLASH && byte >= 0x20) byte = bytes[++at] ?? 0;
      if (byte === QUOTE) return at + 1;
      if (byte !== BACKSLASH) return ~at;
      at = this.#escape(at + 1);
      if (at < 0) return at;
    }
  }

  /** A string further in: only its end is looked for. */
  #jump(from: number): number {
    const quote = closingQuote(this.#bytes, from);
    return quote < this.#bytes.length ? quote + 1 : ~this.#bytes.length;
  }

  #escape(at: number): number {
    switch (this.#bytes[at]) {
      case QUOTE:
      case BACKSLASH:
      case 0x2f: // slash
      case 0x62: // b
      case 0x66: // f
      case 0x6e: // n
      case 0x72: // r
      case 0x74: // t
        return at + 1;
      case 0x75: // u
        return this.#hex4(at + 1);
      default:
        return ~at;
    }
  }

  #hex4(from: number): number {
    for (let at = from; at < from + 4; at++) {
      const byte = this.#bytes[at] ?? 0;
      const lower = byte | 0x20;
      if (!isDigit(byte) && !(lower >= 0x61 && lower <= 0x66)) return ~at;
    }
    return from + 4;
  }

  #word(from: number, word: string): number {
    for (let index = 1; index < word.length; index++) {
      if (this.#bytes[from + index] !== word.charCodeAt(index)) return ~(from + index);
    }
    return from + word.length;
  }

  /** RFC 8259 §6: no leading zero, digits on both sides of a point. */
  #number(from: number): number {
    const bytes = this.#bytes;
    let at = bytes[from] === MINUS ? from + 1 : from;
    at = bytes[at] === 0x30 ? at + 1 : this.#digits(at);
    if (at >= 0 && bytes[at] === 0x2e) at = this.#digits(at + 1);
    if (at < 0 || ((bytes[at] ?? 0) | 0x20) !== 0x65) return at;
    const sign = bytes[at + 1] === 0x2b || bytes[at + 1] === MINUS;
    return this.#digits(at + (sign ? 2 : 1));
  }

  #digits(from: number): number {
    let at = from;
    while (isDigit(this.#bytes[at] ?? 0)) at++;
    return at === from ? ~at : at;
  }
}

function isDigit(byte: number): boolean {
  return byte >= 0x30 && byte <= 0x39;
}

/** Notes the member when its key (bytes `key`..`keyEnd`, without quotes) is wanted. */
function collect(
  bytes: Buffer,
  { wanted, members }: Collector,
  key: number,
  keyEnd: number,
  start: number,
  end: number,
): void {
  const found = hasEscape(bytes, key, keyEnd)
    ? wanted.indexOf(JSON.parse(bytes.toString('utf8', key - 1, keyEnd + 1)) as string)
    : indexOfKey(bytes, wanted, key, keyEnd);
  if (found < 0) return;
  members.push({ key: wanted[found] as string, kind: kindAt(bytes, start), start, end });
}

function hasEscape(bytes: Buffer, from: number, to: number): boolean {
  for (let at = from; at < to; at++) if (bytes[at] === BACKSLASH) return true;
  return false;
}

function indexOfKey(bytes: Buffer, wanted: readonly string[], from: number, to: number): number {
  next: for (let index = 0; index < wanted.length; index++) {
    const word = wanted[index] ?? '';
    if (word.length !== to - from) continue;
    for (let at = from; at < to; at++) {
      if (bytes[at] !== word.charCodeAt(at - from)) continue next;
    }
    return index;
  }
  return -1;
}
