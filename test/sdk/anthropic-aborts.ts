/** What is left of a request when an Anthropic client goes away? */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type Anthropic from '@anthropic-ai/sdk';
import { until } from '../support/upstream.ts';
import { type AnthropicSdk, clientOf, SDKS, saying } from './anthropic-sdks.ts';
import { chained, direct, quiet, type Rig, type RigOptions } from './rigs.ts';

/** An answer that would take minutes. */
const ENDLESS: RigOptions = {
  simulator: { tokensPerSecond: 100 },
  key: 'max_concurrent: 1',
  maxWait: '20s',
};
const SILENT: RigOptions = { ...ENDLESS, simulator: { firstTokenMs: 60_000 } };
const LONG = { ...saying('demo: tokens 9000'), max_tokens: 9_000 };

const MAKERS: readonly (readonly [string, (options: RigOptions) => Promise<Rig>])[] = [
  ['cerebras', (options) => direct('cerebras', options)],
  ['cerebras by fetch', (options) => direct('cerebras', { ...options, transport: 'fetch' })],
  ['zhipu', (options) => direct('zhipu', options)],
  ['anthropic', (options) => chained('', options)],
];

const outcomes = ({ simulator }: Rig): string[] => simulator.log().map(({ outcome }) => outcome);
const busy = ({ simulator }: Rig): Promise<void> => until(() => simulator.stats().inFlight > 0);

/** Ways to leave a stream after its first text, or one that is waited for. */
const LEAVINGS: readonly {
  readonly name: string;
  readonly options: RigOptions;
  readonly leave: (client: Anthropic, rig: Rig, sdk: AnthropicSdk) => Promise<void>;
}[] = [
  {
    name: 'break out of the loop',
    options: ENDLESS,
    async leave(client) {
      const stream = await client.messages.create({ ...LONG, stream: true });
      for await (const { type } of stream) if (type === 'content_block_delta') break;
    },
  },
  {
    name: 'controller.abort() of the stream',
    options: ENDLESS,
    async leave(client) {
      const stream = await client.messages.create({ ...LONG, stream: true });
      for await (const { type } of stream) {
        if (type === 'content_block_delta') stream.controller.abort();
      }
    },
  },
  {
    name: 'abort() of the helper',
    options: ENDLESS,
    async leave(client, _rig, { Anthropic }) {
      const stream = client.messages.stream(LONG);
      stream.once('text', () => stream.abort());
      stream.once('thinking', () => stream.abort());
      await assert.rejects(stream.finalMessage(), Anthropic.APIUserAbortError);
    },
  },
  {
    name: 'a signal before the first byte of a stream',
    options: SILENT,
    async leave(client, rig, { Anthropic }) {
      const controller = new AbortController();
      const { signal } = controller;
      const asked = client.messages.stream(LONG, { signal }).finalMessage();
      const rejected = assert.rejects(asked, Anthropic.APIUserAbortError);
      await busy(rig);
      controller.abort();
      await rejected;
    },
  },
  {
    name: 'a signal before a JSON answer',
    options: SILENT,
    async leave(client, rig, { Anthropic }) {
      const controller = new AbortController();
      const { signal } = controller;
      const asked = client.messages.create(LONG, { signal });
      const rejected = assert.rejects(asked, Anthropic.APIUserAbortError);
      await busy(rig);
      controller.abort();
      await rejected;
    },
  },
];

// Side by side: each has a proxy of its own, and waiting for a closed socket takes no time of ours.
describe('aborts', { concurrency: 8 }, () => {
  for (const sdk of SDKS) {
    for (const [way, make] of MAKERS) {
      for (const { name, options, leave } of LEAVINGS) {
        test(`${sdk.name} ${way}: ${name} closes the upstream connection`, async () => {
          const rig = await make(options);
          await leave(clientOf(sdk, rig), rig, sdk);
          await quiet(rig);
          assert.deepEqual(outcomes(rig), ['gone']);
          for (const { log } of rig.proxies) {
            assert.ok(log.some(({ msg, status }) => msg === 'request' && status === 499));
          }
        });
      }

      test(`${sdk.name} ${way}: who leaves the queue is never sent, the next is`, async () => {
        const rig = await make(ENDLESS);
        const client = clientOf(sdk, rig);
        const first = await client.messages.create({ ...LONG, stream: true });
        await busy(rig);
        const controller = new AbortController();
        const second = client.messages.create(saying('two'), { signal: controller.signal });
        const left = assert.rejects(second, sdk.Anthropic.APIUserAbortError);
        const third = client.messages.create({ ...saying('demo: tokens 2'), max_tokens: 50 });
        await until(() => rig.proxies.some(({ gateway }) => gateway.waiting.depth === 2));
        controller.abort();
        await left;
        first.controller.abort();
        assert.equal((await third).type, 'message');
        await quiet(rig);
        assert.deepEqual(outcomes(rig), ['gone', 'done']);
      });
    }
  }
});
