import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ConfigError } from '../../lib/config/faults.ts';
import { presetConfig } from '../../lib/config/from-environment.ts';

test('no key, no configuration', () => {
  assert.equal(presetConfig({}), undefined);
  assert.equal(
    presetConfig({ CEREBRAS_API_KEY: ' ', ZAI_API_KEY_1: '', ZAI_API_KEY_X: 'x' }),
    undefined,
  );
});

test('one key', () => {
  const config = presetConfig({ ZHIPU_API_KEY: 'id.secret' });
  assert.equal(config?.source, 'environment');
  assert.deepEqual(
    config?.providers.map(({ name, keys }) => [name, keys.map((key) => [key.name, key.secret])]),
    [['zhipu', [['key-1', 'id.secret']]]],
  );
  assert.deepEqual(config?.tiers, {
    haiku: 'glm-4.5-air',
    sonnet: 'glm-4.6',
    opus: 'glm-4.6',
    default: '',
  });
  assert.deepEqual([config?.warnings, config?.secrets], [[], ['id.secret']]);
});

test('several keys and providers: numbers in order, each secret once', () => {
  const config = presetConfig({
    ZAI_API_KEY_2: 'z2',
    CEREBRAS_API_KEY_10: 'c10',
    CEREBRAS_API_KEY_9: 'c9',
    CEREBRAS_API_KEY_1: 'c0',
    CEREBRAS_API_KEY: 'c0',
    ZAI_API_KEY_1: 'z1',
  });
  assert.deepEqual(
    config?.providers.map(({ name, keys }) => [name, ...keys.map(({ secret }) => secret)]),
    [
      ['cerebras', 'c0', 'c9', 'c10'],
      ['zai', 'z1', 'z2'],
    ],
  );
  assert.equal(config?.tiers.sonnet, 'gpt-oss-120b');
});

test('ANTHROPIC_DEFAULT_*_MODEL win over the tiers of the preset', () => {
  const config = presetConfig({ CEREBRAS_API_KEY: 'k', ANTHROPIC_DEFAULT_OPUS_MODEL: 'nope' });
  assert.equal(config?.tiers.opus, 'nope');
  assert.match(config?.warnings[0]?.message ?? '', /environment_models.opus: no provider serves/);
});

test('a secret is taken as it is, also when it looks like a variable', () => {
  const secret = '\u0024{HOME}:x"}';
  const config = presetConfig({ CEREBRAS_API_KEY: secret });
  assert.equal(config?.providers[0]?.keys[0]?.secret, secret);
});

test('overrides are taken, and checked', () => {
  const env = { CEREBRAS_API_KEY: 'k' };
  assert.equal(presetConfig(env, { port: 1 })?.server.port, 1);
  assert.throws(() => presetConfig(env, { bindAddress: '0.0.0.0' }), ConfigError);
});
