/** A whole request: golden cases, captured bodies, and what is remembered of it. */
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { test } from 'node:test';
import { GatewayError } from '../../../lib/errors.ts';
import { PRESETS } from '../../../lib/providers/index.ts';
import type { Preset } from '../../../lib/providers/types.ts';
import { parseMessages } from '../../../lib/translate/anthropic-openai/parse.ts';
import {
  type ChatRequest,
  clientDisablesThinking,
  toChatCompletion,
} from '../../../lib/translate/anthropic-openai/request.ts';
import { type ContextOptions, contextOf } from '../../support/contexts.ts';
import { type GoldenCase, goldenCases } from '../../support/golden.ts';
import { type Strictness, validateChat } from '../../support/validate-chat.ts';

interface Body {
  readonly [field: string]: unknown;
  readonly messages: readonly { readonly role: string; readonly content: unknown }[];
}

const STRICTNESS: ReadonlyArray<readonly [Preset['name'], Strictness]> = [
  ['cerebras', 'cerebras'],
  ['zhipu', 'zhipu'],
  ['openai', 'plain'],
  ['generic', 'plain'],
];

function translate(body: string | Buffer, options: ContextOptions = {}): ChatRequest {
  return toChatCompletion(parseMessages(Buffer.from(body)), contextOf(options));
}

function parsed(made: ChatRequest): Body {
  return JSON.parse(made.body) as Body;
}

function optionsOf({ fences }: GoldenCase): ContextOptions {
  return JSON.parse(fences.get('options') ?? '{}') as ContextOptions;
}

for (const golden of goldenCases('requests')) {
  test(`${golden.file}: ${golden.title}`, () => {
    const input = golden.fences.get('in') ?? '';
    const message = golden.fences.get('error');
    if (message !== undefined) {
      assert.throws(() => translate(input, optionsOf(golden)), { name: 'GatewayError', message });
      return;
    }
    const made = translate(input, optionsOf(golden));
    assert.deepEqual(JSON.parse(made.body), JSON.parse(golden.fences.get('out') ?? ''));
    const memo = golden.fences.get('memo');
    if (memo !== undefined) assertMemo(made, JSON.parse(memo) as Record<string, unknown>);
  });
}

function assertMemo({ memo }: ChatRequest, wanted: Record<string, unknown>): void {
  const plain = { ...memo, toolNames: Object.fromEntries(memo.toolNames) };
  for (const [key, value] of Object.entries(wanted)) {
    assert.deepEqual(plain[key as keyof typeof plain], value, key);
  }
}

test('golden bodies are what a strict provider takes', () => {
  for (const golden of goldenCases('requests')) {
    const out = golden.fences.get('out');
    if (out === undefined) continue;
    const { preset = 'generic' } = optionsOf(golden);
    const { vision } = contextOf(optionsOf(golden)).model;
    const strictness = STRICTNESS.find(([name]) => name === preset)?.[1] ?? 'plain';
    assert.deepEqual(validateChat(JSON.parse(out), strictness, vision), [], golden.title);
  }
});

const FIXTURES = new URL('../../fixtures/', import.meta.url);

function fixture(name: string): Buffer {
  return readFileSync(new URL(name, FIXTURES));
}

for (const name of readdirSync(FIXTURES).filter((file) => file.endsWith('.json'))) {
  for (const [preset, strictness] of STRICTNESS) {
    for (const vision of [false, true]) {
      test(`${name} for ${preset}${vision ? ', a model that sees' : ''}`, () => {
        const made = translate(fixture(name), { preset, vision, injectPrompt: 'Think first.' });
        assert.deepEqual(validateChat(JSON.parse(made.body), strictness, vision), []);
      });
    }
  }
}

test('the first turn is a prefix of a later one, to the byte', () => {
  const first = parsed(translate(fixture('01-glm-turn1.json'))).messages;
  const third = parsed(translate(fixture('02-glm-turn3-parallel-results.json'))).messages;
  assert.deepEqual(
    third.slice(0, first.length).map((message) => JSON.stringify(message)),
    first.map((message) => JSON.stringify(message)),
  );
});

