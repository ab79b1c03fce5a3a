/** Which bodies are taken, and how the others are told what is wrong with them. */
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { test } from 'node:test';
import { GatewayError } from '../../../lib/errors.ts';
import { parseCountTokens, parseMessages } from '../../../lib/translate/anthropic-openai/parse.ts';

const USER = { role: 'user', content: 'Hi' };
const BASE = { model: 'm', max_tokens: 9, messages: [USER] };

/** A body as text, with a field or a block that JSON.stringify could not write. */
function withField(field: string): string {
  return `{"model":"m","messages":[{"role":"user","content":"x"}],${field}}`;
}

function withBlock(block: string): string {
  return `{"model":"m","messages":[{"role":"assistant","content":[${block}]}]}`;
}

function refusal(bytes: Buffer | string): string {
  try {
    parseMessages(Buffer.from(bytes));
  } catch (thrown) {
    assert.ok(thrown instanceof GatewayError, String(thrown));
    assert.equal(thrown.code, 'INVALID_REQUEST');
    return thrown.message;
  }
  return 'accepted';
}

for (const { name, bytes, want } of [
  { name: 'no body', bytes: '', want: 'the body is empty, a JSON object was expected' },
  { name: 'text', bytes: 'hello', want: 'the body is not valid JSON' },
  { name: 'cut', bytes: '{"model":"m"', want: 'the body is not valid JSON at position 12' },
  { name: 'null', bytes: 'null', want: 'the body must be a JSON object, got null' },
  { name: 'array', bytes: '[]', want: 'the body must be a JSON object, got array' },
  { name: 'string', bytes: '"x"', want: 'the body must be a JSON object, got string' },
  { name: 'number', bytes: '1', want: 'the body must be a JSON object, got number' },
  { name: 'nothing in it', bytes: '{}', want: 'model: must be a string, got nothing' },
  {
    name: 'bytes that are no UTF-8',
    bytes: Buffer.concat([Buffer.from('{"model":"'), Buffer.from([0xff, 0xfe]), Buffer.from('"}')]),
    want: 'the body is not valid UTF-8',
  },
]) {
  test(`body: ${name}`, () => assert.equal(refusal(bytes), want));
}

test('an error text never quotes the body', () => {
  assert.ok(!refusal('{"model": sk-secret-prompt}').includes('sk-'));
});

