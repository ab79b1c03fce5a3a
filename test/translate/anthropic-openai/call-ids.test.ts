/** Which ids calls have upstream. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { CallIds } from '../../../lib/translate/anthropic-openai/call-ids.ts';

for (const { name, given, want } of [
  { name: 'ids that differ stay', given: ['a', 'b'], want: ['a', 'b'] },
  { name: 'a repeated id is numbered', given: ['a', 'a', 'a'], want: ['a', 'a_2', 'a_3'] },
  {
    name: 'a number that is somebody’s id is passed over',
    given: ['a', 'a_2', 'a', 'a'],
    want: ['a', 'a_2', 'a_3', 'a_4'],
  },
  {
    name: 'an id that came to be by numbering is passed over too',
    given: ['a', 'a', 'a_2'],
    want: ['a', 'a_2', 'a_2_2'],
  },
]) {
  test(`call ids: ${name}`, () => {
    const ids = new CallIds();
    assert.deepEqual(
      given.map((id) => ids.unique(id)),
      want,
    );
  });
}

test('call ids: none is empty or longer than 40 characters', () => {
  const ids = new CallIds();
  const given = ['', '', 'x'.repeat(36), 'x'.repeat(37), 'x'.repeat(37), 'y'.repeat(5_000)];
  const made = given.map((id) => ids.unique(id));
  assert.equal(new Set(made).size, given.length);
  for (const id of made) assert.match(id, /^.{1,40}$/);
});