test('the memo of a full request', () => {
  const { memo } = translate(fixture('01-glm-turn1.json'), { preset: 'cerebras' });
  assert.equal(memo.stream, true);
  assert.equal(memo.askedMaxTokens, 32_000);
  assert.equal(memo.sentMaxTokens, 32_000);
  assert.equal(memo.thinkingDisabled, false);
  assert.deepEqual([...memo.toolNames], []);
  assert.deepEqual(memo.stopSequences, []);
  assert.ok(memo.toolNameSet.has('Bash'));
  assert.ok(!memo.toolNameSet.has('DeferredToolPlaceholder'));
});

test('the memo of the least request', () => {
  const { memo } = translate('{"model":"m","messages":[{"role":"user","content":"Hi"}]}');
  assert.equal(memo.stream, false);
  assert.equal(memo.askedMaxTokens, 0);
  assert.equal(memo.sentMaxTokens, 0);
  assert.equal(memo.toolNameSet.size, 0);
});

test('thinking is off only where the client says so', () => {
  for (const [thinking, off] of [
    [{ type: 'disabled' }, true],
    [{ type: 'adaptive' }, false],
    [null, false],
  ] as const) {
    const messages = [{ role: 'user', content: 'Hi' }];
    const body = JSON.stringify({ model: 'm', max_tokens: 9, messages, thinking });
    assert.equal(clientDisablesThinking(parseMessages(Buffer.from(body))), off);
    assert.equal(translate(body).memo.thinkingDisabled, off);
  }
});

test('a request may be translated again: nothing of it is changed', () => {
  const request = parseMessages(fixture('02-glm-turn3-parallel-results.json'));
  const before = JSON.stringify(request);
  const bodies = [1, 2].map(
    () => toChatCompletion(request, contextOf({ preset: 'cerebras' })).body,
  );
  assert.equal(bodies[0], bodies[1]);
  assert.equal(JSON.stringify(request), before);
});

test('only fields that the dialect lists leave', () => {
  const fields = new Set(['model', 'messages']);
  const context = contextOf({ preset: 'zhipu' });
  const strict = { ...context, chat: { ...context.chat, fields } };
  const request = parseMessages(fixture('01-glm-turn1.json'));
  const body = JSON.parse(toChatCompletion(request, strict).body) as Body;
  assert.deepEqual(Object.keys(body), ['model', 'messages']);
});

test('every field that is sent by any preset is on its list', () => {
  for (const preset of Object.values(PRESETS)) {
    for (const field of [preset.chat.maxTokensField, 'model', 'messages', 'tools', 'stream']) {
      assert.ok(preset.chat.fields.has(field), `${preset.name}: ${field}`);
    }
  }
});

test('a body that cannot be written as JSON is the client’s fault', () => {
  let deep: unknown = 'x';
  for (let level = 0; level < 100_000; level++) deep = [deep];
  const content = [{ type: 'tool_use' as const, id: 'a', name: 'T', input: { deep } }];
  const request = { model: 'm', messages: [{ role: 'assistant' as const, content }] };
  assert.throws(
    () => toChatCompletion(request, contextOf()),
    (thrown) => thrown instanceof GatewayError && thrown.code === 'INVALID_REQUEST',
  );
});

test('many repeated ids and many parallel calls stay cheap', () => {
  const calls = Array.from({ length: 20_000 }, () => ({
    type: 'tool_use',
    id: 'same',
    name: 'T',
    input: {},
  }));
  const results = calls.map(() => ({ type: 'tool_result', tool_use_id: 'same', content: 'r' }));
  const messages = [
    { role: 'user', content: 'Hi' },
    { role: 'assistant', content: calls },
    { role: 'user', content: results },
  ];
  const made = translate(JSON.stringify({ model: 'm', max_tokens: 9, messages }));
  assert.deepEqual(validateChat(JSON.parse(made.body), 'plain', false), []);
  assert.equal(parsed(made).messages.length, 20_002);
});
