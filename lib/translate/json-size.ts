/**
 * How many values does this JSON hold, at least roughly, and how deep is it, before anything is
 * built of it?
 *
 * JSON.parse of 32 MiB of `{},{},…` takes seconds and a gigabyte, of as many `[` ten seconds, in
 * which nobody else is served; the same bytes as one string take a tenth of a second. Must stay
 * true: one pass that stops at either bound, strings are jumped over, nothing is allocated;
 * whatever the bytes are, it ends.
 */

const QUOTE = 0x22;
const COMMA = 0x2c;
const BACKSLASH = 0x5c;
const OPEN_BRACKET = 0x5b;
const CLOSE_BRACKET = 0x5d;
/** Braces differ from brackets in this bit alone. */
const BRACE_BIT = 0x20;

/** A string is walked this far before its end is searched for natively, which costs as much as
 *  walking a hundred bytes. Behind an escaped quote it is walked half as far, or twice as far as
 *  the time before where the search had found one within `NEAR_BYTES`. */
const SHORT_STRING_BYTES = 16;
const MOST_WALKED_BYTES = 1_024;
const NEAR_BYTES = 32;

/**
 * Which bound `bytes` break first, or null. `many`: more than `most` commas and opening brackets
 * outside of strings (each value but the first of its container has a comma before it). `deep`:
 * more than `deepest` containers are open at once.
 */
export function brokenBound(bytes: Buffer, most: number, deepest: number): 'many' | 'deep' | null {
  let count = 0;
  let depth = 0;
  for (let at = 0; at < bytes.length; at++) {
    const byte = bytes[at] as number;
    if (byte === QUOTE) {
      at = closingQuote(bytes, at + 1);
      continue;
    }
    const bracket = byte & ~BRACE_BIT;
    if (bracket === CLOSE_BRACKET) depth--;
    else if (byte === COMMA || bracket === OPEN_BRACKET) {
      if (++count > most) return 'many';
      if (byte !== COMMA && ++depth > deepest) return 'deep';
    }
  }
  return null;
}

/**
 * Offset of the quote that ends the string whose inside begins at `from`, or the length. A native
 * search for each quote would cost more than a walk where escaped ones are close together, and a
 * walk more than a search where they are not.
 */
export function closingQuote(bytes: Buffer, from: number): number {
  const { length } = bytes;
  let at = from;
  for (let walked = SHORT_STRING_BYTES; ; ) {
    const near = Math.min(at + walked, length);
    while (at < near) {
      const byte = bytes[at];
      if (byte === QUOTE) return at;
      at += byte === BACKSLASH ? 2 : 1;
    }
    const quote = at < length ? bytes.indexOf(QUOTE, at) : -1;
    if (quote < 0) return length;
    let before = quote - 1;
    while (before >= at && bytes[before] === BACKSLASH) before--;
    if (((quote - before) & 1) === 1) return quote;
    const isNear = quote - at < NEAR_BYTES;
    walked = isNear ? Math.min(walked * 2, MOST_WALKED_BYTES) : SHORT_STRING_BYTES / 2;
    at = quote + 1;
  }
}
