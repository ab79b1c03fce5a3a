/** How long, how thoughtful, for whom: one parameter after the other. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  outputTokens,
  refuseTooLong,
  thinkingWish,
  userHash,
} from '../../../lib/translate/anthropic-openai/parameters.ts';
import type { MessagesRequest } from '../../../lib/wire/anthropic-request.ts';
import { contextOf } from '../../support/contexts.ts';

function model(contextWindow: number, maxOutputTokens: number) {
  return { ...contextOf().model, contextWindow, maxOutputTokens };
}

for (const { name, asked, prompt, window, most, want } of [
  { name: 'nothing known', asked: 32_000, prompt: 10, window: 0, most: 0, want: 32_000 },
  { name: 'nothing asked, nothing known', asked: 0, prompt: 10, window: 0, most: 0, want: 0 },
  { name: 'nothing asked, no bound', asked: 0, prompt: 10, window: 9_000, most: 0, want: 0 },
  { name: 'nothing asked', asked: 0, prompt: 10, window: 0, most: 4_096, want: 4_096 },
  {
    name: 'more than the model gives',
    asked: 9_000,
    prompt: 10,
    window: 0,
    most: 4_096,
    want: 4_096,
  },
  { name: 'less than it gives', asked: 100, prompt: 10, window: 0, most: 4_096, want: 100 },
  {
    name: 'the window is nearly full',
    asked: 9_000,
    prompt: 80_000,
    window: 90_000,
    most: 0,
    want: 5_744,
  },
  {
    name: 'the window is full',
    asked: 9_000,
    prompt: 90_000,
    window: 90_000,
    most: 0,
    want: 1_024,
  },
  {
    name: 'the window is full, little asked',
    asked: 5,
    prompt: 90_000,
    window: 90_000,
    most: 0,
    want: 5,
  },
]) {
  test(`output tokens: ${name}`, () => {
    assert.equal(outputTokens(asked, prompt, model(window, most)), want);
  });
}

test('output tokens are whole, also behind a prompt that was estimated in fractions', () => {
  assert.ok(Number.isInteger(outputTokens(9_000, 80_000.7, model(90_000, 0))));
});

for (const { name, prompt, window, message } of [
  { name: 'fits', prompt: 100, window: 100, message: undefined },
  { name: 'may be too long', prompt: 109, window: 100, message: undefined },
  {
    name: 'is too long',
    prompt: 110.5,
    window: 100,
    message: 'prompt is too long: 111 tokens > 100 maximum',
  },
  { name: 'no window known', prompt: 1e9, window: 0, message: undefined },
]) {
  test(`a prompt that ${name}`, () => {
    const refuse = (): void => refuseTooLong(prompt, model(window, 0));
    if (message === undefined) refuse();
    else assert.throws(refuse, { code: 'PROMPT_TOO_LONG', message });
  });
}

type Wishes = Partial<Pick<MessagesRequest, 'thinking' | 'output_config' | 'max_tokens'>>;

const WISHES: ReadonlyArray<readonly [Wishes, boolean | undefined, string | undefined]> = [
  [{}, undefined, undefined],
  [{ thinking: null, output_config: null }, undefined, undefined],
  [{ thinking: { type: 'disabled' }, output_config: { effort: 'max' } }, false, undefined],
  [{ thinking: { type: 'enabled' } }, true, undefined],
  [{ thinking: { type: 'enabled' }, output_config: { effort: 'low' } }, true, 'low'],
  [{ thinking: { type: 'enabled', budget_tokens: 1_024 } }, true, 'low'],
  [{ thinking: { type: 'enabled', budget_tokens: 16_383 } }, true, 'medium'],
  [{ thinking: { type: 'enabled', budget_tokens: 16_384 } }, true, 'high'],
  [{ thinking: { type: 'adaptive' } }, true, undefined],
  [{ thinking: { type: 'adaptive' }, output_config: { effort: 'xhigh' } }, true, 'xhigh'],
  [{ thinking: { type: 'between_tools' }, output_config: { effort: 'low' } }, undefined, 'low'],
  [{ max_tokens: 512 }, false, undefined],
  [{ max_tokens: 513 }, undefined, undefined],
  [{ max_tokens: 0 }, false, undefined],
  [{ max_tokens: 100, thinking: { type: 'adaptive' } }, false, undefined],
  [{ max_tokens: 100, thinking: { type: 'enabled', budget_tokens: 50 } }, true, 'low'],
];

for (const [wishes, enabled, effort] of WISHES) {
  test(`thinking wish of ${JSON.stringify(wishes)}`, () => {
    const request = { model: 'm', messages: [], ...wishes };
    assert.deepEqual(thinkingWish(request), { enabled, effort });
  });
}

function hash(userId: string | null | undefined, preset: 'cerebras' | 'zhipu'): string | undefined {
  const request = { model: 'm', messages: [], metadata: { user_id: userId } };
  return userHash(request, contextOf({ preset }).chat);
}

test('one session has one cache key, whatever the form of the id', () => {
  const newer = JSON.stringify({ device_id: 'd', account_uuid: '', session_id: 's1' });
  assert.equal(hash(newer, 'cerebras'), hash('user_d_account__session_s1', 'cerebras'));
  assert.notEqual(hash(newer, 'cerebras'), hash(newer.replace('s1', 's2'), 'cerebras'));
});

test('one user has one id over all sessions', () => {
  const of = (session: string): string =>
    JSON.stringify({ device_id: 'd', account_uuid: 'a', session_id: session });
  assert.equal(hash(of('one'), 'zhipu'), hash(of('two'), 'zhipu'));
  assert.equal(hash('user_d_session_one', 'zhipu'), hash('user_d_session_two', 'zhipu'));
});

for (const id of [undefined, null, '']) {
  test(`no id where the client gives ${JSON.stringify(id)}`, () => {
    assert.equal(hash(id, 'cerebras'), undefined);
  });
}

test('an id of any other form is hashed whole', () => {
  assert.match(hash('{"session_id":7}', 'cerebras') ?? '', /^[0-9a-f]{32}$/);
  assert.notEqual(hash('me', 'zhipu'), hash('you', 'zhipu'));
});
