/**
 * Is this event the last one over again, with another text in it?
 *
 * The chunks of a stream differ in one string. Where all bytes before and behind that string are
 * those of a chunk that has been read in full, and the string ends where it should, everything read
 * there holds here, too: 0.4 us instead of 2. Must stay true: a template is learned only from a
 * chunk that needs nothing but the model replaced; any difference means reading in full.
 */
import type { Member } from '../json-scanner.ts';
import {
  type Edit,
  lastMember,
  type ObjectScan,
  scanElements,
  scanObject,
  splice,
} from '../json-splice.ts';
import type { FrameOutput } from '../sse-frames.ts';

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const TEXT_KEYS = ['content', 'reasoning', 'reasoning_content'] as const;
/** Chunks in a row that fit no template before learning is given up (some servers put a random
 *  string into each). */
const MAX_MISSES = 8;

interface Learned {
  /** The frame up to and with the opening quote of the text, and from its closing quote on. */
  readonly head: Buffer;
  readonly tail: Buffer;
  /** The same as they go to the client; null: unchanged. */
  readonly changed: { readonly head: Buffer; readonly tail: Buffer } | null;
  /** Bytes of `choices` without the text. */
  readonly choicesBytes: number;
}

export class ChunkTemplate {
  #learned: Learned | null = null;
  #misses = 0;

  /** Bytes that the `choices` of this frame have if it fits; -1: it does not. */
  match(bytes: Buffer, start: number, end: number): number {
    if (this.#learned === null) return -1;
    const { head, tail, choicesBytes } = this.#learned;
    const from = start + head.length;
    const to = end - tail.length;
    const fits =
      to >= from &&
      tail.compare(bytes, to, end) === 0 &&
      head.compare(bytes, start, from) === 0 &&
      closingQuote(bytes, from) === to;
    if (!fits) return -1;
    this.#misses = 0;
    return choicesBytes + to - from;
  }

  /** Gives a frame out that fits. */
  relay(out: FrameOutput, bytes: Buffer, start: number, end: number): void {
    if (this.#learned === null) return;
    const { head, tail, changed } = this.#learned;
    if (changed === null) {
      out.keep(bytes, start, end);
      return;
    }
    out.keep(changed.head, 0, changed.head.length);
    out.keep(bytes, start + head.length, end - tail.length);
    out.keep(changed.tail, 0, changed.tail.length);
  }

  /** Learns from the frame `bytes[start, end)`, read in full, which goes out with `edits`. */
  learn(bytes: Buffer, start: number, end: number, scan: ObjectScan, edits: readonly Edit[]): void {
    if (this.#misses === MAX_MISSES) return;
    this.#misses += 1;
    const choices = lastMember(scan, 'choices');
    const text = choices === undefined ? undefined : textIn(bytes, choices);
    if (choices === undefined || text === undefined) return;
    const from = text.start + 1;
    const to = text.end - 1;
    const choicesBytes = choices.end - choices.start - (to - from);
    this.#learned = {
      head: Buffer.from(bytes.subarray(start, from)),
      tail: Buffer.from(bytes.subarray(to, end)),
      changed: edits.length === 0 ? null : spliceAround(bytes, start, from, to, end, edits),
      choicesBytes,
    };
  }
}

/** The one text of the one choice, when it is not empty, or undefined. */
function textIn(bytes: Buffer, choices: Member): Member | undefined {
  const [choice, second] = scanElements(bytes, choices);
  if (choice === undefined || second !== undefined) return undefined;
  const delta = lastMember(scanObject(bytes, ['delta'], choice.start, choice.end), 'delta');
  if (delta === undefined) return undefined;
  const scan = scanObject(bytes, TEXT_KEYS, delta.start, delta.end);
  const texts = scan.ok ? scan.members.filter(isText) : [];
  return texts.length === 1 ? texts[0] : undefined;
}

function isText({ kind, start, end }: Member): boolean {
  return kind === 'string' && end - start > 2;
}

function spliceAround(
  bytes: Buffer,
  start: number,
  from: number,
  to: number,
  end: number,
  edits: readonly Edit[],
): { head: Buffer; tail: Buffer } {
  const shifted = (by: number) => (edit: Edit) => ({
    start: edit.start - by,
    end: edit.end - by,
    text: edit.text,
  });
  const before = edits.filter((edit) => edit.end <= from).map(shifted(start));
  const behind = edits.filter((edit) => edit.start >= to).map(shifted(to));
  return {
    head: Buffer.from(splice(bytes.subarray(start, from), before)),
    tail: Buffer.from(splice(bytes.subarray(to, end), behind)),
  };
}

/** Offset of the quote that closes the string whose text begins at `from`. */
function closingQuote(bytes: Buffer, from: number): number {
  for (let at = from; ; ) {
    const quote = bytes.indexOf(QUOTE, at);
    if (quote === -1) return -1;
    let before = quote - 1;
    while (before >= from && bytes[before] === BACKSLASH) before--;
    if (((quote - before) & 1) === 1) return quote;
    at = quote + 1;
  }
}
