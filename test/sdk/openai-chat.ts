/** What does an OpenAI client get? */
import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import { test } from 'node:test';
import OpenAI from 'openai';
import { oneProvider, startProxy } from '../support/proxy.ts';
import { listening } from '../support/raw-server.ts';
import { clientOf, saying } from './openai-sdk.ts';
import { direct, lastBody, quiet, type Rig } from './rigs.ts';

const RIGS = await Promise.all([direct('cerebras'), direct('zhipu')]);
const [CEREBRAS] = RIGS;

const WEATHER = {
  type: 'function' as const,
  function: {
    name: 'Weather',
    description: 'The weather of a city',
    parameters: {
      type: 'object' as const,
      properties: { city: { type: 'string' as const } },
      required: ['city'],
    },
  },
};

for (const path of ['/openai', '/openai/', '/openai/v1', '/openai/v1/']) {
  test(`base URL ${path}`, async () => {
    const client = new OpenAI({ apiKey: 'x', baseURL: CEREBRAS.url + path, maxRetries: 0 });
    const answer = await client.chat.completions.create(saying('hello'));
    assert.equal(answer.object, 'chat.completion');
    assert.ok((await client.models.list()).data.length > 0);
  });
}

test('models are listed and found one by one', async () => {
  const client = clientOf(CEREBRAS);
  const ids: string[] = [];
  for await (const { id, object } of client.models.list()) {
    assert.equal(object, 'model');
    ids.push(id);
  }
  assert.deepEqual(ids, ['glm-4.6', 'glm-4.5-air', 'qwen-3.8-27b', 'embed']);
  const one = await client.models.retrieve('glm-4.6');
  assert.deepEqual([one.id, one.object, one.owned_by], ['glm-4.6', 'model', 'upstream']);
  await assert.rejects(client.models.retrieve('no-such-model'), OpenAI.NotFoundError);
});

for (const rig of RIGS) {
  const client = clientOf(rig);

  test(`${rig.name}: a chat completion`, async () => {
    const { data, response, request_id } = await client.chat.completions
      .create({ ...saying('hello'), temperature: 0.5 })
      .withResponse();
    assert.equal(data.model, 'glm-4.6');
    assert.equal(data.choices[0]?.finish_reason, 'stop');
    assert.match(data.choices[0]?.message.content ?? '', /You said: "hello"/);
    assert.ok((data.usage?.prompt_tokens ?? 0) > 0);
    assert.match(request_id ?? '', /^req_/);
    assert.equal(response.headers.get('x-cooldown-provider'), 'upstream');
    assert.equal(response.headers.get('x-cooldown-key'), 'one');
    assert.equal(lastBody(rig).temperature, 0.5);
  });

  test(`${rig.name}: a mapped name is echoed, in JSON and in every chunk`, async () => {
    const model = 'claude-haiku-4-5';
    const { model: told } = await client.chat.completions.create({ ...saying('hello'), model });
    assert.equal(told, model);
    const stream = await client.chat.completions.create({
      ...saying('hello'),
      model,
      stream: true,
    });
    for await (const chunk of stream) assert.equal(chunk.model, model);
    assert.equal(rig.simulator.log().at(-1)?.model, 'glm-4.5-air');
  });

  for (const asked of [true, false]) {
    test(`${rig.name}: a stream, usage ${asked ? '' : 'not '}asked for`, async () => {
      const stream = await client.chat.completions.create({
        ...saying('hello'),
        stream: true,
        ...(asked ? { stream_options: { include_usage: true } } : {}),
      });
      let text = '';
      let finish = '';
      let told = 0;
      for await (const { choices, usage } of stream) {
        text += choices[0]?.delta.content ?? '';
        finish = choices[0]?.finish_reason ?? finish;
        told = usage?.prompt_tokens ?? told;
      }
      assert.match(text, /You said: "hello"/);
      assert.equal(finish, 'stop');
      if (asked) assert.ok(told > 0);
      assert.deepEqual(lastBody(rig).stream_options, { include_usage: true });
      await quiet(rig);
      assert.ok((rig.proxies[0]?.log.at(-1)?.input_tokens as number) > 0, 'booked in any case');
    });
  }

  test(`${rig.name}: the helper accumulates what comes without streaming`, async () => {
    const whole = await client.chat.completions.create(saying('demo: say Grüße, 世界 👋'));
    const stream = client.chat.completions.stream({ ...saying('demo: say Grüße, 世界 👋') });
    const final = await stream.finalChatCompletion();
    assert.equal(final.choices[0]?.message.content, 'Grüße, 世界 👋');
    assert.equal(final.choices[0]?.message.content, whole.choices[0]?.message.content);
    assert.equal(final.model, whole.model);
  });

  for (const stream of [false, true]) {
    test(`${rig.name}: parallel tool calls, stream: ${stream}`, async () => {
      const prompt = 'demo: tool Weather {"city":"Zürich"}\ndemo: tool Weather {"city":"Bern"}';
      const params = { ...saying(prompt), tools: [WEATHER] };
      const message = stream
        ? await client.chat.completions.stream({ ...params, stream: true }).finalMessage()
        : (await client.chat.completions.create(params)).choices[0]?.message;
      const calls = message?.tool_calls?.map((call) =>
        call.type === 'function' ? [call.function.name, JSON.parse(call.function.arguments)] : [],
      );
      assert.deepEqual(calls, [
        ['Weather', { city: 'Zürich' }],
        ['Weather', { city: 'Bern' }],
      ]);
    });

    test(`${rig.name}: runTools runs a loop, stream: ${stream}`, async () => {
      assert.match(await runLoop(rig, stream), /Weather: rain in Bern/);
    });
  }

  test(`${rig.name}: max tokens and stop`, async () => {
    const limit = rig.name === 'zhipu' ? { max_tokens: 12 } : { max_completion_tokens: 12 };
    const cut = await client.chat.completions.create({ ...saying('demo: tokens 90'), ...limit });
    assert.equal(cut.choices[0]?.finish_reason, 'length');
    assert.equal(cut.usage?.completion_tokens, 12);
    const stopped = await client.chat.completions.create({
      ...saying('demo: say alpha STOP omega'),
      stop: ['STOP'],
    });
    assert.equal(stopped.choices[0]?.message.content, 'alpha ');
  });

  test(`${rig.name}: embeddings, as floats and as the base64 that the SDK asks for`, async () => {
    const model = 'embed';
    const packed = await client.embeddings.create({ model, input: ['one', 'two'] });
    const plain = await client.embeddings.create({
      model,
      input: ['one', 'two'],
      encoding_format: 'float',
    });
    assert.equal(packed.data.length, 2);
    assert.ok((packed.data[0]?.embedding.length ?? 0) > 1);
    assert.deepEqual(
      packed.data.map(({ embedding }) => embedding),
      plain.data.map(({ embedding }) => embedding),
    );
    assert.equal(packed.model, model);
  });
}

