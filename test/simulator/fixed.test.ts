/** Are constant answers of the size that was ordered, with and without the fast path? */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fixedBodies } from '../../lib/simulator/fixed.ts';
import { ask, chat, frames, parsed, started, until } from './ask.ts';

for (const dialect of ['cerebras', 'zhipu'] as const) {
  for (const bytes of [600, 1_024, 100_000]) {
    test(`${dialect}: a JSON answer of ${bytes} bytes`, () => {
      const { json } = fixedBodies({ bytes }, dialect);
      assert.equal(json.length, bytes);
      assert.equal(JSON.parse(json.toString()).choices.length, 1);
    });
  }

  test(`${dialect}: so many content events`, () => {
    const { frames: all, stream } = fixedBodies({ events: 100 }, dialect);
    assert.equal(all.filter((frame) => frame.includes('"content":"word"')).length, 100);
    assert.equal(stream.toString(), all.join(''));
  });
}

test('an answer has a least size', () => {
  assert.throws(() => fixedBodies({ bytes: 10 }, 'cerebras'), RangeError);
});

for (const { name, options } of [
  { name: 'fast', options: {} },
  { name: 'limited', options: { requestsPerMinute: 100 } },
  { name: 'paced', options: { tokensPerSecond: 100_000 } },
]) {
  test(`fixed answers over HTTP: ${name}`, async (t) => {
    const simulator = await started(t, { fixed: { bytes: 2_000, events: 10 }, ...options });
    const json = await ask(simulator, chat('x'));
    assert.equal(Buffer.byteLength(json.text), 2_000);
    assert.equal(parsed(json).choices[0]?.finish_reason, 'stop');
    const stream = await ask(simulator, chat('x', { stream: true }));
    assert.equal(stream.headers['content-type'], 'text/event-stream; charset=utf-8');
    assert.equal(frames(stream.text).filter((frame) => frame !== '[DONE]').length, 12);
    await until(() => simulator.stats().inFlight === 0);
    const { requests, byStatus, inFlight } = simulator.stats();
    assert.deepEqual([requests, byStatus, inFlight], [2, { 200: 2 }, 0]);
  });
}

test('faults and unknown keys go before constant answers', async (t) => {
  const keys = [{ key: 'k' }];
  const simulator = await started(t, { fixed: {}, keys, faults: '500' });
  assert.equal((await ask(simulator, chat('x'), { key: 'k' })).status, 500);
  assert.equal((await ask(simulator, chat('x'), { key: 'k' })).status, 200);
  assert.equal((await ask(simulator, chat('x'), { key: 'z' })).status, 401);
});
