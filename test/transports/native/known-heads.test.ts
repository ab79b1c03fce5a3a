/** Is a head that is recalled the same as one that is read anew, whatever came before it? */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { MAX_KNOWN_HEAD_BYTES, MAX_KNOWN_HEADS } from '../../../lib/limits.ts';
import { HeadReader } from '../../../lib/transports/native/head-reader.ts';
import { KnownHeads } from '../../../lib/transports/native/known-heads.ts';
import { seeded } from '../../support/seeded.ts';

const OK = 'HTTP/1.1 200 OK\r\n';
const BODY = '{"a":1}\r\n\r\n';

/** All that a reader says of `text`, at a place that is not the beginning of its buffer. */
function told(known: KnownHeads | null, text: string) {
  const bytes = Buffer.from(`xx${text}`, 'latin1');
  const reader = new HeadReader(known);
  reader.begin('head');
  const stop = reader.read(bytes, 2, bytes.length);
  const { status, minorVersion, fields, complete, fault } = reader;
  if (fault !== '') return { fault };
  return { status, minorVersion, complete, stop, fields: Object.entries(fields).sort() };
}

function sameAsAnew(known: KnownHeads, text: string): void {
  assert.deepEqual(told(known, text), told(null, text), JSON.stringify(text));
}

/** Whether the head of `text` is recalled. */
function isKnown(known: KnownHeads, text: string): boolean {
  const bytes = Buffer.from(text, 'latin1');
  return known.recall(bytes, 0, bytes.length) !== undefined;
}

const FIRST = `${OK}Date: now\r\nx-left:  9 \r\nserver: \r\n\r\n`;

for (const { name, next, known } of [
  { name: 'the same head', next: FIRST, known: true },
  { name: 'a body behind it', next: FIRST + BODY, known: true },
  { name: 'a longer value', next: FIRST.replace('9', '10 000'), known: true },
  { name: 'a shorter value', next: FIRST.replace('now', 'n'), known: true },
  { name: 'no value', next: FIRST.replace('now', ''), known: true },
  {
    name: 'a value where there was none',
    next: FIRST.replace('server: ', 'server: x'),
    known: true,
  },
  { name: 'other blanks behind a value', next: FIRST.replace('9 ', '9\t '), known: true },
  { name: 'other blanks before a value', next: FIRST.replace(':  9', ': 9'), known: false },
  { name: 'Latin-1 in a value', next: FIRST.replace('now', '\xe4\xff'), known: true },
  { name: 'another status', next: FIRST.replace('200', '201'), known: false },
  { name: 'another spelling', next: FIRST.replace('Date', 'date'), known: false },
  { name: 'one line less', next: FIRST.replace('Date: now\r\n', ''), known: false },
  { name: 'one line more', next: FIRST.replace('\r\n\r\n', '\r\na: b\r\n\r\n'), known: false },
  { name: 'a longer name', next: FIRST.replace('x-left', 'x-left-over'), known: false },
  { name: 'a control character', next: FIRST.replace('now', 'n\x00w'), known: false },
  { name: 'DEL', next: FIRST.replace('now', '\x7f'), known: false },
  { name: 'a line that ends in LF', next: FIRST.replace('now\r', 'now'), known: false },
  { name: 'a bare CR', next: FIRST.replace('now', 'now\rx'), known: false },
  { name: 'a blank line too early', next: FIRST.replace('now', 'now\r\n'), known: false },
  { name: 'a last line that ends in LF', next: `${FIRST.slice(0, -2)}\n`, known: false },
  { name: 'a head without its last byte', next: FIRST.slice(0, -1), known: false },
  { name: 'a head without its blank line', next: FIRST.slice(0, -2), known: false },
  { name: 'half a head', next: FIRST.slice(0, 30), known: false },
]) {
  test(`known heads: ${name}`, () => {
    const heads = new KnownHeads();
    sameAsAnew(heads, FIRST);
    assert.equal(isKnown(heads, next), known);
    for (const text of [next, FIRST, next]) sameAsAnew(heads, text);
  });
}

