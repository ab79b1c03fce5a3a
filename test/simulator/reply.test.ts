/** Is an answer cut to its budget, and counted as it is sent? */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { compose, cutToTokens, pieceEnd } from '../../lib/simulator/reply.ts';
import { readChat } from '../../lib/simulator/request.ts';

const SAID = { reasoning: 'rrrrrrrr', text: 'tttttttt', calls: [], tokens: 0 };
const CALLING = { ...SAID, calls: [{ name: 'Bash', args: '{"command":"ls"}' }] };
const reply = (said: typeof SAID | typeof CALLING, fields: object = {}) =>
  compose(said, readChat({ model: 'm', messages: [], ...fields }), 'cerebras', 1_000);

for (const { max, reasoning, content, tokens, finish } of [
  { max: undefined, reasoning: 'rrrrrrrr', content: 'tttttttt', tokens: 4, finish: 'stop' },
  { max: 4, reasoning: 'rrrrrrrr', content: 'tttttttt', tokens: 4, finish: 'stop' },
  { max: 3, reasoning: 'rrrrrrrr', content: 'tttt', tokens: 3, finish: 'length' },
  { max: 1, reasoning: 'rrrr', content: '', tokens: 1, finish: 'length' },
]) {
  test(`max_completion_tokens ${max}`, () => {
    const cut = reply(SAID, { max_completion_tokens: max });
    assert.deepEqual(
      [cut.reasoning, cut.content, cut.completionTokens, cut.finish],
      [reasoning, content, tokens, finish],
    );
  });
}

test('a tool call that does not fit is not made', () => {
  const cut = reply(CALLING, { max_tokens: 6 });
  assert.deepEqual([cut.calls.length, cut.finish, cut.completionTokens], [0, 'length', 4]);
  const whole = reply(CALLING, { max_tokens: 9 });
  assert.deepEqual(
    [whole.calls.length, whole.finish, whole.completionTokens],
    [1, 'tool_calls', 9],
  );
});

test('the model has a maximum of its own', () => {
  const chat = readChat({ model: 'm', messages: [], max_tokens: 500 });
  assert.equal(compose(SAID, chat, 'cerebras', 3).completionTokens, 3);
});

for (const tokens of [1, 2, 3, 5, 50, 1_000]) {
  test(`a length of ${tokens} tokens, reasoning included`, () => {
    const { completionTokens, finish } = reply({ ...SAID, tokens });
    assert.deepEqual([completionTokens, finish], [tokens, 'stop']);
  });
}

for (const { name, fields, reasoning, content } of [
  { name: 'a stop word', fields: { stop: ['ttt', 'x'] }, reasoning: 'rrrrrrrr', content: '' },
  { name: 'effort none', fields: { reasoning_effort: 'none' }, reasoning: '', content: 'tttttttt' },
  {
    name: 'thinking disabled',
    fields: { thinking: { type: 'disabled' } },
    reasoning: '',
    content: 'tttttttt',
  },
  {
    name: 'raw reasoning',
    fields: { reasoning_format: 'raw' },
    reasoning: '',
    content: '<think>rrrrrrrr</think>\ntttttttt',
  },
]) {
  test(`reply: ${name}`, () => {
    const made = reply(SAID, fields);
    assert.deepEqual([made.reasoning, made.content], [reasoning, content]);
  });
}

test('call ids differ by place and by length of the conversation', () => {
  const two = { ...SAID, calls: [1, 2].map(() => ({ name: 'Bash', args: '{}' })) };
  const first = reply(two).calls;
  const later = reply(two, { messages: [{ role: 'user', content: 'x' }] }).calls;
  const again = reply(two).calls;
  assert.equal(new Set([...first, ...later].map(({ id }) => id)).size, 4);
  assert.deepEqual(again, first);
});

test('no piece splits a character', () => {
  const text = 'abc🎉日本語🎉🎉x';
  let at = 0;
  let whole = '';
  while (at < text.length) {
    const end = pieceEnd(text, at);
    const piece = text.slice(at, end);
    assert.equal(Buffer.from(piece).toString(), piece);
    whole += piece;
    at = end;
  }
  assert.equal(whole, text);
  assert.deepEqual(cutToTokens(text, 1), { cut: 'abc🎉', tokens: 1 });
});
