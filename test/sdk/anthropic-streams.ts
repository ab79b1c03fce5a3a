/** What does an Anthropic client see of a stream? */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type Anthropic from '@anthropic-ai/sdk';
import { clientOf, only, SDKS, saying } from './anthropic-sdks.ts';
import { allRigs, quiet } from './rigs.ts';

type StreamEvent = Anthropic.RawMessageStreamEvent;

const RIGS = await allRigs();
const CASES = SDKS.flatMap((sdk) =>
  RIGS.map((rig) => ({ sdk, rig, name: `${sdk.name} ${rig.name}` })),
);

/** Order of a message stream (WIRE.md §A.4): one block at a time, indexes without a gap. */
function assertOrder(events: readonly StreamEvent[]): void {
  assert.equal(events[0]?.type, 'message_start');
  assert.equal(events.at(-1)?.type, 'message_stop');
  assert.equal(events.filter(({ type }) => type === 'message_start').length, 1);
  assert.equal(events.filter(({ type }) => type === 'message_stop').length, 1);
  let open = -1;
  let next = 0;
  for (const event of events) {
    if (event.type === 'content_block_start') {
      assert.equal(open, -1, 'a block starts inside another');
      assert.equal(event.index, next++);
      open = event.index;
    } else if (event.type === 'content_block_delta') assert.equal(event.index, open);
    else if (event.type === 'content_block_stop') {
      assert.equal(event.index, open);
      open = -1;
    } else if (event.type === 'message_delta') assert.equal(open, -1);
  }
  assert.equal(open, -1);
}

for (const { name, sdk, rig } of CASES) {
  test(`${name}: create with stream: true gives the events in order`, async () => {
    const stream = await clientOf(sdk, rig).messages.create({ ...saying('hello'), stream: true });
    const events: StreamEvent[] = [];
    for await (const event of stream) events.push(event);
    assertOrder(events);
    const [start] = events;
    assert.ok(start?.type === 'message_start');
    assert.equal(start.message.model, 'glm-4.6');
    assert.deepEqual(start.message.content, []);
    assert.ok(start.message.usage.input_tokens > 0, 'an estimate at the start');
    const delta = events.find((event) => event.type === 'message_delta');
    assert.equal(delta?.delta.stop_reason, 'end_turn');
    assert.ok((delta?.usage.output_tokens ?? 0) > 0);
    assert.ok((delta?.usage.input_tokens ?? 0) > 0, 'the true number at the end');
    await quiet(rig);
  });

  test(`${name}: the accumulated message is the one without streaming`, async () => {
    const client = clientOf(sdk, rig);
    const whole = await client.messages.create(saying('hello'));
    const { id, usage, ...streamed } = await client.messages.stream(saying('hello')).finalMessage();
    assert.match(id, /^msg_/);
    assert.ok(usage.input_tokens > 0);
    assert.equal(usage.output_tokens, whole.usage.output_tokens);
    for (const key of [
      'type',
      'role',
      'model',
      'stop_reason',
      'stop_sequence',
      'content',
    ] as const) {
      assert.deepEqual(streamed[key], whole[key], key);
    }
  });

  test(`${name}: the events of the helper: text, thinking, signature, blocks`, async () => {
    const heard = { text: '', thinking: '', signature: '', blocks: [] as string[] };
    const stream = clientOf(sdk, rig)
      .messages.stream(saying('demo: think Deep thoughts.\ndemo: say Grüße, 世界 👋'))
      .on('text', (delta) => {
        heard.text += delta;
      })
      .on('thinking', (delta) => {
        heard.thinking += delta;
      })
      .on('signature', (signature) => {
        heard.signature = signature;
      })
      .on('contentBlock', (block) => heard.blocks.push(block.type));
    assert.equal(await stream.finalText(), 'Grüße, 世界 👋');
    assert.equal(heard.text, 'Grüße, 世界 👋');
    assert.equal(heard.thinking, 'Deep thoughts.');
    assert.notEqual(heard.signature, '');
    assert.deepEqual(heard.blocks, ['thinking', 'text']);
    assert.match(stream.request_id ?? '', /^req_/);
  });

  test(`${name}: a stop sequence ends the stream and is named`, async () => {
    const message = await clientOf(sdk, rig)
      .messages.stream({
        ...saying('demo: say alpha beta STOP-A gamma STOP-B delta'),
        stop_sequences: ['STOP-B', 'STOP-A'],
      })
      .finalMessage();
    assert.equal(only(message.content, 'text')[0]?.text, 'alpha beta ');
    assert.equal(message.stop_reason, 'stop_sequence');
    assert.equal(message.stop_sequence, 'STOP-A');
    await quiet(rig);
  });

  test(`${name}: max_tokens ends the stream`, async () => {
    const message = await clientOf(sdk, rig)
      .messages.stream({ ...saying('demo: tokens 90'), max_tokens: 40 })
      .finalMessage();
    assert.equal(message.stop_reason, 'max_tokens');
    assert.equal(message.usage.output_tokens, 40);
  });

  test(`${name}: a long stream comes whole`, async () => {
    const message = await clientOf(sdk, rig)
      .messages.stream({ ...saying('demo: tokens 1500'), max_tokens: 2_000 })
      .finalMessage();
    assert.equal(message.usage.output_tokens, 1_500);
    assert.ok((only(message.content, 'text')[0]?.text.length ?? 0) > 4_500);
  });

  test(`${name}: an empty answer is tried again`, async () => {
    rig.simulator.fault('empty');
    const text = await clientOf(sdk, rig).messages.stream(saying('hello')).finalText();
    assert.match(text, /You said: "hello"/);
  });
}
