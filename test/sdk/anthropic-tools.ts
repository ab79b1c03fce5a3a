/** Do tool loops of Anthropic clients come to their end? */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type Anthropic from '@anthropic-ai/sdk';
import { type AnthropicSdk, clientOf, only, SDKS, saying } from './anthropic-sdks.ts';
import { allRigs, lastBody, type Rig } from './rigs.ts';

const RIGS = await allRigs();
const CASES = SDKS.flatMap((sdk) =>
  RIGS.map((rig) => ({ sdk, rig, name: `${sdk.name} ${rig.name}` })),
);

const TOOLS: Anthropic.Tool[] = [
  {
    name: 'Weather',
    description: 'The weather of a city',
    input_schema: {
      type: 'object',
      properties: { city: { type: 'string', minLength: 1 }, days: { type: 'integer' } },
      required: ['city'],
    },
  },
  { name: 'Now', input_schema: { type: 'object', properties: {} } },
];
/** MCP names are longer than providers allow (WIRE.md §G). */
const LONG_NAME = `mcp__${'a-very-long-server-name-'.repeat(3)}__look_up`;

const ARGUMENTS = { city: 'Zürich "HB" \\ 世界', days: 3, nested: { list: [1, 2.5, null, true] } };
const TWO_CALLS = `demo: tool Weather ${JSON.stringify(ARGUMENTS)}\ndemo: tool Now {}`;

type Turn = (params: Anthropic.MessageCreateParamsNonStreaming) => Promise<Anthropic.Message>;

function turns(sdk: AnthropicSdk, rig: Rig): readonly { how: string; turn: Turn }[] {
  const { messages } = clientOf(sdk, rig);
  return [
    { how: 'JSON', turn: (params) => messages.create(params) },
    { how: 'stream', turn: (params) => messages.stream(params).finalMessage() },
  ];
}

const resultOf = ({ id, name }: Anthropic.ToolUseBlock): Anthropic.ToolResultBlockParam => ({
  type: 'tool_result',
  tool_use_id: id,
  content: name === 'Now' ? [{ type: 'text', text: 'noon' }] : 'sunny',
});

for (const { name, sdk, rig } of CASES) {
  for (const { how, turn } of turns(sdk, rig)) {
    test(`${name} ${how}: a tool loop with parallel calls, thinking sent back`, async () => {
      const params = { ...saying(TWO_CALLS), tools: TOOLS };
      const asked = await turn(params);
      assert.equal(asked.stop_reason, 'tool_use');
      const calls = only(asked.content, 'tool_use');
      assert.deepEqual(
        calls.map((call) => [call.name, call.input]),
        [
          ['Weather', ARGUMENTS],
          ['Now', {}],
        ],
      );
      assert.equal(new Set(calls.map(({ id }) => id)).size, 2);
      for (const { id } of calls) assert.match(id, /^[a-zA-Z0-9_-]+$/);
      const answered = await turn({
        ...params,
        messages: [
          ...params.messages,
          { role: 'assistant', content: asked.content },
          { role: 'user', content: calls.toReversed().map(resultOf) },
        ],
      });
      assert.equal(answered.stop_reason, 'end_turn');
      const text = only(answered.content, 'text')[0]?.text ?? '';
      assert.match(text, /2 tool results came back/);
      assert.match(text, /Weather: sunny/);
      assert.match(text, /Now: noon/);
      const thinking = only(asked.content, 'thinking')[0]?.thinking ?? '';
      assert.notEqual(thinking, '');
      // A near proxy takes out what it knows to be no signature of the real API's (WIRE.md §B.7).
      const kept = !rig.name.startsWith('anthropic');
      assert.equal(JSON.stringify(lastBody(rig).messages).includes(thinking), kept);
    });

    test(`${name} ${how}: a forced tool`, async () => {
      const message = await turn({
        ...saying('How is it there?'),
        tools: TOOLS,
        tool_choice: { type: 'tool', name: 'Weather' },
      });
      const calls = only(message.content, 'tool_use');
      // Zhipu takes no choice but auto: there the wish goes in words, and this model reads none.
      const worded = rig.name === 'zhipu';
      assert.deepEqual(
        calls.map((call) => call.name),
        worded ? [] : ['Weather'],
      );
      if (worded) assert.match(JSON.stringify(lastBody(rig).messages), /Weather/);
    });

    test(`${name} ${how}: a name longer than the provider takes comes back whole`, async () => {
      const tool = { ...TOOLS[0], name: LONG_NAME } as Anthropic.Tool;
      const choice = { type: 'any' } as const;
      const params = { ...saying('Look it up.'), tools: [tool], tool_choice: choice };
      const message = await turn(params);
      const [sent] = lastBody(rig).tools as { function: { name: string } }[];
      assert.ok((sent?.function.name.length ?? 99) <= 64);
      if (rig.name === 'zhipu') return;
      const [call] = only(message.content, 'tool_use');
      assert.equal(call?.name, LONG_NAME);
    });
  }

  test(`${name}: the helper's inputJson event sees the arguments grow`, async () => {
    const pieces: string[] = [];
    let snapshot: unknown;
    const stream = clientOf(sdk, rig).messages.stream({ ...saying(TWO_CALLS), tools: TOOLS });
    stream.on('inputJson', (piece, partial) => {
      pieces.push(piece);
      if (pieces.join('').startsWith('{"city"') && snapshot === undefined) snapshot = partial;
    });
    await stream.done();
    assert.ok(pieces.join('').startsWith(JSON.stringify(ARGUMENTS)));
    assert.equal(typeof snapshot, 'object');
  });

  for (const stream of [false, true]) {
    test(`${name}: the tool runner runs a loop, stream: ${stream}`, async () => {
      const seen: unknown[] = [];
      const weather = {
        ...TOOLS[0],
        type: 'custom',
        run: (input: unknown) => {
          seen.push(input);
          return 'rain';
        },
        parse: (input: unknown) => input,
      };
      const runner = clientOf(sdk, rig).beta.messages.toolRunner({
        ...saying('demo: tool Weather {"city":"Bern"}'),
        tools: [weather as never],
        stream,
        max_iterations: 4,
      });
      const last = await runner.runUntilDone();
      assert.deepEqual(seen, [{ city: 'Bern' }]);
      assert.match(JSON.stringify(last.content), /Weather: rain/);
    });
  }
}

test('1.12: a message thread is refused where its earlier turns would be lost', async () => {
  const [sdk] = SDKS;
  const [rig] = RIGS;
  if (sdk === undefined || rig === undefined) throw new Error('none');
  const { model, max_tokens, messages } = saying('hello');
  const thread = clientOf(sdk, rig).beta.messages.thread({ model, max_tokens });
  await assert.rejects(thread.send(messages), sdk.Anthropic.BadRequestError);
  const lenient = clientOf(sdk, rig).beta.messages.thread({
    model,
    max_tokens,
    unsupportedRequestBehavior: 'continue_unthreaded',
  });
  await lenient.send(messages);
  await lenient.send({ role: 'user', content: 'and now?' });
  assert.deepEqual(
    (lastBody(rig).messages as { role: string }[]).map(({ role }) => role),
    ['system', 'user', 'assistant', 'user'],
  );
});
