/**
 * What characters does a piece of JSON text stand for?
 *
 * For an estimate: a piece may begin or end inside of an escape or of a character, and whatever the
 * bytes are, there is a result. Must stay true: it gives at most one code a byte.
 */

const BACKSLASH = 0x5c;
const LETTER_U = 0x75;
const BLANK = 0x20;
/** What a character beyond the first 65,536 is in UTF-16. */
const SURROGATES = [0xd83d, 0xde00] as const;

/** What stands behind a backslash -> what it means. */
const ESCAPED = Uint8Array.from({ length: 256 }, (_, byte) => byte);
for (const [letter, char] of ['n\n', 'r\r', 't\t']) ESCAPED[codeOf(letter)] = codeOf(char);
for (const letter of 'bf') ESCAPED[codeOf(letter)] = BLANK;

function codeOf(char: string | undefined): number {
  return (char ?? '').charCodeAt(0);
}

/** Writes the UTF-16 codes of bytes `from`..`to` into `codes`; gives how many there are. */
export function readJson(bytes: Buffer, from: number, to: number, codes: Uint16Array): number {
  let count = 0;
  for (let at = from; at < to; ) {
    const byte = bytes[at] as number;
    const next = bytes[at + 1] as number;
    if (byte === BACKSLASH) {
      const isHex = next === LETTER_U;
      codes[count++] = isHex ? hexCode(bytes, at + 2) : (ESCAPED[next] as number);
      at += isHex ? 6 : 2;
    } else if (byte < 0x80) {
      codes[count++] = byte;
      at += 1;
    } else if (byte < 0xc0) {
      at += 1; // its first byte was left out
    } else if (byte < 0xe0) {
      codes[count++] = ((byte & 0x1f) << 6) | (next & 0x3f);
      at += 2;
    } else if (byte < 0xf0) {
      codes[count++] = (byte << 12) | ((next & 0x3f) << 6) | ((bytes[at + 2] as number) & 0x3f);
      at += 3;
    } else {
      codes[count++] = SURROGATES[0];
      if (at + 1 < to) codes[count++] = SURROGATES[1];
      at += 4;
    }
  }
  return count;
}

/** 0 where it is none. */
function hexCode(bytes: Buffer, at: number): number {
  return Number.parseInt(bytes.toString('latin1', at, at + 4), 16) || 0;
}
