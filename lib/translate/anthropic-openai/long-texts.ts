/**
 * How does a long text get through a translation that does not read it?
 *
 * As bytes. Of each long text a beginning stays in the JSON that is parsed, and a mark behind it;
 * in the JSON that is made of the request, each mark is replaced by what stood there, as the client
 * wrote it:
 *
 *   {"text":"if (at < 0) …9,000 bytes"}     {"text":"if (at < 0) ~\u001000042"}
 *   {"content":"if (at < 0) …9,000 bytes"}  {"content":"if (at < 0) ~\u001000042"}
 *
 * Must stay true: whoever looks at a text's beginning, or asks whether it is blank, finds the same;
 * a text may go into another JSON text (arguments of a tool call), and is escaped once more there;
 * a body that holds what looks like a mark is left whole. Between the quotes of a long text nothing
 * is checked but its end: what is wrong there is the provider's to refuse, as where bodies pass
 * through (json-scanner.ts).
 */
import { GatewayError } from '../../errors.ts';
import { closingQuote } from '../json-size.ts';
import { type Edit, splice } from '../json-splice.ts';

/** A text that begins so has a line that is cut off (system.ts). */
export const BILLING_HEADER = 'x-anthropic-billing-header:';

/** From the first size on a body's texts are taken out where they have the second: for a shorter
 *  one that costs as much as reading it. */
export const MIN_BYTES_FOR_LONG_TEXTS = 8_192;
const LONG_TEXT_BYTES = 512;

const QUOTE = 0x22;
const COLON = 0x3a;
const BACKSLASH = 0x5c;
const LETTER_U = 0x75;

/** Fields whose value nobody compares with another one, as an id or a name is. */
const KEYS = ['text', 'content', 'thinking', 'data', 'description', 'old_string', 'new_string'];
const QUOTED_KEYS = KEYS.map((key) => `"${key}"`);
const LONGEST_KEY_BYTES = Math.max(...QUOTED_KEYS.map((key) => key.length));

/** How much of a text stays behind its first visible character: enough for `error` at its start. */
const KEPT_BYTES = 16;
/** How far its first visible character is looked for. */
const MAX_BLANK_BYTES = 256;

/** What JSON makes of the control character in a mark, less the backslashes before it: their
 *  number tells how deep the text lies. The tilde parts them from backslashes of the text. */
const SIGN = 'u0010';
const CONTROL = 0x10;
const TILDE = '~';
const DIGITS = 5;
const MOST_TEXTS = 10 ** DIGITS;
const MARK_CHARS = 2 + DIGITS;

/** A long text in the body: where the inside of its string begins, its beginning ends, it ends. */
interface Range {
  readonly start: number;
  readonly cut: number;
  readonly end: number;
}

export class LongTexts {
  /** The body that the ranges lie in. */
  readonly bytes: Buffer;
  readonly #ranges: readonly Range[];

  constructor(bytes: Buffer, ranges: readonly Range[]) {
    this.bytes = bytes;
    this.#ranges = ranges;
  }

  /** Where the inside of this text lies, when it is one of the request that was taken out. */
  rangeOf(text: string): Range | undefined {
    const at = text.length - MARK_CHARS;
    if (at < 0 || text.charCodeAt(at + 1) !== CONTROL) return undefined;
    return this.#ranges[Number(text.slice(at + 2))];
  }

  /** Characters of a text, or its bytes in JSON where it was taken out. */
  lengthOf(text: string): number {
    const range = this.rangeOf(text);
    return range === undefined ? text.length : range.end - range.start;
  }

  /** The text with all that was taken out of it. Throws INVALID_REQUEST where that is no text. */
  whole(text: string): string {
    if (this.#ranges.length === 0) return text;
    try {
      return JSON.parse(this.fill(JSON.stringify(text)).toString()) as string;
    } catch {
      throw new GatewayError('INVALID_REQUEST', 'the body is not valid JSON');
    }
  }

  /** The JSON with all that was taken out, as UTF-8. */
  fill(json: string): Buffer {
    const edits = this.#ranges.length === 0 ? [] : this.#fillings(json);
    if (edits.length === 0) return Buffer.from(json);
    let size = Buffer.byteLength(json);
    for (const { start, end, range, text } of edits) {
      size += (text === '' ? range.end - range.cut : text.length) - (end - start);
    }
    return this.#written(json, edits, Buffer.allocUnsafeSlow(size));
  }

  #written(json: string, fillings: readonly Filling[], whole: Buffer): Buffer {
    let from = 0;
    let at = 0;
    for (const { start, end, range, text } of fillings) {
      at += whole.write(json.slice(from, start), at);
      if (text === '') at += this.bytes.copy(whole, at, range.cut, range.end);
      else at += whole.write(text, at, 'latin1');
      from = end;
    }
    whole.write(json.slice(from), at);
    return whole;
  }

