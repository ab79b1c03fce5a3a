/** METRICS RENDER. The whole exposition of a proxy with many keys; asked every few seconds. */
import assert from 'node:assert/strict';
import { makeMetrics } from '../../lib/telemetry/metrics.ts';
import type { Case } from '../case.ts';

const PROVIDERS = ['cerebras', 'zai'];
const KEYS_PER_PROVIDER = 16;
const MODELS = ['glm-4.6', 'glm-4.5-air'];

function filled(): ReturnType<typeof makeMetrics> {
  const metrics = makeMetrics('bench');
  for (const provider of PROVIDERS) {
    for (const model of MODELS) {
      metrics.requests.labels('anthropic', provider, model, '200').add(1_000);
      metrics.requestDuration.labels(provider, model).observe(1.5);
      metrics.timeToFirstByte.labels(provider, model).observe(0.3);
      for (let key = 0; key < KEYS_PER_PROVIDER; key++) {
        metrics.upstreamRequests.labels(provider, `key-${key}`, model, '200').add(60);
        metrics.tokens.labels(provider, `key-${key}`, model, 'input').add(25_000);
        metrics.tokens.labels(provider, `key-${key}`, model, 'output').add(500);
      }
    }
  }
  metrics.close(); // stops the sampling of the event loop, which would keep the process busy
  return metrics;
}

export const cases: readonly Case[] = [
  {
    name: 'metrics render: 32 keys, 2 models',
    unit: 'exposition',
    operations: 1,
    bytes: 0,
    setup() {
      const metrics = filled();
      return () => metrics.render();
    },
    check: (result) =>
      assert.match(String(result), /^cooldown_requests_total\{endpoint="anthropic".*\} 1000$/m),
  },
  {
    name: 'metrics render: one counter found by labels and raised',
    unit: 'observation',
    operations: 1,
    bytes: 0,
    setup() {
      const { requests } = filled();
      return () => {
        const child = requests.labels('anthropic', 'zai', 'glm-4.6', '200');
        child.add();
        return child.value;
      };
    },
    check: (result) => assert.ok(Number(result) > 1_000),
  },
];
