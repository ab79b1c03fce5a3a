/** Are events cut where the format says, whatever the pieces and the line ends? */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { MAX_SSE_LINE_BYTES } from '../../lib/limits.ts';
import {
  FrameOutput,
  FrameSplitter,
  isDone,
  readFrame,
  textOf,
} from '../../lib/translate/sse-frames.ts';
import { pieces } from '../support/golden.ts';

/** [frame, event, data] of every event of `text`, cut into pieces of `size`. */
function split(text: string, size: number): string[][] {
  const splitter = new FrameSplitter();
  const found: string[][] = [];
  const take = () => {
    while (splitter.next()) {
      const data = readFrame(splitter);
      const frame = splitter.bytes.toString('utf8', splitter.start, splitter.end);
      found.push([frame, data.event, data.lines === 0 ? '-' : textOf(data)]);
    }
  };
  for (const piece of pieces(Buffer.from(text), size)) {
    splitter.push(piece);
    take();
  }
  if (splitter.waiting) splitter.flush();
  take();
  return found;
}

for (const { name, text, frames } of [
  { name: 'one line', text: 'data: a\n\n', frames: [['data: a\n\n', '', 'a']] },
  { name: 'no space', text: 'data:a\n\n', frames: [['data:a\n\n', '', 'a']] },
  { name: 'two spaces', text: 'data:  a\n\n', frames: [['data:  a\n\n', '', ' a']] },
  { name: 'no data in the field', text: 'data:\n\n', frames: [['data:\n\n', '', '']] },
  { name: 'CRLF', text: 'data: a\r\n\r\n', frames: [['data: a\r\n\r\n', '', 'a']] },
  {
    name: 'CR',
    text: 'data: a\r\rdata: b\r\r',
    frames: [
      ['data: a\r\r', '', 'a'],
      ['data: b\r\r', '', 'b'],
    ],
  },
  {
    name: 'mixed line ends',
    text: 'data: a\r\ndata: b\n\rdata: c\n\n',
    frames: [
      ['data: a\r\ndata: b\n\r', '', 'a\nb'],
      ['data: c\n\n', '', 'c'],
    ],
  },
  {
    name: 'event and data',
    text: 'event: x\ndata: a\n\n',
    frames: [['event: x\ndata: a\n\n', 'x', 'a']],
  },
  {
    name: 'data and event',
    text: 'data: a\nid: 7\nevent:x\n\n',
    frames: [['data: a\nid: 7\nevent:x\n\n', 'x', 'a']],
  },
  {
    name: 'several lines',
    text: 'data: é\ndata\ndata: b\n\n',
    frames: [['data: é\ndata\ndata: b\n\n', '', 'é\nb']],
  },
  {
    name: 'a comment',
    text: ': hi\n\ndata: a\n\n',
    frames: [
      [': hi\n\n', '', '-'],
      ['data: a\n\n', '', 'a'],
    ],
  },
  {
    name: 'another field that begins alike',
    text: 'database: a\n\n',
    frames: [['database: a\n\n', '', '-']],
  },
  {
    name: 'a bare object',
    text: '{"error":1}\n\n',
    frames: [['{"error":1}\n\n', '', '{"error":1}']],
  },
  {
    name: 'a byte order mark',
    text: '\ufeffdata: a\n\n',
    frames: [['\ufeffdata: a\n\n', '', 'a']],
  },
  {
    name: 'many blank lines',
    text: '\n\ndata: a\n\n\n',
    frames: [
      ['\n', '', '-'],
      ['\n', '', '-'],
      ['data: a\n\n', '', 'a'],
      ['\n', '', '-'],
    ],
  },
  { name: 'no blank line at the end', text: 'data: a\n', frames: [['data: a\n\n', '', 'a']] },
  { name: 'no line end at the end', text: 'data: a', frames: [['data: a\n\n', '', 'a']] },
  { name: 'nothing', text: '', frames: [] },
]) {
  test(`frames: ${name}`, () => {
    for (let size = 1; size <= Math.max(1, Buffer.byteLength(text)); size++) {
      assert.deepEqual(split(text, size), frames, `in pieces of ${size}`);
    }
  });
}

test('a whole chunk is not copied, and the same memory may come again', () => {
  const splitter = new FrameSplitter();
  const chunk = Buffer.from('data: a\n\ndata: b\n\n');
  for (let round = 0; round < 3; round++) {
    splitter.push(chunk);
    for (let frame = 0; frame < 2; frame++) {
      assert.ok(splitter.next());
      assert.equal(splitter.bytes, chunk);
    }
    assert.equal(splitter.next(), false);
  }
});

test('what waits for its end is bounded', () => {
  const splitter = new FrameSplitter();
  const piece = Buffer.alloc(MAX_SSE_LINE_BYTES / 4, 0x61);
  for (let round = 0; round < 4; round++) splitter.push(piece);
  assert.equal(splitter.overflowed, false);
  splitter.push(piece);
  assert.equal(splitter.overflowed, true);
  assert.equal(splitter.next(), false);
});

test('the last mark', () => {
  const mark = (text: string) => {
    const bytes = Buffer.from(text);
    return isDone({ event: '', lines: 1, bytes, from: 0, to: bytes.length });
  };
  assert.deepEqual(['[DONE]', ' [DONE] ', '[DONE', '"[DONE]"'].map(mark), [
    true,
    true,
    false,
    false,
  ]);
});

test('neighbouring ranges leave as one slice', () => {
  const out = new FrameOutput();
  const chunk = Buffer.from('abcdef');
  assert.equal(out.take(), '');
  out.keep(chunk, 0, 2);
  out.keep(chunk, 2, 6);
  assert.equal(out.length, 6);
  assert.equal(out.take(), chunk);
  out.keep(chunk, 0, 2);
  out.add('é');
  out.keep(chunk, 4, 6);
  assert.equal(out.take().toString(), 'abéef');
  assert.equal(out.length, 0);
});
