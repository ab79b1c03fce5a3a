/** Are stop sequences met at the same place, however the text is cut? */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { StopMatcher } from '../../../lib/translate/anthropic-openai/stop-sequences.ts';

interface Row {
  readonly name: string;
  readonly sequences: readonly string[];
  readonly text: string;
  readonly shown: string;
  readonly matched: string | null;
}

const ROWS: readonly Row[] = [
  { name: 'none asked', sequences: [], text: 'abc', shown: 'abc', matched: null },
  { name: 'an empty one', sequences: [''], text: 'abc', shown: 'abc', matched: null },
  { name: 'not met', sequences: ['x'], text: 'abc', shown: 'abc', matched: null },
  { name: 'met', sequences: ['bc'], text: 'abcd', shown: 'a', matched: 'bc' },
  { name: 'at the start', sequences: ['ab'], text: 'abc', shown: '', matched: 'ab' },
  {
    name: 'nearly, twice, then met',
    sequences: ['aab'],
    text: 'aaaab',
    shown: 'aa',
    matched: 'aab',
  },
  { name: 'nearly at the end', sequences: ['abc'], text: 'xab', shown: 'xab', matched: null },
  {
    name: 'first to end wins',
    sequences: ['bcde', 'cd'],
    text: 'abcde',
    shown: 'ab',
    matched: 'cd',
  },
  {
    name: 'longest of those that end together',
    sequences: ['c', 'abc'],
    text: 'xabc',
    shown: 'x',
    matched: 'abc',
  },
  {
    name: 'order of asking means nothing',
    sequences: ['abc', 'c'],
    text: 'xabc',
    shown: 'x',
    matched: 'abc',
  },
  { name: 'two of the same', sequences: ['b', 'b'], text: 'abc', shown: 'a', matched: 'b' },
];

for (const { name, sequences, text, shown, matched } of ROWS) {
  test(`stop sequence: ${name}`, () => {
    for (let size = 1; size <= text.length; size++) {
      const matcher = new StopMatcher(sequences);
      let out = '';
      for (let at = 0; at < text.length; at += size) out += matcher.take(text.slice(at, at + size));
      out += matcher.flush();
      assert.deepEqual([out, matcher.matched], [shown, matched], `cut at every ${size}`);
      assert.equal(matcher.take('more') === '', matched !== null);
    }
  });
}

test('stop sequence: only what may be one is held', () => {
  const matcher = new StopMatcher(['END', '\n\nHuman:']);
  assert.equal(matcher.take('one E'), 'one ');
  assert.equal(matcher.take('N'), '');
  assert.equal(matcher.take('.\n'), 'EN.');
  assert.equal(matcher.take('x'), '\nx');
});
