/** Which tools are offered, under which names, and what is said of the choice. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ToolNames } from '../../../lib/translate/anthropic-openai/tool-names.ts';
import { clientTools, planTools } from '../../../lib/translate/anthropic-openai/tools.ts';
import type { Tool, ToolChoice } from '../../../lib/wire/anthropic-request.ts';
import { contextOf } from '../../support/contexts.ts';

function plan(tools: readonly Tool[], choice: ToolChoice | null, preset: 'zhipu' | 'openai') {
  const request = { model: 'm', messages: [], tools, tool_choice: choice };
  const names = new ToolNames(clientTools(request).map((tool) => tool.name));
  return planTools(request, names, contextOf({ preset }).chat);
}

for (const { name, tools, want } of [
  { name: 'none', tools: [], want: [] },
  { name: 'custom ones', tools: [{ name: 'a' }, { name: 'b', type: 'custom' }], want: ['a', 'b'] },
  { name: 'of Anthropic', tools: [{ name: 'web_search', type: 'web_search_20250305' }], want: [] },
  {
    name: 'typed, with a schema',
    tools: [{ name: 'a', type: 'new', input_schema: {} }],
    want: ['a'],
  },
  { name: 'without a name', tools: [{ type: 'mcp_toolset', input_schema: {} }], want: [] },
  { name: 'twice', tools: [{ name: 'a' }, { name: 'a' }], want: ['a'] },
  { name: 'the placeholder', tools: [{ name: 'DeferredToolPlaceholder' }], want: [] },
]) {
  test(`tools of the client: ${name}`, () => {
    const request = { model: 'm', messages: [], tools };
    const found = clientTools(request).map((tool) => tool.name);
    assert.deepEqual(found, want);
  });
}

const AB = [{ name: 'a' }, { name: 'b' }];
const CHOICES: ReadonlyArray<{
  choice: ToolChoice | null;
  openai: unknown;
  zhipu: { choice: unknown; offered: string[]; hint: RegExp };
}> = [
  {
    choice: null,
    openai: undefined,
    zhipu: { choice: undefined, offered: ['a', 'b'], hint: /^$/ },
  },
  {
    choice: { type: 'auto' },
    openai: 'auto',
    zhipu: { choice: 'auto', offered: ['a', 'b'], hint: /^$/ },
  },
  {
    choice: { type: 'none' },
    openai: 'none',
    zhipu: { choice: undefined, offered: [], hint: /^$/ },
  },
  {
    choice: { type: 'any' },
    openai: 'required',
    zhipu: { choice: 'auto', offered: ['a', 'b'], hint: /one of the tools/ },
  },
  {
    choice: { type: 'tool', name: 'b' },
    openai: { type: 'function', function: { name: 'b' } },
    zhipu: { choice: 'auto', offered: ['b'], hint: /the tool b\.$/ },
  },
];

for (const { choice, openai, zhipu } of CHOICES) {
  test(`choice: ${JSON.stringify(choice)}`, () => {
    const full = plan(AB, choice, 'openai');
    assert.deepEqual(full.choice, openai);
    assert.deepEqual([...full.offered], ['a', 'b']);
    assert.equal(full.hint, '');
    const auto = plan(AB, choice, 'zhipu');
    assert.equal(auto.choice, zhipu.choice);
    assert.deepEqual([...auto.offered], zhipu.offered);
    assert.match(auto.hint, zhipu.hint);
  });
}

for (const { choice, want } of [
  { choice: { type: 'auto', disable_parallel_tool_use: true }, want: false },
  { choice: { type: 'any', disable_parallel_tool_use: false }, want: undefined },
  { choice: { type: 'none' }, want: undefined },
  { choice: null, want: undefined },
] as ReadonlyArray<{ choice: ToolChoice | null; want: false | undefined }>) {
  test(`parallel calls with ${JSON.stringify(choice)}`, () => {
    assert.equal(plan(AB, choice, 'openai').parallel, want);
    assert.equal(plan([], choice, 'openai').parallel, undefined);
  });
}

test('a choice of a tool that is not there is the client’s fault', () => {
  assert.throws(() => plan(AB, { type: 'tool', name: 'c' }, 'openai'), {
    code: 'INVALID_REQUEST',
    message: 'tool_choice.name: "c" is not among the tools of the request',
  });
});

test('more tools than the provider takes: the first ones, and the one that must be called', () => {
  const many = Array.from({ length: 200 }, (_, index) => ({ name: `tool_${index}` }));
  assert.equal(plan(many, null, 'zhipu').tools.length, 128);
  const forced = [...plan(many, { type: 'tool', name: 'tool_150' }, 'openai').offered];
  assert.equal(forced.length, 128);
  assert.equal(forced[0], 'tool_0');
  assert.equal(forced.at(-1), 'tool_150');
  const early = [...plan(many, { type: 'tool', name: 'tool_5' }, 'openai').offered];
  assert.equal(early.at(-1), 'tool_127');
});
