/** Are streams and JSON answers shaped like those of the one that is played? */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ask, chat, frames, messageOf, parsed, started, TOOLS } from './ask.ts';

interface Chunk {
  choices: { delta: Record<string, unknown>; finish_reason?: string }[];
  usage?: { completion_tokens: number };
  time_info?: object;
}

const SCRIPT = 'demo: think abcdefgh\ndemo: say ijklmnop';
const deltas = (chunks: readonly unknown[]): unknown[] =>
  (chunks as Chunk[]).flatMap(({ choices = [] }) => choices.map(({ delta }) => delta));

test('cerebras stream: role, reasoning, an empty delta, text, finish with usage', async (t) => {
  const simulator = await started(t);
  const { text, headers } = await ask(simulator, chat(SCRIPT, { stream: true }));
  assert.equal(headers['content-type'], 'text/event-stream; charset=utf-8');
  const all = frames(text);
  assert.equal(all.at(-1), '[DONE]');
  assert.deepEqual(deltas(all.slice(0, -1)), [
    { role: 'assistant' },
    { reasoning: 'abcd' },
    { reasoning: 'efgh' },
    {},
    { content: 'ijkl' },
    { content: 'mnop' },
    {},
  ]);
  const chunks = all.slice(0, -1) as Chunk[];
  for (const { choices } of chunks.slice(0, -1)) {
    assert.ok(!('finish_reason' in (choices[0] ?? {})), 'absent, not null, before the end');
  }
  const last = chunks.at(-1);
  assert.equal(last?.choices[0]?.finish_reason, 'stop');
  assert.equal(last?.usage?.completion_tokens, 4);
  assert.ok(last?.time_info);
});

test('cerebras stream: a tool call comes whole in one chunk, with nine hex digits', async (t) => {
  const simulator = await started(t);
  const body = chat('demo: bash ls', { stream: true, tools: TOOLS });
  const all = deltas(frames((await ask(simulator, body)).text).slice(0, -1));
  const calls = all.filter((delta) => (delta as object) && 'tool_calls' in (delta as object));
  const [only] = calls as { tool_calls: Record<string, unknown>[] }[];
  assert.equal(calls.length, 1);
  assert.match(String(only?.tool_calls[0]?.id), /^[0-9a-f]{9}$/);
  assert.deepEqual(only?.tool_calls[0]?.function, {
    name: 'Bash',
    arguments: '{"command":"ls","description":"A command of the script"}',
  });
  assert.deepEqual(Object.keys(only?.tool_calls[0] ?? {}), ['function', 'type', 'id', 'index']);
});

test('zhipu stream: reasoning_content, a role everywhere, usage at the end', async (t) => {
  const simulator = await started(t, { dialect: 'zhipu' });
  const all = frames((await ask(simulator, chat(SCRIPT, { stream: true }))).text);
  assert.deepEqual(deltas(all.slice(0, -1)), [
    { role: 'assistant', reasoning_content: 'abcd' },
    { role: 'assistant', reasoning_content: 'efgh' },
    { role: 'assistant', content: 'ijkl' },
    { role: 'assistant', content: 'mnop' },
    { role: 'assistant', content: '' },
  ]);
  assert.equal((all.at(-2) as Chunk).usage?.completion_tokens, 4);
  assert.equal(all.at(-1), '[DONE]');
});

for (const { toolStream, pieces } of [
  { toolStream: false, pieces: 1 },
  { toolStream: true, pieces: 15 },
]) {
  test(`zhipu tool arguments with tool_stream ${toolStream}`, async (t) => {
    const simulator = await started(t, { dialect: 'zhipu' });
    const more = { stream: true, tools: TOOLS, tool_stream: toolStream };
    const all = frames((await ask(simulator, chat('demo: bash ls', more))).text).slice(0, -1);
    const calls = (deltas(all) as { tool_calls?: { function: { arguments: string } }[] }[])
      .flatMap((delta) => delta.tool_calls ?? [])
      .map((call) => call.function.arguments);
    assert.equal(calls.length, pieces);
    assert.equal(calls.join(''), '{"command":"ls","description":"A command of the script"}');
  });
}

for (const { dialect, field, keys } of [
  { dialect: 'cerebras', field: 'reasoning', keys: ['reasoning', 'role', 'tool_calls'] },
  {
    dialect: 'zhipu',
    field: 'reasoning_content',
    keys: ['content', 'reasoning_content', 'role', 'tool_calls'],
  },
] as const) {
  test(`${dialect} JSON: usage adds up, and tool calls without text`, async (t) => {
    const simulator = await started(t, { dialect });
    const answered = await ask(simulator, chat(SCRIPT));
    const message = messageOf(answered);
    assert.deepEqual([message.content, message[field]], ['ijklmnop', 'abcdefgh']);
    const { usage } = parsed(answered);
    assert.equal(usage.completion_tokens, 4);
    assert.equal(usage.completion_tokens_details.reasoning_tokens, 2);
    const called = await ask(simulator, chat('demo: bash ls', { tools: TOOLS }));
    assert.deepEqual(Object.keys(messageOf(called)).sort(), keys);
    assert.equal(parsed(called).choices[0]?.finish_reason, 'tool_calls');
  });
}

for (const { usage, asked, want } of [
  { usage: 'always', asked: false, want: true },
  { usage: 'asked', asked: false, want: false },
  { usage: 'asked', asked: true, want: true },
  { usage: 'never', asked: true, want: false },
] as const) {
  test(`usage ${usage}, ${asked ? '' : 'not '}asked for`, async (t) => {
    const simulator = await started(t, { usage });
    const more = { stream: true, stream_options: { include_usage: asked } };
    const { text } = await ask(simulator, chat('hello', more));
    assert.equal(text.includes('"usage"'), want);
  });
}
