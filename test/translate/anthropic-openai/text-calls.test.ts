/** Are tool calls in text found, however the text is cut, and is everything else left alone? */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { MAX_TEXT_CALL_CHARS } from '../../../lib/limits.ts';
import { TextCalls } from '../../../lib/translate/anthropic-openai/text-calls.ts';

type Item = string | readonly [name: string, json: string];

function read(text: string, size: number): Item[] {
  const items: Item[] = [];
  const calls = new TextCalls(
    {
      plainText(run) {
        if (typeof items.at(-1) === 'string') items.push(`${items.pop()}${run}`);
        else items.push(run);
      },
      textCall: (name, json) => items.push([name, json]),
    },
    (name) => name === 'Read' || name === 'Grep',
  );
  for (let at = 0; at < text.length; at += size) calls.take(text.slice(at, at + size));
  calls.flush();
  return items;
}

const PAIR = '<arg_key>p</arg_key>\n<arg_value>/a</arg_value>\n';
const CALL = `<tool_call>Read\n${PAIR}</tool_call>`;
const FOUND = ['Read', '{"p":"/a"}'] as const;

for (const { name, text, items } of [
  { name: 'none', text: 'a < b <tool> c', items: ['a < b <tool> c'] },
  { name: 'one', text: CALL, items: [FOUND] },
  { name: 'between text', text: `a\n${CALL}b`, items: ['a\n', FOUND, 'b'] },
  { name: 'two', text: `${CALL}\n${CALL}`, items: [FOUND, '\n', FOUND] },
  { name: 'unclosed, whole pairs', text: `<tool_call>Read\n${PAIR}`, items: [FOUND] },
  { name: 'unclosed, a bare name', text: '<tool_call>Read', items: ['<tool_call>Read'] },
  {
    name: 'unclosed, half a pair',
    text: '<tool_call>Read<arg_key>p',
    items: ['<tool_call>Read<arg_key>p'],
  },
  { name: 'half a tag at the end', text: 'a <tool_ca', items: ['a <tool_ca'] },
  { name: 'not offered', text: CALL.replace('Read', 'Rm'), items: [CALL.replace('Read', 'Rm')] },
  {
    name: 'not offered, then offered',
    text: `<tool_call>x</tool_call>${CALL}`,
    items: ['<tool_call>x</tool_call>', FOUND],
  },
  {
    name: 'JSON',
    text: '<tool_call>{"name":"Grep","parameters":{"q":1}}</tool_call>',
    items: [['Grep', '{"q":1}'] as const],
  },
  {
    name: 'JSON with arguments that are no object',
    text: '<tool_call>{"name":"Grep","arguments":"q"}</tool_call>',
    items: ['<tool_call>{"name":"Grep","arguments":"q"}</tool_call>'],
  },
  {
    name: 'a key named like a prototype',
    text: '<tool_call>Grep<arg_key>__proto__</arg_key><arg_value>1</arg_value></tool_call>',
    items: [['Grep', '{"__proto__":1}'] as const],
  },
]) {
  test(`text call: ${name}`, () => {
    for (let size = 1; size <= text.length; size++) {
      assert.deepEqual(read(text, size), items, `cut at every ${size}`);
    }
  });
}

test('text call: an endless one comes out as text', () => {
  const text = `<tool_call>Read<arg_key>p</arg_key><arg_value>${'x'.repeat(MAX_TEXT_CALL_CHARS)}`;
  for (const tail of ['', '</arg_value></tool_call>']) {
    assert.deepEqual(read(text + tail, 10_000), [text + tail]);
  }
});

test('text call: arguments nested without end throw nothing', () => {
  const deep = '['.repeat(100_000) + ']'.repeat(100_000);
  const text = `<tool_call>{"name":"Read","arguments":{"p":${deep}}}</tool_call>`;
  assert.deepEqual(read(text, 1000), [['Read', '{}']]);
});
