/** Are embeddings small, stable, and in the form that was asked for? */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ask, started } from './ask.ts';

interface Embeddings {
  data: { index: number; embedding: number[] | string }[];
  usage: { prompt_tokens: number };
}

for (const { name, input, count } of [
  { name: 'one text', input: 'a', count: 1 },
  { name: 'several', input: ['a', 'b'], count: 2 },
  { name: 'tokens', input: [1, 2, 3], count: 1 },
]) {
  test(`embeddings of ${name}`, async (t) => {
    const simulator = await started(t, { tokensPerMinute: 1_000 });
    const body = { model: 'embedding-3', input };
    const path = '/embeddings';
    const answered = await ask(simulator, body, { path });
    assert.equal(answered.status, 200, 'no output is reserved');
    const { data, usage } = JSON.parse(answered.text) as Embeddings;
    assert.deepEqual(
      data.map(({ index, embedding }) => [index, embedding.length]),
      Array.from({ length: count }, (_, index) => [index, 8]),
    );
    assert.ok(usage.prompt_tokens > 0);
    const packed = await ask(simulator, { ...body, encoding_format: 'base64' }, { path });
    const [first] = (JSON.parse(packed.text) as Embeddings).data;
    const bytes = Buffer.from(String(first?.embedding), 'base64');
    const floats = Array.from({ length: 8 }, (_, at) => bytes.readFloatLE(at * 4));
    assert.deepEqual(floats, data[0]?.embedding);
  });
}

test('a model that is none', async (t) => {
  const simulator = await started(t);
  const { status } = await ask(simulator, { model: 'x', input: 'a' }, { path: '/embeddings' });
  assert.equal(status, 404);
});
