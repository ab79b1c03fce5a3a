/**
 * How many tokens had this text when it was last seen?
 *
 * An agent sends its whole conversation with every turn, and looking at its texts costs more than
 * parsing the rest. Texts are told apart by their length and a sample of their bytes: those alike
 * in both cost about the same. Must stay true: what is kept is bounded, and no text is kept.
 */
import { MAX_KNOWN_TEXTS } from '../limits.ts';

const SAMPLED_BYTES = 24;

export class KnownTexts {
  readonly #tokens = new Map<number, number>();

  get(bytes: Buffer, start: number, length: number): number | undefined {
    return this.#tokens.get(markOf(bytes, start, length));
  }

  /** A full one starts anew. */
  set(bytes: Buffer, start: number, length: number, tokens: number): void {
    if (this.#tokens.size >= MAX_KNOWN_TEXTS) this.#tokens.clear();
    this.#tokens.set(markOf(bytes, start, length), tokens);
  }
}

/** 53 bits of the length and of bytes spread over the text (FNV-1a, and a second one that mixes it
 *  in). */
function markOf(bytes: Buffer, start: number, length: number): number {
  const step = (length - 1) / (SAMPLED_BYTES - 1);
  let low = length;
  let high = 0x811c_9dc5;
  for (let index = 0; index < SAMPLED_BYTES; index++) {
    const byte = bytes[start + Math.floor(index * step)] as number;
    low = Math.imul(low ^ byte, 0x0100_0193);
    high = Math.imul(high ^ byte, 0x0100_0193) + low;
  }
  return (high & 0x1f_ffff) * 0x1_0000_0000 + (low >>> 0);
}
