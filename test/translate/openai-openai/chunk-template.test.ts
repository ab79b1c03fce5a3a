/** Does a stream with a template say what a stream read in full would say? */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { scanObject } from '../../../lib/translate/json-splice.ts';
import { ChunkTemplate } from '../../../lib/translate/openai-openai/chunk-template.ts';
import { ChatPassthrough } from '../../../lib/translate/openai-openai/stream.ts';
import { pieces } from '../../support/golden.ts';

const frame = (text: string, more = '') =>
  Buffer.from(`data: {"model":"m","choices":[{"delta":{"content":"${text}"}}]${more}}\n\n`);

function learned(): ChunkTemplate {
  const template = new ChunkTemplate();
  const bytes = frame('first');
  template.learn(bytes, 0, bytes.length, scanObject(bytes, ['choices'], 6, bytes.length), []);
  return template;
}

for (const { name, bytes, fits } of [
  { name: 'another text', bytes: frame('second one'), fits: true },
  { name: 'no text', bytes: frame(''), fits: true },
  { name: 'escaped quotes', bytes: frame('\\"}}]\\\\\\"'), fits: true },
  { name: 'a backslash at the end', bytes: frame('x\\\\'), fits: true },
  { name: 'an escaped closing quote', bytes: frame('x\\'), fits: false },
  { name: 'a member behind', bytes: frame('x', ',"usage":{}'), fits: false },
  { name: 'a second text that ends alike', bytes: frame('x","refusal":"y'), fits: false },
  {
    name: 'another model',
    bytes: Buffer.from(frame('x').toString().replace('"m"', '"n"')),
    fits: false,
  },
  { name: 'shorter than the template', bytes: Buffer.from('data: {}\n\n'), fits: false },
]) {
  test(`template: ${name}`, () => {
    assert.equal(learned().match(bytes, 0, bytes.length) >= 0, fits);
  });
}

test('nothing is learned from two choices, two texts or an empty one', () => {
  for (const choices of [
    '[{"delta":{"content":"a"}},{"delta":{"content":"b"}}]',
    '[{"delta":{"content":"a","reasoning":"b"}}]',
    '[{"delta":{"content":""}}]',
    '[{"delta":{"content":null}}]',
    '[]',
  ]) {
    const bytes = Buffer.from(`data: {"choices":${choices}}\n\n`);
    const template = new ChunkTemplate();
    template.learn(bytes, 0, bytes.length, scanObject(bytes, ['choices'], 6, bytes.length), []);
    assert.equal(template.match(bytes, 0, bytes.length), -1);
  }
});

/** Numbers from 0 to 1 of a seed (a linear congruence: enough to mix kinds of chunks). */
function seeded(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 4_294_967_296;
  };
}

const TEXTS = [
  'a',
  ' "finish_reason":"stop"',
  '\\',
  '"',
  '"}}],"usage":{"prompt_tokens":1}',
  'é漢😀',
];

function randomChunk(random: () => number): Record<string, unknown> {
  const text = Array.from({ length: 1 + random() * 3 }, () => TEXTS[Math.floor(random() * 6)]).join(
    '',
  );
  const key = random() < 0.8 ? 'content' : 'reasoning_content';
  const model = { model: random() < 0.9 ? 'up' : 'other' };
  const choices = { choices: [{ index: 0, delta: { [key]: text }, finish_reason: null }] };
  const order = random() < 0.9 ? { ...model, ...choices } : { ...choices, ...model };
  return random() < 0.9 ? order : { ...order, obfuscation: String(random()) };
}

const SEED = 7;

test(`random streams, seed ${SEED}: only the model changes`, () => {
  const random = seeded(SEED);
  for (let round = 0; round < 200; round++) {
    const chunks = Array.from({ length: 30 }, () => randomChunk(random));
    const text = chunks.map((chunk) => `data: ${JSON.stringify(chunk)}\n\n`).join('');
    const wanted = chunks.map(
      (chunk) => `data: ${JSON.stringify({ ...chunk, model: 'asked' })}\n\n`,
    );
    const stream = new ChatPassthrough({
      askedModel: 'asked',
      stripUsage: true,
      estimatedInputTokens: 1,
    });
    const size = 1 + Math.floor(random() * text.length);
    const out = pieces(Buffer.from(text), size).map((piece) => Buffer.from(stream.push(piece)));
    assert.equal(Buffer.concat(out).toString(), wanted.join(''));
    assert.deepEqual([stream.fault, stream.stopReason, stream.usage.reported], [null, null, false]);
  }
});
