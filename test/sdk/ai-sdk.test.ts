import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { createAnthropic } from '@ai-sdk/anthropic';
import { createOpenAICompatible } from '@ai-sdk/openai-compatible';
import {
  APICallError,
  generateObject,
  generateText,
  jsonSchema,
  type LanguageModel,
  stepCountIs,
  streamText,
  tool,
} from 'ai';
import { z } from 'zod';
import { chained, direct, quiet, type Rig, type RigOptions } from './rigs.ts';

Object.assign(globalThis, { AI_SDK_LOG_WARNINGS: false });

type ModelOf = (url: string, model?: string) => LanguageModel;

const anthropicAt =
  (path: string): ModelOf =>
  (url, model = 'glm-4.6') =>
    createAnthropic({ baseURL: url + path, apiKey: 'a-client-token' })(model);

const compatibleAt =
  (path: string): ModelOf =>
  (url, model = 'glm-4.6') =>
    createOpenAICompatible({
      name: 'cooldown',
      baseURL: url + path,
      apiKey: 'a-client-token',
      includeUsage: true,
    })(model);

/** Every provider package, with and without /v1: the AI SDK counts it to the base URL. */
const CLIENTS: readonly { readonly name: string; readonly modelOf: ModelOf }[] = [
  { name: 'anthropic', modelOf: anthropicAt('/anthropic') },
  { name: 'anthropic/v1', modelOf: anthropicAt('/anthropic/v1') },
  { name: 'compatible', modelOf: compatibleAt('/openai') },
  { name: 'compatible/v1', modelOf: compatibleAt('/openai/v1') },
];

const RIGS: readonly Rig[] = await Promise.all([
  direct('cerebras'),
  direct('zhipu'),
  chained('/v1'),
]);

/** An OpenAI client cannot reach a provider of the Messages protocol. */
const CASES = CLIENTS.flatMap(({ name, modelOf }) =>
  RIGS.filter((rig) => name.startsWith('anthropic') || !rig.name.startsWith('anthropic')).map(
    (rig) => ({ name: `${name} ${rig.name}`, rig, modelOf, model: modelOf(rig.url) }),
  ),
);

/** Its schema has nothing that Cerebras refuses: what OpenAI clients send is not rewritten. */
const weather = tool({
  description: 'The weather of a city',
  inputSchema: z.object({ city: z.string(), days: z.number().int().optional() }),
  execute: ({ city }) => `rain in ${city}`,
});

/** This client sends reasoning back as `reasoning_content`, which Cerebras refuses by name (WIRE.md
 *  §E.5), and what an OpenAI client sends is not rewritten: such a client has to switch it off. */
const WITHOUT_REASONING = { cooldown: { reasoningEffort: 'none' } };

const SCRIPT = 'demo: tool weather {"city":"Zürich"}\ndemo: tool weather {"city":"Bern","days":2}';