test('known heads: repeated names and names that objects have', () => {
  const heads = new KnownHeads();
  const first = `${OK}a: 1\r\n__proto__: x\r\nA: 2\r\nconstructor: y\r\n7: z\r\n\r\n`;
  sameAsAnew(heads, first);
  assert.ok(isKnown(heads, first));
  for (const text of [first, first.replace('1', '11'), first.replace('2', ''), first]) {
    sameAsAnew(heads, text);
  }
});

test('known heads: what one answer was told does not change with the next', () => {
  const heads = new KnownHeads();
  told(heads, FIRST);
  const [left9, left8] = ['9', '8'].map((left) => {
    const bytes = Buffer.from(FIRST.replace('9', left));
    return heads.recall(bytes, 0, bytes.length)?.fields;
  });
  assert.deepEqual([left9?.['x-left'], left8?.['x-left']], ['9', '8']);
});

test('known heads: few are kept, and no large ones', () => {
  const heads = new KnownHeads();
  const head = (nth: number) => `${OK}a${nth}: 1\r\n\r\n`;
  for (let nth = 0; nth < 200; nth++) sameAsAnew(heads, head(nth));
  const kept = Array.from({ length: 200 }, (_, nth) => isKnown(heads, head(nth)));
  assert.equal(kept.filter((yes) => yes).length, MAX_KNOWN_HEADS);
  assert.ok(
    kept.slice(MAX_KNOWN_HEADS).some((yes) => yes),
    'a later one took a place',
  );
  const sized = (bytes: number) => `${OK}a: ${'x'.repeat(bytes - OK.length - 7)}\r\n\r\n`;
  for (const [bytes, known] of [
    [MAX_KNOWN_HEAD_BYTES, true],
    [MAX_KNOWN_HEAD_BYTES + 1, false],
  ] as const) {
    const fresh = new KnownHeads();
    assert.equal(sized(bytes).length, bytes);
    for (let time = 0; time < 2; time++) sameAsAnew(fresh, sized(bytes));
    assert.equal(isKnown(fresh, sized(bytes)), known);
    assert.equal(isKnown(fresh, sized(MAX_KNOWN_HEAD_BYTES + 1)), false);
  }
});

const NAMES = ['Date', 'date', 'X-Left', 'x-left', 'Set-Cookie', 'content-length', '__proto__'];
const VALUES = ['', 'a', ' a ', '12', '13', '\xe4', 'a\tb', 'x'.repeat(40), 'a: b'];
const DAMAGE = ['\r', '\n', '\r\n', '\r\n\r\n', '\x00', '\x7f', ':', ' ', 'Z', ''];

test('known heads: any head after any other is as if it were the first', () => {
  const random = seeded(7);
  const below = (bound: number) => Math.floor(random() * bound);
  const pick = (list: readonly string[]) => list[below(list.length)] as string;
  const line = () => `${pick(NAMES)}:${pick(['', ' '])}${pick(VALUES)}\r\n`;
  const fresh = () => {
    const lines = Array.from({ length: below(5) }, line);
    return `HTTP/1.${below(2)} ${200 + below(2)} OK\r\n${lines.join('')}\r\n`;
  };
  const damaged = (text: string) => {
    const at = below(text.length);
    return text.slice(0, at) + pick(DAMAGE) + text.slice(at + below(3));
  };
  for (let round = 0; round < 60; round++) {
    const heads = new KnownHeads();
    const shapes = [fresh(), fresh(), fresh()];
    for (let nth = 0; nth < 60; nth++) {
      const text = pick(shapes).replaceAll(/:( ?)[^\r]*/g, (whole, blank) =>
        below(2) === 0 ? whole : `:${blank}${pick(VALUES)}`,
      );
      sameAsAnew(heads, (below(3) === 0 ? damaged(text) : text) + pick(['', BODY]));
    }
  }
});
