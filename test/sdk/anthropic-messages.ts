/** What does an Anthropic client get that does not stream? */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { zodOutputFormat } from '@anthropic-ai/sdk/helpers/zod';
import { z } from 'zod';
import { clientOf, only, SDKS, saying } from './anthropic-sdks.ts';
import { allRigs, lastBody } from './rigs.ts';

const RIGS = await allRigs();
const [CEREBRAS, ZHIPU] = RIGS;
const [NEWEST] = SDKS;
if (CEREBRAS === undefined || ZHIPU === undefined || NEWEST === undefined) throw new Error('none');
const CASES = SDKS.flatMap((sdk) =>
  RIGS.map((rig) => ({ sdk, rig, name: `${sdk.name} ${rig.name}` })),
);

/** One pixel. */
const PNG = [
  'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR4',
  '2mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==',
].join('');

for (const sdk of SDKS) {
  for (const path of ['/anthropic', '/anthropic/']) {
    test(`${sdk.name}: base URL ${path}`, async () => {
      const client = new sdk.Anthropic({
        apiKey: 'x',
        baseURL: CEREBRAS.url + path,
        maxRetries: 0,
      });
      const message = await client.messages.create(saying('hello'));
      assert.equal(message.type, 'message');
    });
  }

  test(`${sdk.name}: a base URL with /v1 becomes /v1/v1, which is told as not found`, async () => {
    const baseURL = `${CEREBRAS.url}/anthropic/v1`;
    const client = new sdk.Anthropic({ apiKey: 'x', baseURL, maxRetries: 0 });
    await assert.rejects(client.messages.create(saying('hello')), (error) => {
      assert.ok(error instanceof sdk.Anthropic.NotFoundError);
      assert.match(error.message, /\/anthropic\/v1\/v1\/messages/);
      return true;
    });
  });

  test(`${sdk.name}: models are listed page by page and found one by one`, async () => {
    const client = clientOf(sdk, CEREBRAS);
    const ids: string[] = [];
    for await (const model of client.models.list({ limit: 2 })) ids.push(model.id);
    assert.deepEqual(ids, [...new Set(ids)], 'no id twice');
    for (const id of ['glm-4.6', 'glm-4.5-air', 'claude-sonnet']) assert.ok(ids.includes(id), id);
    const one = await client.models.retrieve('glm-4.6');
    assert.equal(one.id, 'glm-4.6');
    assert.equal(one.type, 'model');
    assert.ok(Date.parse(one.created_at) > 0);
    const missing = client.models.retrieve('no-such-model');
    await assert.rejects(missing, sdk.Anthropic.NotFoundError);
  });

  test(`${sdk.name}: the beta namespace, with its query and headers`, async () => {
    const message = await clientOf(sdk, CEREBRAS).beta.messages.create({
      ...saying('hello'),
      betas: ['interleaved-thinking-2025-05-14', 'something-new-2027-01-01'],
    });
    assert.equal(message.stop_reason, 'end_turn');
  });
}