for (const { name, rig, modelOf, model } of CASES) {
  const unthinking = name.startsWith('compatible') && rig.name === 'cerebras';
  const providerOptions = unthinking ? WITHOUT_REASONING : {};

  test(`${name}: generateText`, async () => {
    const { text, finishReason, usage, reasoningText, response } = await generateText({
      model,
      prompt: 'hello',
      system: 'Be brief.',
      maxRetries: 0,
    });
    assert.match(text, /You said: "hello"/);
    assert.equal(finishReason, 'stop');
    assert.ok((usage.inputTokens ?? 0) > 0);
    assert.ok((usage.outputTokens ?? 0) > 0);
    assert.match(reasoningText ?? '', /no script/);
    assert.equal(response.modelId, 'glm-4.6');
  });

  test(`${name}: streamText`, async () => {
    const kinds = new Set<string>();
    const result = streamText({
      model,
      prompt: 'demo: think Deep thoughts.\ndemo: say Grüße, 世界 👋',
      maxRetries: 0,
    });
    for await (const { type } of result.fullStream) kinds.add(type);
    assert.equal(await result.text, 'Grüße, 世界 👋');
    assert.equal(await result.reasoningText, 'Deep thoughts.');
    assert.equal(await result.finishReason, 'stop');
    const usage = await result.usage;
    assert.ok((usage.inputTokens ?? 0) > 0);
    assert.ok((usage.outputTokens ?? 0) > 0);
    for (const kind of ['reasoning-delta', 'text-delta', 'finish'])
      assert.ok(kinds.has(kind), kind);
    await quiet(rig);
  });

  test(`${name}: a tool loop by generateText`, async () => {
    const { text, steps } = await generateText({
      model,
      prompt: SCRIPT,
      tools: { weather },
      providerOptions,
      stopWhen: stepCountIs(4),
      maxRetries: 0,
    });
    assert.equal(steps.length, 2);
    assert.deepEqual(
      steps[0]?.toolCalls.map(({ input }) => input),
      [{ city: 'Zürich' }, { city: 'Bern', days: 2 }],
    );
    assert.match(text, /weather: rain in Zürich[\s\S]*weather: rain in Bern/);
    assert.equal(steps[0]?.finishReason, 'tool-calls');
  });

  test(`${name}: a tool loop by streamText`, async () => {
    const result = streamText({
      model,
      prompt: SCRIPT,
      tools: { weather },
      providerOptions,
      stopWhen: stepCountIs(4),
      maxRetries: 0,
    });
    await result.consumeStream();
    assert.equal((await result.steps).length, 2);
    assert.match(await result.text, /weather: rain in Zürich[\s\S]*weather: rain in Bern/);
    await quiet(rig);
  });

  test(`${name}: a length that is reached`, async () => {
    const { finishReason } = await generateText({
      model,
      prompt: 'demo: tokens 90',
      maxOutputTokens: 40,
      maxRetries: 0,
    });
    assert.equal(finishReason, 'length');
  });

  test(`${name}: an unknown model is an APICallError that is not repeated`, async () => {
    const asked = generateText({ model: modelOf(rig.url, 'no-such-model'), prompt: 'hello' });
    await assert.rejects(asked, (thrown) => {
      assert.ok(APICallError.isInstance(thrown));
      assert.equal(thrown.statusCode, 404);
      assert.equal(thrown.isRetryable, false);
      assert.match(thrown.message, /No provider found for model "no-such-model"/);
      return true;
    });
  });
}

test('anthropic: an object by a schema', async () => {
  const [rig] = RIGS;
  assert.ok(rig);
  const { object } = await generateObject({
    model: anthropicAt('/anthropic')(rig.url),
    schema: jsonSchema<{ city: string }>({
      type: 'object',
      properties: { city: { type: 'string' } },
      required: ['city'],
      additionalProperties: false,
    }),
    prompt: 'Which city?',
    maxRetries: 0,
  });
  assert.equal(typeof object.city, 'string');
});

/** An answer that would take minutes. */
const ENDLESS: RigOptions = { simulator: { tokensPerSecond: 100 } };

describe('breaks', { concurrency: 8 }, () => {
  for (const { name, modelOf } of CLIENTS) {
    test(`${name}: an abort closes the upstream connection`, async () => {
      const rig = await direct('cerebras', ENDLESS);
      const controller = new AbortController();
      const result = streamText({
        model: modelOf(rig.url),
        prompt: 'demo: tokens 9000',
        maxRetries: 0,
        abortSignal: controller.signal,
      });
      const kinds: string[] = [];
      for await (const { type } of result.fullStream) {
        kinds.push(type);
        if (type === 'text-delta' || type === 'reasoning-delta') controller.abort();
      }
      assert.equal(kinds.at(-1), 'abort');
      await quiet(rig);
      assert.equal(rig.simulator.log()[0]?.outcome, 'gone');
    });

    test(`${name}: a stream that breaks tells an error part`, async () => {
      const rig = await direct('cerebras');
      rig.simulator.fault('midstream:9');
      const errors: unknown[] = [];
      const result = streamText({
        model: modelOf(rig.url),
        prompt: 'hello',
        maxRetries: 0,
        onError: ({ error }) => {
          errors.push(error);
        },
      });
      const kinds: string[] = [];
      for await (const { type } of result.fullStream) kinds.push(type);
      assert.ok(kinds.includes('error'));
      assert.match(JSON.stringify(errors), /broke off/);
      await quiet(rig);
    });

    test(`${name}: its own repeats obey retry-after`, async () => {
      const rig = await direct('cerebras');
      rig.simulator.fault('429:1');
      const { text } = await generateText({
        model: modelOf(rig.url),
        prompt: 'hello',
        maxRetries: 1,
      });
      assert.match(text, /You said/);
      assert.equal(rig.simulator.stats().requests, 2);
    });
  }
});