/** Field of the body -> what is said of it. */
const FIELDS: ReadonlyArray<readonly [Record<string, unknown>, string]> = [
  [{ model: 7 }, 'model: must be a string, got number'],
  [{ model: null }, 'model: must be a string, got null'],
  [{ model: '' }, 'model: must not be empty'],
  [{ model: 'm'.repeat(257) }, 'model: must have at most 256 characters'],
  [{ messages: undefined }, 'messages: must be an array, got nothing'],
  [{ messages: {} }, 'messages: must be an array, got object'],
  [{ messages: [] }, 'messages: must not be empty'],
  [{ messages: [1] }, 'messages.0: must be an object, got number'],
  [{ messages: [USER, null] }, 'messages.1: must be an object, got null'],
  [{ messages: [{ content: 'x' }] }, 'messages.0.role: must be a string, got nothing'],
  [
    { messages: [{ role: 'tool', content: 'x' }] },
    'messages.0.role: must be user, assistant or system',
  ],
  [
    { messages: [{ role: 'user' }] },
    'messages.0.content: must be a string or an array of blocks, got nothing',
  ],
  [
    { messages: [{ role: 'user', content: { type: 'text' } }] },
    'messages.0.content: must be a string or an array of blocks, got object',
  ],
  [{ system: 1 }, 'system: must be a string or an array of blocks, got number'],
  [{ system: [{ type: 'text' }] }, 'system.0.text: must be a string, got nothing'],
  [{ max_tokens: '9' }, 'max_tokens: must be an integer, got string'],
  [{ max_tokens: 1.5 }, 'max_tokens: must be an integer from 0 on, in range'],
  [{ max_tokens: -1 }, 'max_tokens: must be an integer from 0 on, in range'],
  [{ max_tokens: 2 ** 53 }, 'max_tokens: must be an integer from 0 on, in range'],
  [{ stream: 'yes' }, 'stream: must be a boolean, got string'],
  [{ temperature: '1' }, 'temperature: must be a number, got string'],
  [{ stop_sequences: 'END' }, 'stop_sequences: must be an array, got string'],
  [{ stop_sequences: ['a', null] }, 'stop_sequences.1: must be a string, got null'],
  [{ metadata: 'me' }, 'metadata: must be an object, got string'],
  [{ metadata: { user_id: 5 } }, 'metadata.user_id: must be a string, got number'],
  [{ thinking: 'on' }, 'thinking: must be an object, got string'],
  [{ thinking: {} }, 'thinking.type: must be a string, got nothing'],
  [
    { thinking: { type: 'enabled', budget_tokens: 'x' } },
    'thinking.budget_tokens: must be a number, got string',
  ],
  [{ output_config: [] }, 'output_config: must be an object, got array'],
  [{ output_config: { effort: 3 } }, 'output_config.effort: must be a string, got number'],
  [
    { output_config: { format: { type: 'json_schema' } } },
    'output_config.format.schema: must be an object, got nothing',
  ],
  [
    { output_format: { type: 'json_schema', schema: 'x' } },
    'output_format.schema: must be an object, got string',
  ],
  [{ tools: {} }, 'tools: must be an array, got object'],
  [{ tools: ['Read'] }, 'tools.0: must be an object, got string'],
  [{ tools: [{}] }, 'tools.0.name: must be a string, got nothing'],
  [{ tools: [{ name: '' }] }, 'tools.0.name: must not be empty'],
  [{ tools: [{ name: 'a', type: 1 }] }, 'tools.0.type: must be a string, got number'],
  [{ tools: [{ name: 'a', description: 1 }] }, 'tools.0.description: must be a string, got number'],
  [
    { tools: [{ name: 'a', input_schema: [] }] },
    'tools.0.input_schema: must be an object, got array',
  ],
  [{ tool_choice: 'auto' }, 'tool_choice: must be an object, got string'],
  [{ tool_choice: { type: 'some' } }, 'tool_choice.type: must be auto, any, tool or none'],
  [{ tool_choice: { type: 'tool' } }, 'tool_choice.name: must be a string, got nothing'],
  [
    { tool_choice: { type: 'any', disable_parallel_tool_use: 1 } },
    'tool_choice.disable_parallel_tool_use: must be a boolean, got number',
  ],
];

for (const [fields, want] of FIELDS) {
  test(`field: ${want}`, () => {
    assert.equal(refusal(JSON.stringify({ ...BASE, ...fields })), want);
  });
}

test('a fault in a block names its place in the body', () => {
  const block = { type: 'tool_result', tool_use_id: 'a', content: [{ type: 'text' }] };
  const messages = [USER, { role: 'user', content: [{ type: 'text', text: 'x' }, block] }];
  const want = 'messages.1.content.1.content.0.text: must be a string, got nothing';
  assert.equal(refusal(JSON.stringify({ ...BASE, messages })), want);
});

for (const { name, text, want } of [
  {
    name: 'temperature',
    text: withField('"temperature":1e400'),
    want: 'temperature: is out of range',
  },
  {
    name: 'max_tokens',
    text: withField('"max_tokens":1e400'),
    want: 'max_tokens: must be an integer from 0 on, in range',
  },
  {
    name: 'inside of a tool’s input',
    text: withBlock('{"type":"tool_use","id":"a","name":"T","input":{"n":[0,-1e999]}}'),
    want: 'messages.0.content.0.input.n.1: is out of range',
  },
]) {
  test(`numbers out of range: ${name}`, () => assert.equal(refusal(text), want));
}

const RESULT = '[{"type":"tool_result","tool_use_id":"a","content":';
const NESTED = `${RESULT.repeat(600)}"x"${'}]'.repeat(600)}`;
const DEEP = `${'['.repeat(100_000)}${']'.repeat(100_000)}`;

for (const { name, text } of [
  {
    name: 'input of a call',
    text: withBlock(`{"type":"tool_use","id":"a","name":"T","input":${DEEP}}`),
  },
  {
    name: 'an unknown block',
    text: withBlock(`{"type":"new","x":${DEEP}}`),
  },
  {
    name: 'a schema',
    text: withField(`"tools":[{"name":"a","input_schema":{"x":${DEEP}}}]`),
  },
  {
    name: 'results in results',
    text: `{"model":"m","messages":[{"role":"user","content":${NESTED}}]}`,
  },
]) {
  test(`too deep: ${name}`, () => {
    const said = refusal(text);
    assert.match(said, /is nested deeper than 512 levels$/);
    assert.ok(said.length < 300);
  });
}