for (const { name, sdk, rig } of CASES) {
  test(`${name}: a message`, async () => {
    const { data, response, request_id } = await clientOf(sdk, rig)
      .messages.create(saying('hello'))
      .withResponse();
    assert.match(data.id, /^msg_[A-Za-z0-9]+$/);
    assert.equal(data.role, 'assistant');
    assert.equal(data.model, 'glm-4.6');
    assert.equal(data.stop_reason, 'end_turn');
    assert.equal(data.stop_sequence, null);
    assert.match(only(data.content, 'text')[0]?.text ?? '', /You said: "hello"/);
    const [thinking] = only(data.content, 'thinking');
    assert.match(thinking?.thinking ?? '', /no script/);
    assert.notEqual(thinking?.signature, '');
    assert.ok(data.usage.input_tokens > 0);
    assert.ok(data.usage.output_tokens > 0);
    assert.match(request_id ?? '', /^req_/);
    assert.equal(response.headers.get('x-cooldown-model'), 'glm-4.6');
    assert.equal(response.headers.get('x-cooldown-attempts'), '1');
  });

  test(`${name}: a claude name is mapped by its tier, and echoed`, async () => {
    const message = await clientOf(sdk, rig).messages.create({
      ...saying('hello'),
      model: 'claude-haiku-4-5-20251001',
    });
    assert.equal(message.model, 'claude-haiku-4-5-20251001');
    assert.equal(rig.simulator.log().at(-1)?.model, 'glm-4.5-air');
  });

  test(`${name}: system blocks reach the model as one system message`, async () => {
    await clientOf(sdk, rig).messages.create({
      ...saying('hello'),
      system: [
        { type: 'text', text: 'Answer in Latin.', cache_control: { type: 'ephemeral' } },
        { type: 'text', text: 'Be brief.' },
      ],
    });
    const { messages } = lastBody(rig);
    const [first, ...others] = messages as { role: string; content: string }[];
    assert.equal(first?.role, 'system');
    assert.match(first?.content ?? '', /Answer in Latin\.[\s\S]*Be brief\./);
    assert.ok(others.every(({ role }) => role !== 'system'));
  });

  test(`${name}: a picture is seen by a model that can see`, async () => {
    const message = await clientOf(sdk, rig).messages.create({
      model: rig.visionModel,
      max_tokens: 500,
      messages: [
        {
          role: 'user',
          content: [
            { type: 'text', text: 'What is this?' },
            { type: 'image', source: { type: 'base64', media_type: 'image/png', data: PNG } },
          ],
        },
      ],
    });
    assert.equal(message.stop_reason, 'end_turn');
    assert.ok(JSON.stringify(lastBody(rig).messages).includes(`data:image/png;base64,${PNG}`));
  });

  test(`${name}: a picture for a model without eyes becomes a word, not an error`, async () => {
    const image = {
      type: 'image',
      source: { type: 'url', url: 'https://a.example/b.png' },
    } as const;
    const message = await clientOf(sdk, rig).messages.create({
      model: 'glm-4.6',
      max_tokens: 500,
      messages: [{ role: 'user', content: [image, { type: 'text', text: 'What is this?' }] }],
    });
    assert.match(only(message.content, 'text')[0]?.text ?? '', /What is this\?/);
    assert.equal(JSON.stringify(lastBody(rig).messages).includes('image_url'), false);
  });

  test(`${name}: a stop sequence ends the text and is named`, async () => {
    const message = await clientOf(sdk, rig).messages.create({
      ...saying('demo: say alpha beta STOP-A gamma STOP-B delta'),
      stop_sequences: ['STOP-B', 'STOP-A'],
    });
    assert.equal(only(message.content, 'text')[0]?.text, 'alpha beta ');
    assert.equal(message.stop_reason, 'stop_sequence');
    assert.equal(message.stop_sequence, 'STOP-A');
  });

  test(`${name}: max_tokens ends the answer`, async () => {
    const message = await clientOf(sdk, rig).messages.create({
      ...saying('demo: tokens 90'),
      max_tokens: 40,
    });
    assert.equal(message.stop_reason, 'max_tokens');
    assert.equal(message.usage.output_tokens, 40);
  });

  test(`${name}: a prefilled answer and plain string system`, async () => {
    const message = await clientOf(sdk, rig).messages.create({
      model: 'glm-4.6',
      max_tokens: 500,
      system: 'You are terse.',
      messages: [
        { role: 'user', content: 'demo: say a title' },
        { role: 'assistant', content: '{' },
      ],
    });
    assert.equal(message.role, 'assistant');
  });

  test(`${name}: counting tokens asks nobody`, async () => {
    const client = clientOf(sdk, rig);
    const before = rig.simulator.stats().requests;
    const { messages } = saying('How many tokens are in this sentence?');
    const few = await client.messages.countTokens({ model: 'glm-4.6', messages });
    const more = await client.messages.countTokens({
      model: 'claude-opus-4-5',
      messages,
      system: 'A system prompt makes it more.',
      tools: [{ name: 'Read', description: 'Reads a file', input_schema: { type: 'object' } }],
    });
    assert.ok(few.input_tokens > 0);
    assert.ok(more.input_tokens > few.input_tokens);
    assert.equal(rig.simulator.stats().requests, before);
  });
}

test('1.12: an answer parsed by a schema', async () => {
  const format = zodOutputFormat(z.object({ city: z.string(), count: z.number().int() }));
  const client = clientOf(NEWEST, CEREBRAS);
  const message = await client.messages.parse({
    ...saying('Which city?'),
    output_config: { format },
  });
  assert.equal(typeof message.parsed_output?.city, 'string');
  assert.equal(typeof message.parsed_output?.count, 'number');
});

test('1.12: a provider without schemas gets the schema in words', async () => {
  const schema = { type: 'object', properties: { city: { type: 'string' } } };
  const message = await clientOf(NEWEST, ZHIPU).messages.create({
    ...saying('Which city?'),
    output_config: { format: { type: 'json_schema', schema } },
  });
  assert.equal(typeof JSON.parse(only(message.content, 'text')[0]?.text ?? ''), 'object');
  const { response_format: format, messages } = lastBody(ZHIPU);
  assert.deepEqual(format, { type: 'json_object' });
  assert.match(JSON.stringify(messages), /city/);
});
