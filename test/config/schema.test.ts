import assert from 'node:assert/strict';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { loadConfig } from '../../lib/config/load.ts';
import type { SchemaNode } from '../../lib/config/nodes.ts';
import { jsonSchema, ROOT } from '../../lib/config/schema.ts';

const folder = new URL('../../config/', import.meta.url);

test('config.schema.json is what the table says', () => {
  const committed = JSON.parse(readFileSync(new URL('config.schema.json', folder), 'utf8'));
  assert.deepEqual(committed, JSON.parse(JSON.stringify(jsonSchema())));
});

test('every key has a description that ends in a full stop', () => {
  const walk = (node: SchemaNode, path: string): void => {
    assert.match(node.doc, /\.$/, path);
    if (node.kind === 'object') {
      for (const [key, inner] of Object.entries(node.keys)) walk(inner, `${path}.${key}`);
    } else if (['list', 'named', 'map', 'several'].includes(node.kind) && 'of' in node) {
      walk(node.of, `${path}[]`);
    } else if (node.kind === 'either') {
      walk(node.map, path);
    }
  };
  walk(ROOT, '');
});

const env = {
  CEREBRAS_API_KEY: 'csk-zero',
  CEREBRAS_API_KEY_1: 'csk-one',
  CEREBRAS_API_KEY_2: 'csk-two',
  CEREBRAS_API_KEY_3: 'csk-three',
  ZHIPU_API_KEY: 'zhipu-one',
  ZAI_API_KEY_1: 'zai-one',
  ZAI_API_KEY_2: 'zai-two',
};

const examples = readdirSync(folder).filter((name) => /\.yaml/.test(name) && name !== 'team.yaml');

for (const name of examples) {
  const path = new URL(name, folder).pathname;
  test(`example ${name}: loads with its keys, nothing disabled`, () => {
    const config = loadConfig(path, env);
    assert.ok(config.providers.length > 0);
    assert.ok(config.providers.every(({ keys }) => keys.length > 0));
    const doubts = config.warnings.filter(({ message }) => !message.includes('rate_limit'));
    assert.deepEqual(doubts, []);
  });
  test(`example ${name}: loads without any key, its providers disabled`, () => {
    const config = loadConfig(path, {});
    assert.ok(config.providers.every(({ keys }) => keys.length === 0));
  });
}

test('example team.yaml: its secrets are in files', (t) => {
  const secrets = mkdtempSync(join(tmpdir(), 'cooldown-team-'));
  t.after(() => rmSync(secrets, { recursive: true }));
  const path = new URL('team.yaml', folder).pathname;
  assert.throws(() => loadConfig(path, {}), /clients\[0\]\.token_file: cannot be read: ENOENT/);
  for (const name of ['token-ann', 'token-bob', 'token-nightly-review', 'zai-1', 'zai-2']) {
    writeFileSync(join(secrets, name), `secret of ${name}`.replaceAll(' ', '-'), { mode: 0o600 });
  }
  const config = loadConfig(path, { CREDENTIALS_DIRECTORY: secrets });
  assert.deepEqual(config.warnings, []);
  assert.deepEqual([config.server.clients.length, config.secrets.length], [3, 5]);
});

test("the guide's example: what it comes to", () => {
  const path = new URL('config.yaml.example-claude-code', folder).pathname;
  const config = loadConfig(path, { ...env, ANTHROPIC_DEFAULT_OPUS_MODEL: 'glm-4.5-air' });
  assert.deepEqual(config.tiers, {
    haiku: 'glm-4.5-air',
    sonnet: 'glm-4.6',
    opus: 'glm-4.5-air',
    default: '',
  });
  const [cerebras, zhipu] = config.providers;
  assert.deepEqual(
    cerebras?.keys.map(({ name, secret, weight, maxRequestsPerMinute }) => [
      name,
      secret,
      weight,
      maxRequestsPerMinute,
    ]),
    [
      ['key-1', 'csk-one', 1, 60],
      ['key-2', 'csk-two', 2, 120],
    ],
  );
  assert.equal(cerebras?.rateLimiting.type, 'per_key_cerebras_headers');
  assert.deepEqual(zhipu?.rateLimiting, {
    type: 'fixed_rpm',
    safetyMargin: 0.2,
    backoffThreshold: 100,
    requestsPerMinute: 60,
    tokensPerMinute: 0,
    maxConcurrent: 0,
  });
  assert.match(config.reasoningInjection.promptTemplate, /^You are.*\n.*\n.*plan → act/);
  assert.doesNotMatch(config.reasoningInjection.promptTemplate, /\n$/);
  assert.equal(config.warnings.length, 2);
});