test('depth in a field that nobody reads does no harm', () => {
  assert.equal(refusal(withField(`"new":${DEEP}`)), 'accepted');
});

test('an array in place of a block names its place', () => {
  const text = `{"model":"m","messages":[{"role":"user","content":${DEEP}}]}`;
  assert.equal(refusal(text), 'messages.0.content.0: must be an object, got array');
});

test('more messages than the API takes', () => {
  const messages = Array.from({ length: 100_001 }, () => USER);
  const text = JSON.stringify({ ...BASE, messages });
  assert.equal(refusal(text), 'messages: must have at most 100000 items');
});

test('null is the same as absent', () => {
  const absent = [
    'system',
    'max_tokens',
    'stream',
    'stop_sequences',
    'temperature',
    'top_p',
    'top_k',
    'thinking',
    'output_config',
    'output_format',
    'tools',
    'tool_choice',
    'metadata',
  ];
  const nulls = Object.fromEntries(absent.map((name) => [name, null]));
  assert.equal(refusal(JSON.stringify({ ...BASE, ...nulls })), 'accepted');
});

for (const { name, fields } of [
  { name: 'fields nobody knows', fields: { context_management: {}, future: [1] } },
  {
    name: 'blocks nobody knows',
    fields: { messages: [{ role: 'user', content: [{ type: 'new' }] }] },
  },
  { name: 'thinking nobody knows', fields: { thinking: { type: 'sideways', depth: 3 } } },
  {
    name: 'tools that run at Anthropic',
    fields: { tools: [{ type: 'web_search_20250305', name: 'web_search' }] },
  },
  { name: 'a typed tool without a name', fields: { tools: [{ type: 'mcp_toolset' }] } },
  { name: 'max_tokens 0', fields: { max_tokens: 0 } },
  {
    name: 'a source nobody knows',
    fields: { messages: [{ role: 'user', content: [{ type: 'image', source: { type: 'new' } }] }] },
  },
  { name: 'system entries', fields: { messages: [USER, { role: 'system', content: 'x' }] } },
  { name: 'an empty list of blocks', fields: { messages: [{ role: 'user', content: [] }] } },
  {
    name: 'thinking without a signature',
    fields: {
      messages: [
        { role: 'assistant', content: [{ type: 'thinking', thinking: '', signature: null }] },
      ],
    },
  },
]) {
  test(`tolerated: ${name}`, () => {
    assert.equal(refusal(JSON.stringify({ ...BASE, ...fields })), 'accepted');
  });
}

test('keys called __proto__ neither pollute nor crash', () => {
  const text = '{"type":"tool_use","id":"a","name":"T","input":{"__proto__":{"polluted":1}}}';
  const body = withBlock(text).replace('{', '{"__proto__":{"stream":true},');
  const request = parseMessages(Buffer.from(body));
  assert.equal(request.stream, undefined);
  assert.equal(({} as Record<string, unknown>).polluted, undefined);
});

test('a byte order mark is no fault', () => {
  assert.equal(refusal(`\ufeff${JSON.stringify(BASE)}`), 'accepted');
});

test('the result is the parsed body itself', () => {
  const body = { ...BASE, future: { a: [1] } };
  assert.deepEqual(parseMessages(Buffer.from(JSON.stringify(body))), body);
});

test('count_tokens needs no max_tokens and checks the same fields', () => {
  const probe = { model: 'm', messages: [{ role: 'user', content: 'foo' }], tools: [] };
  assert.deepEqual(parseCountTokens(Buffer.from(JSON.stringify(probe))), probe);
  assert.throws(() => parseCountTokens(Buffer.from('{"model":"m"}')), {
    message: 'messages: must be an array, got nothing',
  });
});

const FIXTURES = new URL('../../fixtures/', import.meta.url);

for (const name of readdirSync(FIXTURES).filter((file) => file.endsWith('.json'))) {
  test(`captured: ${name}`, () => {
    const bytes = readFileSync(new URL(name, FIXTURES));
    assert.deepEqual(parseMessages(bytes), JSON.parse(bytes.toString()));
  });
}
