/** How does one input become another? A few blind changes in a row, words of the target among them. */

type Chance = () => number;

const NUMBERS = [
  '0',
  '-1',
  '1',
  '4294967296',
  '1e400',
  '-0',
  '0.1',
  '9007199254740993',
  '1e-7',
  '',
];
const MAX_CHANGES = 6;
const MAX_REPEATS = 200;
const NOTHING = Buffer.alloc(0);

const below = (chance: Chance, bound: number) => Math.floor(chance() * bound);

export function oneOf<T>(chance: Chance, items: readonly T[]): T {
  return items[below(chance, items.length)] as T;
}

/** A range within `bytes`; short ones are far more frequent than long ones. */
function rangeIn(bytes: Buffer, chance: Chance): [start: number, end: number] {
  const start = below(chance, bytes.length + 1);
  const most = oneOf(chance, [1, 4, 16, 64, bytes.length]);
  return [start, Math.min(bytes.length, start + 1 + below(chance, most))];
}

function put(bytes: Buffer, start: number, end: number, middle: Buffer): Buffer {
  return Buffer.concat([bytes.subarray(0, start), middle, bytes.subarray(end)]);
}

/** Where a token begins and ends that is a number. */
function numberIn(bytes: Buffer, chance: Chance): [start: number, end: number] | undefined {
  const found = [...bytes.toString('latin1').matchAll(/\d+/g)];
  const match = found[below(chance, found.length)];
  return match === undefined ? undefined : [match.index, match.index + match[0].length];
}

type Change = (
  bytes: Buffer,
  chance: Chance,
  pool: readonly Buffer[],
  words: readonly string[],
) => Buffer;

const CHANGES: readonly Change[] = [
  function flipBit(bytes, chance) {
    const copy = Buffer.from(bytes);
    const at = below(chance, copy.length);
    if (copy.length > 0) copy[at] = (copy[at] ?? 0) ^ (1 << below(chance, 8));
    return copy;
  },
  function setByte(bytes, chance) {
    const [start] = rangeIn(bytes, chance);
    return put(bytes, start, start + 1, Buffer.from([below(chance, 256)]));
  },
  function insertWord(bytes, chance, _pool, words) {
    const [start] = rangeIn(bytes, chance);
    return put(bytes, start, start, Buffer.from(oneOf(chance, words)));
  },
  function replaceByWord(bytes, chance, _pool, words) {
    const [start, end] = rangeIn(bytes, chance);
    return put(bytes, start, end, Buffer.from(oneOf(chance, words)));
  },
  /** One word of the target in the place of another. */
  function swapWords(bytes, chance, _pool, words) {
    const word = oneOf(chance, words);
    const at = bytes.indexOf(word, below(chance, bytes.length));
    if (at < 0) return bytes;
    return put(bytes, at, at + Buffer.byteLength(word), Buffer.from(oneOf(chance, words)));
  },
  function replaceNumber(bytes, chance) {
    const range = numberIn(bytes, chance);
    return range === undefined ? bytes : put(bytes, ...range, Buffer.from(oneOf(chance, NUMBERS)));
  },
  function remove(bytes, chance) {
    return put(bytes, ...rangeIn(bytes, chance), NOTHING);
  },
  function duplicate(bytes, chance) {
    const [start, end] = rangeIn(bytes, chance);
    const [to] = rangeIn(bytes, chance);
    return put(bytes, to, to, bytes.subarray(start, end));
  },
  function repeat(bytes, chance) {
    const [start, end] = rangeIn(bytes, chance);
    const copies = Array.from({ length: below(chance, MAX_REPEATS) }, () =>
      bytes.subarray(start, end),
    );
    return put(bytes, start, start, Buffer.concat(copies));
  },
  function truncate(bytes, chance) {
    return bytes.subarray(0, below(chance, bytes.length + 1));
  },
  /** The beginning of one input and the end of another. */
  function cross(bytes, chance, pool) {
    const other = oneOf(chance, pool);
    const head = bytes.subarray(0, below(chance, bytes.length + 1));
    return Buffer.concat([head, other.subarray(below(chance, other.length + 1))]);
  },
  /** A piece of another input. */
  function graft(bytes, chance, pool) {
    const other = oneOf(chance, pool);
    return put(bytes, ...rangeIn(bytes, chance), other.subarray(...rangeIn(other, chance)));
  },
  function moveLine(bytes, chance) {
    const lines = bytes.toString('latin1').split('\n');
    const [line = ''] = lines.splice(below(chance, lines.length), 1);
    lines.splice(below(chance, lines.length + 1), 0, line);
    return Buffer.from(lines.join('\n'), 'latin1');
  },
];

/** Another input of at most `maxBytes`, made of one of `pool`. */
export function mutate(
  pool: readonly Buffer[],
  words: readonly string[],
  maxBytes: number,
  chance: Chance,
): Buffer {
  let bytes = oneOf(chance, pool);
  for (let left = 1 + below(chance, MAX_CHANGES); left > 0; left--) {
    bytes = oneOf(chance, CHANGES)(bytes, chance, pool, words).subarray(0, maxBytes);
  }
  return bytes;
}