async function runLoop(rig: Rig, stream: boolean): Promise<string> {
  const tool = {
    ...WEATHER,
    function: {
      ...WEATHER.function,
      parse: (text: string): { city: string } => JSON.parse(text),
      function: ({ city }: { city: string }) => `rain in ${city}`,
    },
  };
  const params = { ...saying('demo: tool Weather {"city":"Bern"}'), tools: [tool] };
  const { completions } = clientOf(rig).chat;
  const runner = stream
    ? completions.runTools({ ...params, stream: true })
    : completions.runTools(params);
  return (await runner.finalContent()) ?? '';
}

test('a usage chunk of its own reaches only the client that asked for it', async () => {
  const bodies: string[] = [];
  const server = createServer((request, response) => {
    request.on('data', (bytes: Buffer) => bodies.push(bytes.toString()));
    request.on('end', () => {
      const head = { id: 'c', object: 'chat.completion.chunk', model: 'm' };
      const chunk = (rest: object): string => `data: ${JSON.stringify({ ...head, ...rest })}\n\n`;
      response.writeHead(200, { 'content-type': 'text/event-stream' });
      response.write(chunk({ choices: [{ index: 0, delta: { content: 'Hi' } }] }));
      response.write(chunk({ choices: [{ index: 0, delta: {}, finish_reason: 'stop' }] }));
      const usage = { prompt_tokens: 7, completion_tokens: 1, total_tokens: 8 };
      response.end(`${chunk({ choices: [], usage })}data: [DONE]\n\n`);
    });
  });
  const upstream = await listening(server);
  const proxy = await startProxy(oneProvider(`http://127.0.0.1:${upstream.port}/v1`));
  try {
    for (const asked of [true, false]) {
      const stream = await clientOf(proxy).chat.completions.create({
        ...saying('hello'),
        stream: true,
        stream_options: { include_usage: asked },
      });
      const told: (number | undefined)[] = [];
      for await (const { choices, usage } of stream) {
        if (choices.length === 0) told.push(usage?.prompt_tokens);
      }
      assert.deepEqual(told, asked ? [7] : []);
      assert.match(bodies.at(-1) ?? '', /"include_usage": ?true/);
    }
  } finally {
    await proxy.close();
    await upstream.close();
  }
});