  #fillings(json: string): Filling[] {
    const fillings: Filling[] = [];
    for (let at = json.indexOf(SIGN); at >= 0; at = json.indexOf(SIGN, at + SIGN.length)) {
      const end = at + SIGN.length + DIGITS;
      const range = this.#ranges[Number(json.slice(at + SIGN.length, end))];
      let start = at - 1;
      while (json.charCodeAt(start) === BACKSLASH) start -= 1;
      if (range === undefined || json[start] !== TILDE) continue;
      fillings.push({ start, end, range, text: this.#escaped(range, at - start - 1) });
    }
    return fillings;
  }

  /** One byte a character, escaped once more for each time that the backslashes before the sign
   *  have doubled; '' where the bytes can stay as they are. */
  #escaped({ cut, end }: Range, backslashes: number): string {
    if (backslashes === 1) return '';
    let text = this.bytes.toString('latin1', cut, end);
    for (let left = backslashes; left > 1; left /= 2) text = JSON.stringify(text).slice(1, -1);
    return text;
  }
}

/** What stands in JSON instead of a mark: `text`, or the bytes themselves where that is ''. */
interface Filling {
  readonly start: number;
  readonly end: number;
  readonly range: Range;
  readonly text: string;
}

/** The body without its long texts, which `texts` keeps. `bytes` must be UTF-8, and stay as they
 *  are until the last use of `texts`. Whatever they are, nothing is thrown. */
export function takeOutTexts(
  bytes: Buffer,
  longBytes = LONG_TEXT_BYTES,
): { rest: Buffer; texts: LongTexts } {
  const ranges = longTextsOf(bytes, longBytes);
  const rest = splice(bytes, ranges.map(editOf));
  const isClear = ranges.length > 0 && signsIn(rest) === ranges.length;
  if (!isClear) return { rest: bytes, texts: NO_TEXTS };
  return { rest, texts: new LongTexts(bytes, ranges) };
}

function editOf({ cut, end }: Range, index: number): Edit {
  const text = `${TILDE}\\${SIGN}${String(index).padStart(DIGITS, '0')}`;
  return { start: cut, end, text };
}

function signsIn(bytes: Buffer): number {
  let count = 0;
  for (let at = bytes.indexOf(SIGN); at >= 0; at = bytes.indexOf(SIGN, at + 1)) count += 1;
  return count;
}

function longTextsOf(bytes: Buffer, longBytes: number): Range[] {
  const { length } = bytes;
  const ranges: Range[] = [];
  for (let at = 0; at < length && ranges.length < MOST_TEXTS; at++) {
    if (bytes[at] !== QUOTE) continue;
    const end = closingQuote(bytes, at + 1);
    if (end - at > longBytes && end < length && isValueOfText(bytes, at)) {
      const cut = endOfBeginning(bytes, at + 1, end);
      if (cut > 0) ranges.push({ start: at + 1, cut, end });
    }
    at = end;
  }
  return ranges;
}

/** Whether the string that begins at `quote` is the value of one of `KEYS`. */
function isValueOfText(bytes: Buffer, quote: number): boolean {
  const colon = lastVisible(bytes, quote - 1);
  if (bytes[colon] !== COLON) return false;
  const end = lastVisible(bytes, colon - 1) + 1;
  const before = bytes.toString('latin1', end - LONGEST_KEY_BYTES, end);
  return QUOTED_KEYS.some((key) => before.endsWith(key));
}

function lastVisible(bytes: Buffer, from: number): number {
  let at = from;
  while (at >= 0 && (bytes[at] as number) <= 0x20) at -= 1;
  return at;
}

/**
 * Where the beginning of a text ends that is kept, or -1 for one that is to stay whole: it is not
 * sure to have a visible character, hides its beginning in escapes, or has a line that is cut off.
 */
function endOfBeginning(bytes: Buffer, start: number, end: number): number {
  const most = Math.min(end, start + MAX_BLANK_BYTES);
  let visible = 0;
  for (let at = start; at < most; at++) {
    const byte = bytes[at] as number;
    if (visible > 0 && at > visible + KEPT_BYTES && (byte & 0xc0) !== 0x80) {
      return isBilling(bytes, start) ? -1 : at;
    }
    if (byte !== BACKSLASH) {
      if (visible === 0 && isVisible(byte)) visible = at;
    } else if (bytes[++at] === LETTER_U) return -1;
  }
  return -1;
}

/** Sure to be: ASCII but for blanks, or the first byte of a Chinese character. */
function isVisible(byte: number): boolean {
  return (byte > 0x20 && byte < 0x7f) || (byte >= 0xe4 && byte <= 0xe9);
}

function isBilling(bytes: Buffer, start: number): boolean {
  return bytes.toString('latin1', start, start + BILLING_HEADER.length) === BILLING_HEADER;
}

/** For a body that is parsed whole. */
export const NO_TEXTS = new LongTexts(Buffer.alloc(0), []);
