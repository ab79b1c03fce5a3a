/** Named clients: what each may use, and where its counts go on. */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { test } from 'node:test';
import { asGatewayError } from '../lib/errors.ts';
import { recall, remember } from '../lib/memory.ts';
import type { Bucket } from '../lib/quotas/bucket.ts';
import { newLease } from '../lib/quotas/lease.ts';
import { compiled, NOW_MS } from './support/gateways.ts';

const PROVIDERS = `
models: { "gpt-4o": glm-4.6, "small-*": glm-4.5-air }
providers:
  - { name: one, endpoint: "http://localhost/v1", models: [glm-4.6, glm-4.5-air, "org/m"] }
  - { name: two, endpoint: "http://localhost/v1", models: [glm-4.6] }
`;

function tableFor(models: string) {
  const yaml = `server: { clients: [{ name: ann, token: t, models: ${models} }] }${PROVIDERS}`;
  const client = compiled(yaml).clients[0];
  assert.ok(client !== undefined);
  return client.models;
}

/** The configured id of the model, or the code of the refusal. */
function outcome(models: string, asked: string): string {
  try {
    return tableFor(models).find(asked).modelId;
  } catch (thrown) {
    return asGatewayError(thrown).code;
  }
}

for (const { models, asked, want } of [
  { models: '[]', asked: 'glm-4.6', want: 'glm-4.6' },
  { models: '[]', asked: 'nope', want: 'MODEL_NOT_FOUND' },
  { models: '[glm-4.6]', asked: 'glm-4.6', want: 'glm-4.6' },
  { models: '[GLM-4.6]', asked: ' Glm-4.6[1m]', want: 'glm-4.6' },
  { models: '[glm-4.6]', asked: 'gpt-4o', want: 'glm-4.6' }, // by the model it leads to
  { models: '[glm-4.6]', asked: 'claude-sonnet-4', want: 'glm-4.6' },
  { models: '[glm-4.6]', asked: 'two/glm-4.6', want: 'glm-4.6' },
  { models: '[glm-4.6]', asked: 'glm-4.5-air', want: 'FORBIDDEN' },
  { models: '[glm-4.6]', asked: 'claude-haiku-4', want: 'FORBIDDEN' },
  { models: '[glm-4.6]', asked: 'nope', want: 'FORBIDDEN' },
  { models: '["two/glm-4.6"]', asked: 'two/glm-4.6', want: 'glm-4.6' },
  { models: '["two/glm-4.6"]', asked: 'one/glm-4.6', want: 'FORBIDDEN' },
  { models: '["two/glm-4.6"]', asked: 'glm-4.6', want: 'FORBIDDEN' },
  { models: '["claude-*"]', asked: 'claude-sonnet-4', want: 'glm-4.6' },
  { models: '["claude-*"]', asked: 'glm-4.6', want: 'FORBIDDEN' },
  { models: '["small-*"]', asked: 'small-one', want: 'glm-4.5-air' },
  { models: '["nope-*"]', asked: 'nope-1', want: 'MODEL_NOT_FOUND' },
  { models: '["glm-*"]', asked: 'org/m', want: 'FORBIDDEN' },
  { models: '["org/*"]', asked: 'org/m', want: 'org/m' },
  { models: '["*"]', asked: 'org/m', want: 'org/m' },
  { models: '["glm.4.6"]', asked: 'glm-4.6', want: 'FORBIDDEN' }, // a point is a point
]) {
  test(`models ${models}, asked ${asked}: ${want}`, () => {
    assert.equal(outcome(models, asked), want);
  });
}

test('what a client may not use is not named to it', () => {
  const table = tableFor('["glm-4.5*", "x-*"]');
  assert.deepEqual(table.ids, ['glm-4.5-air']);
  assert.throws(() => table.find('x-1'), {
    message: 'No provider found for model "x-1". Models that exist: glm-4.5-air',
  });
  assert.throws(() => table.find('glm-4.6'), {
    message: 'Client "ann" may not use model "glm-4.6", only glm-4.5*, x-*',
  });
});

const withClients = (list: string) => `server: { clients: [${list}] }${PROVIDERS}`;

test('counts go on over a reload by the name of the client, whatever its token is', () => {
  const limits = 'requests_per_minute: 2';
  const before = compiled(
    withClients(`{ name: ann, token: a, ${limits} }, { name: bob, token: b, ${limits} }`),
  );
  const [ann] = before.clients;
  assert.ok(ann !== undefined);
  assert.ok(before.quotas.tryReserve(ann.path, NOW_MS, 0, newLease()));
  const after = compiled(
    withClients(`{ name: bob, token: a, ${limits} }, { name: ann, token: c, ${limits} }`),
    () => NOW_MS,
    before,
  );
  const used = after.clients.map(({ config, bucket }) => [
    config.name,
    after.quotas.usedInWindow(bucket, NOW_MS, 'requests_minute'),
  ]);
  assert.deepEqual(used, [
    ['bob', 0],
    ['ann', 1],
  ]);
});

test('counts go on over a restart, and the state holds no name of a client', () => {
  const yaml = withClients('{ name: ann-who-asks, token: t, tokens_per_day: 500 }');
  const before = compiled(yaml);
  const [ann] = before.clients;
  assert.ok(ann !== undefined);
  assert.ok(before.quotas.tryReserve(ann.path, NOW_MS, 300, newLease()));
  const hash = (mark: string) => createHash('sha256').update(mark).digest('hex');
  const memory = remember(before, hash);
  assert.ok(!JSON.stringify(memory).includes('ann-who-asks'));
  const after = compiled(yaml);
  recall(after, memory, hash);
  const bucket = after.clients[0]?.bucket as Bucket;
  assert.equal(after.quotas.usedInWindow(bucket, NOW_MS, 'tokens_day'), 300);
});

test('without clients there is no bucket for any', () => {
  const gateway = compiled(PROVIDERS);
  assert.deepEqual(gateway.clients, []);
  assert.ok(gateway.bucketNames.every((name) => !name.startsWith('client ')));
  assert.equal(gateway.bucketNames[0 as Bucket], 'global');
});
