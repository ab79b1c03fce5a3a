/** Do whole completions become the messages they should? */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { toMessage } from '../../../lib/translate/anthropic-openai/response.ts';
import type { Message } from '../../../lib/wire/anthropic-response.ts';
import { goldenCases } from '../../support/golden.ts';
import { contextOf, memoOf, type Options } from './setting.ts';

for (const { file, title, fences } of goldenCases('responses')) {
  test(`response: ${title} (${file})`, () => {
    const options = JSON.parse(fences.get('options') ?? '{}') as Options;
    const bytes = Buffer.from(fences.get('in') ?? '');
    const result = toMessage(bytes, memoOf(options), contextOf(options));
    if ('kind' in result) {
      assert.deepEqual(result, JSON.parse(fences.get('fault') ?? 'null'));
      return;
    }
    const message = JSON.parse(String(result.body)) as Message;
    assert.deepEqual(message, JSON.parse(fences.get('out') ?? 'null'));
    assert.equal(result.stopReason, message.stop_reason);
    const { input_tokens: uncached, cache_read_input_tokens: cached } = message.usage;
    assert.equal(result.usage.promptTokens, uncached + cached);
    assert.equal(result.usage.outputTokens, message.usage.output_tokens);
    const visible = message.content.some((block) => block.type !== 'thinking');
    assert.equal(result.empty, !visible && message.stop_reason !== 'stop_sequence');
  });
}

const DEPTH = 100_000;

for (const { name, json } of [
  { name: 'as text', json: JSON.stringify(`{"p":${'['.repeat(DEPTH)}${']'.repeat(DEPTH)}}`) },
  { name: 'as an object', json: `{"p":${'['.repeat(DEPTH)}${']'.repeat(DEPTH)}}` },
]) {
  test(`response: arguments nested without end, ${name}, throw nothing`, () => {
    const call = `{"id":"a","function":{"name":"Read","arguments":${json}}}`;
    const body = `{"choices":[{"message":{"tool_calls":[${call}]}}]}`;
    const result = toMessage(Buffer.from(body), memoOf({ tools: ['Read'] }), contextOf({}));
    assert.ok(!('kind' in result));
    assert.equal(result.stopReason, 'tool_use');
  });
}
