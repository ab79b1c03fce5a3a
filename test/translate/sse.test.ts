/** Are the events of any byte stream found, however it is cut? */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { SseReader } from '../../lib/translate/sse.ts';
import { pieces } from '../support/golden.ts';

interface Reading {
  readonly events: string[];
  readonly stray: string;
  readonly overflowed: boolean;
}

function read(chunks: readonly Buffer[], maxLineBytes?: number): Reading {
  const events: string[] = [];
  const reader = new SseReader({ event: (data) => events.push(data) }, maxLineBytes);
  for (const chunk of chunks) {
    const memory = Buffer.from(chunk);
    reader.feed(memory);
    memory.fill(0x78); // a transport may use its memory again
  }
  reader.end();
  return { events, stray: reader.stray, overflowed: reader.overflowed };
}

const CASES: { name: string; bytes: string; events: string[]; stray?: string }[] = [
  { name: 'LF', bytes: 'data: a\n\ndata: b\n\n', events: ['a', 'b'] },
  { name: 'CRLF', bytes: 'data: a\r\n\r\ndata: b\r\n\r\n', events: ['a', 'b'] },
  { name: 'CR', bytes: 'data: a\r\rdata: b\r\r', events: ['a', 'b'] },
  {
    name: 'line ends mixed',
    bytes: 'data: a\r\n\ndata: b\n\rdata: c\r\r\n',
    events: ['a', 'b', 'c'],
  },
  {
    name: 'CR LF around an empty line',
    bytes: 'data: a\r\n\r\n\r\ndata: b\r\n',
    events: ['a', 'b'],
  },
  { name: 'several data lines', bytes: 'data: a\ndata: b\ndata\ndata:\n\n', events: ['a\nb\n\n'] },
  { name: 'one space at most', bytes: 'data:a\n\ndata:  b\n\n', events: ['a', ' b'] },
  { name: 'empty data', bytes: 'data\n\ndata:\n\ndata: \n\n', events: ['', '', ''] },
  { name: 'comments', bytes: ': hi\n\n:\ndata: a\n: x\n\n:data: b\n\n', events: ['a'] },
  { name: 'other fields', bytes: 'event: e\nid: 1\nretry: 5\ndata: a\nid\n\n', events: ['a'] },
  { name: 'no blank line at the end', bytes: 'data: a\n\ndata: b\n', events: ['a', 'b'] },
  { name: 'no line end at the end', bytes: 'data: a\n\ndata: b', events: ['a', 'b'] },
  { name: 'blank lines only', bytes: '\n\r\n\r\n\n', events: [] },
  { name: 'nothing', bytes: '', events: [] },
  { name: 'byte order mark', bytes: '\uFEFFdata: a\n\n', events: ['a'] },
  {
    name: 'a mark only at the start',
    bytes: 'data: a\n\n\uFEFFdata: b\n\n',
    events: ['a'],
    stray: '\uFEFFdata: b',
  },
  { name: 'UTF-8 of all lengths', bytes: 'data: aé你👩‍💻\n\n', events: ['aé你👩‍💻'] },
  {
    name: 'line separators of Unicode end no line',
    bytes: 'data: a\u2028b\u0085c\n\n',
    events: ['a\u2028b\u0085c'],
  },
  { name: 'a colon in the data', bytes: 'data: {"a":1}\n\n', events: ['{"a":1}'] },
  { name: 'a bare JSON line', bytes: 'data: a\n\n{"error":1}\n\n', events: ['a', '{"error":1}'] },
  {
    name: 'a name that begins like data',
    bytes: 'database: x\n\ndata: a\n\n',
    events: ['a'],
    stray: 'database: x',
  },
  { name: 'names are case-sensitive', bytes: 'Data: x\n\n', events: [], stray: 'Data: x' },
  {
    name: 'only the first stray line is noted',
    bytes: 'one\ntwo\ndata: a\n\n',
    events: ['a'],
    stray: 'one',
  },
];

for (const { name, bytes, events, stray = '' } of CASES) {
  test(`SSE: ${name}`, () => {
    const whole = Buffer.from(bytes);
    for (let size = 1; size <= Math.max(1, whole.length); size++) {
      assert.deepEqual(read(pieces(whole, size)), { events, stray, overflowed: false }, `${size}`);
    }
  });
}

test('SSE: empty chunks change nothing', () => {
  const none = Buffer.alloc(0);
  const chunks = ['data: a\r', '', '\n\r\n', 'da', '', 'ta: b\n\n'].map((text) =>
    Buffer.from(text),
  );
  assert.deepEqual(read([none, ...chunks, none]).events, ['a', 'b']);
});

const LIMIT = 32;

for (const { name, bytes, events, overflowed } of [
  {
    name: 'a line as long as allowed',
    bytes: `data: ${'x'.repeat(26)}\n\n`,
    events: 1,
    overflowed: false,
  },
  { name: 'a longer one', bytes: `data: ${'x'.repeat(27)}\n\n`, events: 0, overflowed: true },
  { name: 'an endless comment', bytes: `:${'x'.repeat(99)}`, events: 0, overflowed: true },
  {
    name: 'events before it count',
    bytes: `data: a\n\n${'x'.repeat(99)}\ndata: b\n\n`,
    events: 1,
    overflowed: true,
  },
  {
    name: 'endless data lines',
    bytes: 'data: 0123456789\n'.repeat(9),
    events: 0,
    overflowed: true,
  },
  {
    name: 'many short events',
    bytes: 'data: 0123456789\n\n'.repeat(9),
    events: 9,
    overflowed: false,
  },
]) {
  test(`SSE bound: ${name}`, () => {
    const whole = Buffer.from(bytes);
    for (let size = 1; size <= whole.length; size++) {
      const reading = read(pieces(whole, size), LIMIT);
      assert.deepEqual(
        [reading.events.length, reading.overflowed],
        [events, overflowed],
        `${size}`,
      );
    }
  });
}

test('SSE: a line of many megabytes in small pieces is joined once', () => {
  const long = 'x'.repeat(4 * 1024 * 1024);
  const { events } = read(pieces(Buffer.from(`data: ${long}\n\n`), 1000));
  assert.equal(events[0], long);
});
