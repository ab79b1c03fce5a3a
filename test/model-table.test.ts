import assert from 'node:assert/strict';
import test from 'node:test';
import { asGatewayError } from '../lib/errors.ts';
import { compileModels } from '../lib/model-table.ts';
import { good } from './support/configs.ts';

const CONFIG = good(`
environment_models: { haiku: small, sonnet: middle, opus: b/large, default: "" }
models:
  "claude-opus-4-1*": small
  "gpt-4o": b/middle
  "special-*-haiku-?": large
  "gone-*": nobody
  "glm-x": middle
providers:
  - name: a
    endpoint: http://127.0.0.1:9/v1
    models: [small, { id: Middle, upstream: mid-1 }, glm-x, vendor/slash, a-claude-opus-of-its-own]
  - name: b
    endpoint: http://127.0.0.1:9/v1
    models: [Middle, large, small]
  - { name: off, endpoint: "https://example.com/v1", models: [unreachable], api_key: "\${NONE}" }
`);
const table = compileModels(CONFIG);

/** `id @ provider, provider`, or the error's code. */
function routeOf(asked: string): string {
  try {
    const { modelId, candidates } = table.find(asked);
    const names = candidates.map(({ provider }) => CONFIG.providers[provider]?.name);
    return `${modelId} @ ${names.join(', ')}`;
  } catch (thrown) {
    return asGatewayError(thrown).code;
  }
}

for (const { asked, want, why } of [
  { asked: 'large', want: 'large @ b', why: 'listed' },
  { asked: 'small', want: 'small @ a, b', why: 'in the order of the file' },
  { asked: 'MIDDLE', want: 'Middle @ a, b', why: 'any case' },
  { asked: ' small ', want: 'small @ a, b', why: 'blanks' },
  { asked: 'b/small', want: 'small @ b', why: 'pinned' },
  { asked: 'B/Small', want: 'small @ b', why: 'pinned, any case' },
  { asked: 'b/vendor/slash', want: 'MODEL_NOT_FOUND', why: 'pinned to one who has it not' },
  { asked: 'vendor/slash', want: 'vendor/slash @ a', why: 'an id with a slash' },
  { asked: 'a/vendor/slash', want: 'vendor/slash @ a', why: 'pinned, an id with a slash' },
  { asked: 'claude-haiku-4-5-20251001', want: 'small @ a, b', why: 'tier' },
  { asked: 'claude-3-5-sonnet-latest', want: 'Middle @ a, b', why: 'tier' },
  { asked: 'claude-opus-4-5', want: 'large @ b', why: 'tier, pinned' },
  { asked: 'claude-opus-4-5[1m]', want: 'large @ b', why: 'long context' },
  { asked: 'claude-opus-4-5[1M]', want: 'large @ b', why: 'long context, any case' },
  { asked: 'small[1m]', want: 'small @ a, b', why: 'long context of a listed one' },
  { asked: 'us.anthropic.claude-sonnet-4-20250514-v1:0', want: 'Middle @ a, b', why: 'Bedrock' },
  {
    asked: 'arn:aws:bedrock:us-east-1::inference-profile/claude-haiku',
    want: 'small @ a, b',
    why: 'ARN',
  },
  { asked: 'claude-opus-4@20250514', want: 'large @ b', why: 'Vertex' },
  { asked: 'anthropic/claude-sonnet-4', want: 'Middle @ a, b', why: 'vendor prefix' },
  { asked: 'claude-fable-1', want: 'large @ b', why: 'fable as opus' },
  { asked: 'Mythos-preview', want: 'large @ b', why: 'mythos as opus' },
  { asked: 'haiku-sonnet-opus', want: 'small @ a, b', why: 'the first tier word in their order' },
  {
    asked: 'a-claude-opus-of-its-own',
    want: 'a-claude-opus-of-its-own @ a',
    why: 'listed before tiers',
  },
  { asked: 'claude-opus-4-1-20250805', want: 'small @ a, b', why: 'a glob before tiers' },
  { asked: 'claude-opus-4-1[1m]', want: 'small @ a, b', why: 'a glob, long context' },
  { asked: 'gpt-4o', want: 'Middle @ b', why: 'a rule that pins' },
  { asked: 'gpt-4o-mini', want: 'MODEL_NOT_FOUND', why: 'a rule without * is exact' },
  { asked: 'special-x-haiku-?', want: 'large @ b', why: 'a ? is itself' },
  { asked: 'special-x-haiku-y', want: 'small @ a, b', why: 'a ? is nothing else' },
  { asked: 'glm-x', want: 'Middle @ a, b', why: 'a rule before a listed id' },
  {
    asked: 'gone-opus',
    want: 'MODEL_NOT_FOUND',
    why: 'a rule that names nobody does not fall through',
  },
  { asked: 'unreachable', want: 'MODEL_NOT_FOUND', why: 'a provider without keys' },
  { asked: 'mid-1', want: 'MODEL_NOT_FOUND', why: 'upstream names are not asked for' },
  { asked: 'gpt-5', want: 'MODEL_NOT_FOUND', why: 'no default' },
  { asked: '', want: 'MODEL_NOT_FOUND', why: 'empty' },
  { asked: `opus${'x'.repeat(300)}`, want: 'MODEL_NOT_FOUND', why: 'endless' },
]) {
  test(`model ${asked.slice(0, 60)}: ${why}`, () => {
    assert.equal(routeOf(asked), want);
    assert.equal(routeOf(asked), want, 'the same when it is remembered');
  });
}

test('what is listed: each id once, in the order of the file', () => {
  const ids = ['small', 'Middle', 'glm-x', 'vendor/slash', 'a-claude-opus-of-its-own', 'large'];
  assert.deepEqual(table.ids, ids);
});

test('an unknown model is told by name, with those that exist', () => {
  assert.throws(() => table.find('"x"'), {
    message: `No provider found for model "\\"x\\"". Models that exist: ${table.ids.join(', ')}`,
  });
});

test('a default takes all that matches nothing', () => {
  const models = compileModels(
    good(`
environment_models: { default: glm-4.6 }
providers: [{ name: p, endpoint: "http://127.0.0.1:9/v1", models: [glm-4.6] }]
`),
  );
  assert.equal(models.find('gpt-5').modelId, 'glm-4.6');
});

test('names that clients make up do not pile up', () => {
  for (let n = 0; n < 5_000; n++) assert.equal(table.find(`haiku-${n}`).modelId, 'small');
});
