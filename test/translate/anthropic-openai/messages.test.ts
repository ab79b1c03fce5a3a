/** How turns are cut, and that a conversation only ever grows at its end. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { NO_TEXTS } from '../../../lib/translate/anthropic-openai/long-texts.ts';
import { chatMessages } from '../../../lib/translate/anthropic-openai/messages.ts';
import { parseMessages } from '../../../lib/translate/anthropic-openai/parse.ts';
import { ToolNames } from '../../../lib/translate/anthropic-openai/tool-names.ts';
import type { ContentBlock, Message } from '../../../lib/wire/anthropic-request.ts';
import { contextOf } from '../../support/contexts.ts';

const READER = { vision: true, names: new ToolNames([]), longTexts: NO_TEXTS };
const { chat: DIALECT } = contextOf({ preset: 'cerebras' });

function call(id: string): ContentBlock {
  return { type: 'tool_use', id, name: 'T', input: {} };
}

function result(id: string, content = `result ${id}`): ContentBlock {
  return { type: 'tool_result', tool_use_id: id, content };
}

function says(role: Message['role'], ...content: ContentBlock[]): Message {
  return { role, content };
}

function told(role: Message['role'], content: string): Message {
  return { role, content };
}

/** Roles by their first letter, tool messages by the id they answer. */
function shape(messages: readonly Message[]): string {
  return chatMessages(messages, READER, DIALECT)
    .map((message) => (message.role === 'tool' ? message.tool_call_id : message.role[0]))
    .join(' ');
}

const HI = told('user', 'Hi');

for (const { name, messages, want } of [
  { name: 'turn by turn', messages: [HI, told('assistant', 'Yes'), HI], want: 'u a u' },
  { name: 'nobody but the assistant', messages: [told('assistant', 'Well,')], want: 'u a' },
  { name: 'nobody at all', messages: [told('system', 'Base.')], want: 'u' },
  { name: 'nothing said', messages: [told('user', ' '), told('assistant', '')], want: 'u' },
  {
    name: 'results in the order of the calls',
    messages: [HI, says('assistant', call('a'), call('b')), says('user', result('b'), result('a'))],
    want: 'u a a b',
  },
  {
    name: 'an entry between call and result',
    messages: [HI, says('assistant', call('a')), told('system', 'x'), says('user', result('a'))],
    want: 'u a a u',
  },
  {
    name: 'results that come a turn too late',
    messages: [
      HI,
      says('assistant', call('a')),
      HI,
      told('assistant', 'x'),
      says('user', result('a')),
    ],
    want: 'u a a u a u',
  },
  {
    name: 'a result before its call',
    messages: [says('user', result('a')), says('assistant', call('a'))],
    want: 'u a a',
  },
  {
    name: 'a result in a system entry is none',
    messages: [HI, says('assistant', call('a')), says('system', result('a'))],
    want: 'u a a u',
  },
]) {
  test(`conversation: ${name}`, () => assert.equal(shape(messages), want));
}

test('two calls of one id are answered in their order', () => {
  const messages = [
    HI,
    says('assistant', call('a'), call('a')),
    says('user', result('a', 'one'), result('a', 'two'), result('a', 'three')),
  ];
  const out = chatMessages(messages, READER, DIALECT);
  assert.deepEqual(
    out.slice(2).map((message) => message.content),
    ['one', 'two', '[result of the earlier tool call a]\n\nthree'],
  );
});

test('every turn is a prefix of the next one, whatever is added', () => {
  const name = '../../fixtures/02-glm-turn3-parallel-results.json';
  const captured = parseMessages(readFileSync(new URL(name, import.meta.url))).messages;
  const image: ContentBlock = { type: 'image', source: { type: 'url', url: 'https://a.example' } };
  const pictures: ContentBlock = { type: 'tool_result', tool_use_id: 'p', content: [image] };
  const messages = [
    ...captured,
    told('system', 'Later.'),
    says('assistant', { type: 'thinking', thinking: 'Hm.' }, call('p'), call('q')),
    says('user', result('q'), pictures, { type: 'text', text: 'And?' }),
    says('assistant', { type: 'redacted_thinking' }),
    told('user', 'Thanks'),
    told('system', 'Last.'),
  ];
  let before: string[] = [];
  for (let end = 1; end <= messages.length; end++) {
    // A request ends with a user or with what the client adds to it, never with the assistant.
    if (messages[end - 1]?.role === 'assistant') continue;
    const made = chatMessages(messages.slice(0, end), READER, DIALECT);
    const now = made.map((message) => JSON.stringify(message));
    assert.deepEqual(now.slice(0, before.length), before, `up to message ${end}`);
    before = now;
  }
});
