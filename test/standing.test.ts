import assert from 'node:assert/strict';
import test from 'node:test';
import type { Gateway, Lane } from '../lib/gateway.ts';
import { keyStanding, laneStanding } from '../lib/standing.ts';
import { compiled, NOW_MS } from './support/gateways.ts';

const YAML = `
providers:
  - name: p
    endpoint: http://127.0.0.1:9/v1
    models: [glm-4.6, glm-4.5-air]
    load_balancing: { api_keys: [{ key: secret-1, name: one }, { key: secret-2, name: two }] }
`;

function laneOf(gateway: Gateway, model: string): Lane {
  const lane = gateway.providers[0]?.lanes.get(model)?.list[0];
  if (lane === undefined) throw new Error(`no ${model}`);
  return lane;
}

for (const { name, happens, lane: wantLane, key: wantKey, other } of [
  { name: 'nothing', happens: () => {}, lane: 'ready', key: 'ready', other: 'ready' },
  {
    name: 'one model rests at this key',
    happens: ({ quotas }: Gateway, lane: Lane) =>
      quotas.cool(lane.keyModelBucket, NOW_MS, NOW_MS + 9_000),
    lane: 'cooling',
    key: 'ready',
    other: 'ready',
  },
  {
    name: 'the key rests',
    happens: ({ quotas }: Gateway, lane: Lane) =>
      quotas.cool(lane.key.bucket, NOW_MS, NOW_MS + 9_000),
    lane: 'cooling',
    key: 'cooling',
    other: 'cooling',
  },
  {
    name: 'the model rests everywhere',
    happens: ({ quotas }: Gateway, lane: Lane) =>
      quotas.cool(lane.modelBucket, NOW_MS, NOW_MS + 9_000),
    lane: 'cooling',
    key: 'ready',
    other: 'ready',
  },
  {
    name: 'the key is disabled while a model of it rests',
    happens: ({ quotas }: Gateway, lane: Lane) => {
      quotas.cool(lane.keyModelBucket, NOW_MS, NOW_MS + 9_000);
      quotas.disable(lane.key.bucket);
    },
    lane: 'disabled',
    key: 'disabled',
    other: 'disabled',
  },
]) {
  test(`standing: ${name}`, () => {
    const gateway = compiled(YAML);
    const [provider] = gateway.providers;
    assert.ok(provider !== undefined);
    const lane = laneOf(gateway, 'glm-4.6');
    happens(gateway, lane);
    assert.equal(laneStanding(gateway, lane, NOW_MS).state, wantLane);
    assert.equal(keyStanding(gateway, provider, lane.key, NOW_MS).state, wantKey);
    assert.equal(laneStanding(gateway, laneOf(gateway, 'glm-4.5-air'), NOW_MS).state, other);
  });
}

test('the bucket to blame is named', () => {
  const gateway = compiled(YAML);
  const lane = laneOf(gateway, 'glm-4.6');
  gateway.quotas.cool(lane.modelBucket, NOW_MS, NOW_MS + 9_000);
  assert.equal(laneStanding(gateway, lane, NOW_MS).bucket, lane.modelBucket);
});
