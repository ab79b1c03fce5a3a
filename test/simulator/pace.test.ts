/** Do streams keep their speed, respect a slow client, and end when nobody listens? */
import assert from 'node:assert/strict';
import { request } from 'node:http';
import { test } from 'node:test';
import type { Simulator } from '../../lib/simulator/types.ts';
import { ask, chat, frames, parsed, started, until } from './ask.ts';

/** Opens a stream; the response is not read until it is resumed. */
function opened(simulator: Simulator, body: unknown): Promise<import('node:http').IncomingMessage> {
  return new Promise((resolve, reject) => {
    const sent = request(`${simulator.url}/chat/completions`, { method: 'POST', agent: false });
    sent.on('error', reject);
    sent.on('response', (response) => {
      response.on('error', () => undefined);
      resolve(response);
    });
    sent.end(JSON.stringify(body));
  });
}

test('a paced stream takes its time, and says all', async (t) => {
  const simulator = await started(t, { tokensPerSecond: 200 });
  const startMs = performance.now();
  const { text } = await ask(simulator, chat('demo: tokens 21', { stream: true }));
  // A lower bound only: 20 tokens after the first one at 5 ms each.
  assert.ok(performance.now() - startMs >= 99);
  assert.equal(frames(text).at(-1), '[DONE]');
});

for (const stream of [true, false]) {
  test(`the first token waits, ${stream ? 'stream' : 'JSON'}`, async (t) => {
    const simulator = await started(t, { firstTokenMs: 30 });
    const startMs = performance.now();
    const { status, complete } = await ask(simulator, chat('hi', { stream }));
    assert.ok(performance.now() - startMs >= 29);
    assert.deepEqual([status, complete], [200, true]);
  });
}

test('a JSON answer takes as long as its tokens', async (t) => {
  const simulator = await started(t, { tokensPerSecond: 1_000 });
  const startMs = performance.now();
  const answered = await ask(simulator, chat('demo: tokens 50'));
  assert.ok(performance.now() - startMs >= 49);
  assert.equal(parsed(answered).usage.completion_tokens, 50);
});

test('many paced streams at once all come to their end', async (t) => {
  const simulator = await started(t, { tokensPerSecond: 500 });
  const body = chat('demo: tokens 20', { stream: true });
  const all = await Promise.all(Array.from({ length: 100 }, () => ask(simulator, body)));
  assert.ok(all.every(({ complete, text }) => complete && text.endsWith('data: [DONE]\n\n')));
  await until(() => simulator.stats().inFlight === 0);
});

test('a client that does not read stops the stream until it reads on', async (t) => {
  const simulator = await started(t, { outputTokens: 60_000 });
  const body = chat('hi', { stream: true, max_completion_tokens: 40_000 });
  const response = await opened(simulator, { ...body, model: 'gpt-oss-120b' });
  await until(() => simulator.log()[0]?.status === 200);
  for (let turn = 0; turn < 20; turn++) await new Promise((resolve) => setTimeout(resolve, 1));
  assert.equal(simulator.stats().accounts[0]?.running, 1, 'it stands, half sent');
  let bytes = 0;
  response.on('data', (chunk: Buffer) => {
    bytes += chunk.length;
  });
  await new Promise((resolve) => response.on('end', resolve));
  assert.ok(bytes > 5_000_000);
  assert.equal(simulator.log()[0]?.completionTokens, 40_000);
});

test('a client that leaves ends its stream, and only what was sent is counted', async (t) => {
  const simulator = await started(t, { tokensPerSecond: 20, outputTokens: 1_000 });
  const response = await opened(simulator, chat('hi', { stream: true }));
  await new Promise((resolve) => response.once('data', resolve));
  response.destroy();
  await until(() => simulator.log()[0]?.outcome === 'gone');
  const [entry] = simulator.log();
  assert.ok((entry?.completionTokens ?? 0) < 500, `${entry?.completionTokens} tokens`);
  assert.equal(simulator.stats().accounts[0]?.running, 0);
});

test('close ends running streams', async (t) => {
  const simulator = await started(t, { tokensPerSecond: 1, outputTokens: 1_000 });
  const asking = ask(simulator, chat('hi', { stream: true }));
  await until(() => simulator.log()[0]?.status === 200);
  await simulator.close();
  assert.equal((await asking).complete, false);
});
