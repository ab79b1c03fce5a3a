/** What the strict provider of the tests refuses, and for whom. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Strictness, validateChat } from './validate-chat.ts';

type Json = Record<string, unknown>;

const USER = { role: 'user', content: 'Hi' };
const CALL = { id: 'a', type: 'function', function: { name: 'T', arguments: '{}' } };
const ASKS = { role: 'assistant', content: null, tool_calls: [CALL] };
const TELLS = { role: 'tool', tool_call_id: 'a', content: 'A' };

function tool(more: Json = {}): Json {
  const described = { name: 'T', description: 'Does.', parameters: { type: 'object' } };
  return { type: 'function', function: { ...described, ...more } };
}

/** What makes a good body bad -> for whom, and what is said. */
const ROWS: ReadonlyArray<readonly [Json, Strictness, RegExp]> = [
  [{ model: '' }, 'plain', /model missing/],
  [{ model: 'glm-4.6[1m]' }, 'plain', /suffix/],
  [{ top_k: 1 }, 'plain', /unknown top-level field top_k/],
  [{ max_tokens: 0 }, 'plain', /no positive integer/],
  [{ max_tokens: 1 }, 'cerebras', /unknown top-level field max_tokens/],
  [{ max_completion_tokens: 1 }, 'zhipu', /unknown top-level field/],
  [{ stream: true }, 'plain', /without usage/],
  [{ stream_options: { include_usage: true } }, 'plain', /no stream/],
  [{ temperature: 1.2 }, 'zhipu', /temperature/],
  [{ top_p: 0 }, 'zhipu', /top_p/],
  [{ stop: ['a', 'b'] }, 'zhipu', /stop/],
  [{ user_id: 'short' }, 'zhipu', /user_id/],
  [{ messages: [] }, 'plain', /messages missing/],
  [{ messages: [{ role: 'user', content: '' }] }, 'plain', /empty content/],
  [{ messages: [{ role: 'user', content: [] }] }, 'plain', /no string/],
  [{ messages: [{ ...USER, cache_control: {} }] }, 'plain', /unknown field cache_control/],
  [{ messages: [{ role: 'assistant', content: 'x' }] }, 'zhipu', /no user message/],
  [{ messages: [USER, { role: 'assistant', content: null }] }, 'plain', /neither content/],
  [{ messages: [USER, ASKS, TELLS] }, 'zhipu', /content is null/],
  [{ messages: [USER, ASKS] }, 'plain', /before results of a/],
  [{ messages: [USER, TELLS] }, 'plain', /answers no call/],
  [{ messages: [USER, ASKS, TELLS, ASKS, TELLS] }, 'plain', /twice/],
  [{ messages: [USER, ASKS, { ...TELLS, content: [] }] }, 'plain', /no string/],
  [
    { messages: [USER, { role: 'assistant', content: 'x', reasoning_content: 'y' }] },
    'cerebras',
    /unknown field reasoning_content/,
  ],
  [{ messages: [USER, { role: 'system', content: 'x' }] }, 'plain', /system message in the/],
  [{ tools: [] }, 'plain', /no array with something/],
  [{ tools: [tool(), tool()] }, 'plain', /twice/],
  [{ tools: [tool({ name: 'a b' })] }, 'plain', /bad name/],
  [{ tools: [tool({ strict: true })] }, 'plain', /unknown field strict/],
  [{ tools: [tool({ description: undefined })] }, 'zhipu', /no description/],
  [{ tools: [tool({ parameters: { type: 'object', minItems: 1 } })] }, 'cerebras', /minItems/],
  [{ tools: [tool()], response_format: {} }, 'cerebras', /beside tools/],
  [{ tools: [tool()], tool_choice: 'required' }, 'zhipu', /not auto/],
  [{ tool_choice: 'auto' }, 'plain', /without tools/],
];

for (const [more, strictness, want] of ROWS) {
  test(`${strictness} says of ${JSON.stringify(more).slice(0, 60)}`, () => {
    const said = validateChat({ model: 'm', messages: [USER], ...more }, strictness, false);
    assert.match(said.map((finding) => finding.text).join('\n'), want);
  });
}

test('nothing is said of a good body', () => {
  const parts = [{ type: 'image_url', image_url: { url: 'https://a.example/b.png' } }];
  const messages = [
    { role: 'system', content: 'x' },
    { role: 'user', content: parts },
    ASKS,
    TELLS,
  ];
  const body = { model: 'm', messages, tools: [tool()], max_completion_tokens: 5 };
  assert.deepEqual(validateChat(body, 'cerebras', true), []);
});
