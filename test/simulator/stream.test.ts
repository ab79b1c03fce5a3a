/** Are the frames of an answer given one at a time, counted, and ended as the fault says? */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Envelope } from '../../lib/simulator/answers.ts';
import { parseFaults } from '../../lib/simulator/faults.ts';
import type { Reply } from '../../lib/simulator/reply.ts';
import { AnswerStream, FixedStream } from '../../lib/simulator/stream.ts';

const ENVELOPE: Envelope = {
  dialect: 'cerebras',
  id: 'id',
  createdS: 1,
  model: 'm "x"',
  promptTokens: 10,
  cachedTokens: 0,
  usage: true,
  toolStream: false,
};
const REPLY: Reply = {
  reasoning: 'abcd',
  content: 'efghijkl',
  calls: [{ id: 'a', name: 'Bash', args: '{}', tokens: 2 }],
  finish: 'tool_calls',
  reasoningTokens: 1,
  completionTokens: 5,
};

function drained(fault?: string): { frames: string[]; sent: number; ending: string } {
  const [parsed] = parseFaults(fault ?? '');
  const stream = new AnswerStream(REPLY, ENVELOPE, parsed);
  const frames: string[] = [];
  for (let frame = stream.next(); frame !== undefined; frame = stream.next()) frames.push(frame);
  assert.equal(stream.next(), undefined, 'the end stays the end');
  return { frames, sent: stream.sentTokens, ending: stream.ending() };
}

test('the tokens of the frames are those of the usage', () => {
  const { frames, sent, ending } = drained();
  assert.deepEqual([frames.length, sent, ending], [8, 5, 'end']);
  for (const frame of frames.slice(0, -1)) {
    assert.ok(frame.startsWith('data: {') && frame.endsWith('}\n\n'));
    assert.equal((JSON.parse(frame.slice(6)) as { model: string }).model, 'm "x"');
  }
});

for (const { fault, count, sent, ending } of [
  { fault: 'cutafter:0', count: 0, sent: 0, ending: 'cut' },
  { fault: 'cutafter:4', count: 4, sent: 2, ending: 'cut' },
  { fault: 'cutafter:99', count: 6, sent: 5, ending: 'cut' },
  { fault: 'idle:2', count: 2, sent: 1, ending: 'hang' },
  { fault: 'midstream:2', count: 3, sent: 1, ending: 'end' },
  { fault: 'nofinish', count: 6, sent: 5, ending: 'end' },
  { fault: 'network_error:2', count: 4, sent: 1, ending: 'end' },
  { fault: 'errorchunk', count: 1, sent: 0, ending: 'end' },
  { fault: 'json', count: 1, sent: 0, ending: 'end' },
]) {
  test(`stream: ${fault}`, () => {
    const all = drained(fault);
    assert.deepEqual([all.frames.length, all.sent, all.ending], [count, sent, ending]);
  });
}

test('fixed frames are shared, their count is not', () => {
  const frames = ['a', 'b'];
  const [one, two] = [new FixedStream(frames), new FixedStream(frames)];
  assert.deepEqual(
    [one.next(), one.next(), one.next(), one.ending()],
    ['a', 'b', undefined, 'end'],
  );
  assert.equal(two.next(), 'a');
});
