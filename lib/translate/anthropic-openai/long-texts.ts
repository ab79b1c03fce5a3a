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
 * a body that holds what looks like a mark is left whole; in place of tools that are known stands
 * one mark, wherever they are, and its reader looks where (parse.ts). Between the quotes of a long
 * text nothing is checked but its end: what is wrong there is the provider's to refuse, as where
 * bodies pass through (json-scanner.ts).
 */
import { GatewayError } from '../../errors.ts';
import { MAX_LOOKS_FOR_TOOLS } from '../../limits.ts';
import { closingQuote } from '../json-size.ts';
import { type Edit, splice } from '../json-splice.ts';
import type { KnownTools, ToolSet } from './known-tools.ts';
import { CONTROL, SIGN, TILDE, TOOLS_MARK } from './marks.ts';

/** A text that begins so has a line that is cut off (system.ts). */
export const BILLING_HEADER = 'x-anthropic-billing-header:';

/** From the first size on a body's texts are taken out where they have the second: for a shorter
 *  one that costs as much as reading it. */
export const MIN_BYTES_FOR_LONG_TEXTS = 8_192;
const LONG_TEXT_BYTES = 512;

const QUOTE = 0x22;
const COLON = 0x3a;
const OPEN_BRACKET = 0x5b;
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

const DIGITS = 5;
const MOST_TEXTS = 10 ** DIGITS;
const MARK_CHARS = 2 + DIGITS;

const TOOLS_KEY = 'tools';
const TOOLS_MARK_JSON = JSON.stringify(TOOLS_MARK);

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

  /** The JSON with all that was taken out, as UTF-8, and behind it `tail`. */
  fill(json: string, tail: Buffer = NOTHING): Buffer {
    const edits = this.#ranges.length === 0 ? [] : this.#fillings(json);
    if (edits.length === 0 && tail.length === 0) return Buffer.from(json);
    let size = Buffer.byteLength(json) + tail.length;
    for (const { start, end, range, text } of edits) {
      size += (text === '' ? range.end - range.cut : text.length) - (end - start);
    }
    const whole = this.#written(json, edits, Buffer.allocUnsafeSlow(size));
    tail.copy(whole, size - tail.length);
    return whole;
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

/** A body without what was taken out of it. */
export interface TakenOut {
  readonly rest: Buffer;
  readonly texts: LongTexts;
  /** What `TOOLS_MARK` stands for in `rest`, if it is there at all. */
  readonly tools: ToolSet | null;
}

/** The body without its long texts, which `texts` keeps, and the first tools in it that are known,
 *  wherever they stand. `bytes` must be UTF-8, and stay as they are until the last use of `texts`.
 *  Whatever they are, nothing is thrown. */
export function takeOutTexts(
  bytes: Buffer,
  longBytes = LONG_TEXT_BYTES,
  known: KnownTools | null = null,
): TakenOut {
  const { ranges, tools } = partsOf(bytes, longBytes, known);
  const edits = ranges.map(editOf);
  if (tools !== null) edits.splice(tools.before, 0, tools.edit);
  const rest = splice(bytes, edits);
  const isClear = edits.length > 0 && signsIn(rest) === edits.length;
  if (!isClear) return { rest: bytes, texts: NO_TEXTS, tools: null };
  return { rest, texts: new LongTexts(bytes, ranges), tools: tools?.set ?? null };
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

/** Known tools in a body, and how many long texts stand before them. */
interface FoundTools {
  readonly set: ToolSet;
  readonly edit: Edit;
  readonly before: number;
}

function partsOf(
  bytes: Buffer,
  longBytes: number,
  known: KnownTools | null,
): { ranges: Range[]; tools: FoundTools | null } {
  const { length } = bytes;
  const ranges: Range[] = [];
  let tools: FoundTools | null = null;
  let looks = known === null || known.size === 0 ? 0 : MAX_LOOKS_FOR_TOOLS;
  for (let at = 0; at < length && ranges.length < MOST_TEXTS; at++) {
    if (bytes[at] !== QUOTE) continue;
    const end = closingQuote(bytes, at + 1);
    const size = end - at;
    if (size > longBytes && end < length && isValueOfText(bytes, at)) {
      const cut = endOfBeginning(bytes, at + 1, end);
      if (cut > 0) ranges.push({ start: at + 1, cut, end });
    } else if (size === TOOLS_KEY.length + 1 && looks > 0 && isToolsKey(bytes, at + 1)) {
      looks -= 1;
      tools = toolsBehind(bytes, end, known as KnownTools, ranges.length);
      if (tools !== null) {
        looks = 0;
        at = tools.edit.end - 1;
        continue;
      }
    }
    at = end;
  }
  return { ranges, tools };
}

function isToolsKey(bytes: Buffer, at: number): boolean {
  for (let index = 0; index < TOOLS_KEY.length; index++) {
    if (bytes[at + index] !== TOOLS_KEY.charCodeAt(index)) return false;
  }
  return true;
}

/** The known tools that are the value of the key whose quote is at `quote`. */
function toolsBehind(
  bytes: Buffer,
  quote: number,
  known: KnownTools,
  before: number,
): FoundTools | null {
  const colon = nextVisible(bytes, quote + 1);
  if (bytes[colon] !== COLON) return null;
  const start = nextVisible(bytes, colon + 1);
  const set = bytes[start] === OPEN_BRACKET ? known.find(bytes, start) : null;
  if (set === null) return null;
  return { set, before, edit: { start, end: start + set.bytes.length, text: TOOLS_MARK_JSON } };
}

function nextVisible(bytes: Buffer, from: number): number {
  let at = from;
  while ((bytes[at] ?? 0xff) <= 0x20) at += 1;
  return at;
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

const NOTHING = Buffer.alloc(0);

/** For a body that is parsed whole. */
export const NO_TEXTS = new LongTexts(NOTHING, []);
