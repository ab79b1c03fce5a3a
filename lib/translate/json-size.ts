/**
 * How many values does this JSON hold, at least roughly, before anything is built of it?
 *
 * JSON.parse of 32 MiB of `{},{},…` takes seconds and a gigabyte, in which nobody else is served;
 * the same bytes as one string take a tenth of a second. Must stay true: one pass that stops at the
 * bound, strings are jumped over, nothing is allocated; whatever the bytes are, it ends.
 */

const QUOTE = 0x22;
const COMMA = 0x2c;
const BACKSLASH = 0x5c;
const OPEN_BRACKET = 0x5b;
const OPEN_BRACE = 0x7b;

/** Whether `bytes` have more than `most` commas and opening brackets outside of strings: each value
 *  but the first of its container has a comma before it. */
export function holdsMoreValues(bytes: Buffer, most: number): boolean {
  let count = 0;
  for (let at = 0; at < bytes.length; at++) {
    const byte = bytes[at];
    if (byte === QUOTE) at = closingQuote(bytes, at + 1);
    else if (byte === COMMA || byte === OPEN_BRACE || byte === OPEN_BRACKET) {
      if (++count > most) return true;
    }
  }
  return false;
}

/** Offset of the quote that ends the string, or the length: one behind an even run of backslashes. */
function closingQuote(bytes: Buffer, from: number): number {
  for (let at = from; ; ) {
    const quote = bytes.indexOf(QUOTE, at);
    if (quote < 0) return bytes.length;
    let before = quote - 1;
    while (before >= from && bytes[before] === BACKSLASH) before--;
    if (((quote - before) & 1) === 1) return quote;
    at = quote + 1;
  }
}
