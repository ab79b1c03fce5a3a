/**
 * Is this event the last one over again, with another text in it?
 *
 *    data: {"id":"…","choices":[{"index":0,"delta":{"content":"  a few words  "}}]}
 *    +-------------------------- head -----------------------+  text  +- tail -+
 *
 * The chunks of a stream differ in one string. Where all that stands before and behind it is that
 * of a chunk that has been read in full, only the string is left to be read. Must stay true: a
 * template is learned only from a chunk that says one thing, and after a trial has shown that the
 * string is that thing; any difference, an empty text and an unlawful string included, means
 * reading in full.
 */
import { MAX_SSE_LINE_BYTES } from '../../limits.ts';
import { onlySaid, putText, type Said, textIn } from './choices.ts';

/** Chunks in a row that fit no template before learning is given up (some servers put a random
 *  string into each). */
const MAX_MISSES = 8;
/** What stands in JSON as it is. */
const PLAIN = /^[ !#-[\]-~]+$/;
const MANY_LINES = /[\r\n]/;

/** A frame up to the text and from its closing quote on, each byte a character. */
interface Learned {
  readonly head: string;
  readonly tail: string;
  readonly said: Said;
}

export class DeltaTemplate {
  #learned: Learned | null = null;
  #misses = 0;
  /** The chunk that is being looked at, and the same as characters. */
  #bytes: Buffer | null = null;
  #chars = '';

  /** Offset behind the event that begins at `start`, or -1 where it does not fit. Where it does,
   *  `said` says what it says. */
  match(bytes: Buffer, start: number): number {
    if (this.#learned === null) return -1;
    const { head, tail, said } = this.#learned;
    const chars = bytes === this.#bytes ? this.#chars : this.#look(bytes);
    const from = start + head.length;
    // Slices are compared without a copy; startsWith with an offset is four times as slow.
    if (chars.slice(start, from) !== head) return -1;
    const to = closingQuote(chars, from);
    const end = to + tail.length;
    if (end - start > MAX_SSE_LINE_BYTES || chars.slice(to, end) !== tail) return -1;
    const raw = chars.slice(from, to);
    const text = PLAIN.test(raw) ? raw : decoded(bytes, from, to);
    if (text === '') return -1;
    putText(said, text);
    this.#misses = 0;
    return end;
  }

  /** What the event says that fitted last. */
  get said(): Said | undefined {
    return this.#learned?.said;
  }

  /** The chunk is done: nothing of its memory is kept (a text may be a slice of it). */
  forgetChunk(): void {
    if (this.#bytes === null) return;
    this.#bytes = null;
    this.#chars = '';
    if (this.#learned !== null) putText(this.#learned.said, '');
  }

  /** Learns from an event that was read in full: its data, and `value`, what that says. */
  learn(data: string, value: unknown): void {
    if (this.#misses === MAX_MISSES) return;
    const said = onlySaid(value);
    if (said === undefined || MANY_LINES.test(data)) return;
    this.#misses += 1;
    this.#learned = this.#misses === MAX_MISSES ? null : learned(data, said);
  }

  #look(bytes: Buffer): string {
    this.#bytes = bytes;
    this.#chars = bytes.toString('latin1');
    return this.#chars;
  }
}

/** Finds the text in the data, and tries out whether it is what the event says. */
function learned(data: string, said: Said): Learned | null {
  const text = textIn(said);
  const json = JSON.stringify(text);
  const at = data.indexOf(json);
  if (at === -1) return null;
  const head = data.slice(0, at);
  const tail = data.slice(at + json.length);
  const other = `${text}.`;
  const tried = onlySaid(parse(head + JSON.stringify(other) + tail));
  if (tried?.kind !== said.kind || textIn(tried) !== other) return null;
  return { head: charsOf(`data: ${head}"`), tail: charsOf(`"${tail}\n\n`), said: tried };
}

/** Bytes of UTF-8, each a character. */
function charsOf(text: string): string {
  return Buffer.from(text).toString('latin1');
}

/** The text of a JSON string that has escapes or more than ASCII; '' where it is none. */
function decoded(bytes: Buffer, from: number, to: number): string {
  const text = parse(bytes.toString('utf8', from - 1, to + 1));
  return typeof text === 'string' ? text : '';
}

function parse(json: string): unknown {
  try {
    return JSON.parse(json);
  } catch {
    return undefined;
  }
}

/** Offset of the quote that closes the string whose text begins at `from`; -1: there is none. */
function closingQuote(chars: string, from: number): number {
  for (let at = from; ; ) {
    const quote = chars.indexOf('"', at);
    let before = quote - 1;
    while (before >= from && chars[before] === '\\') before--;
    if (quote === -1 || ((quote - before) & 1) === 1) return quote;
    at = quote + 1;
  }
}
