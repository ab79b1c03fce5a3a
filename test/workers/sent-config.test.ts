import assert from 'node:assert/strict';
import test from 'node:test';
import { packConfig, unpackConfig } from '../../lib/workers/sent-config.ts';
import { good } from '../support/configs.ts';

test('a configuration is the same on the other side, functions and expressions included', () => {
  const config = good(`
providers:
  - name: cerebras
    endpoint: https://api.cerebras.ai/v1
    models: [glm-4.6]
    error_rules: [{ status: 418, text: "tea(pot)?", scope: key, action: cool, rest: 5s }]
    load_balancing: { api_keys: [{ key: csk-1, name: one, max_requests_per_minute: 7 }] }
  - { name: other, preset: zhipu, endpoint: "http://127.0.0.1:9/v1", models: [glm-4.5-air], api_key: k }
environment_models: { haiku: glm-4.6, sonnet: glm-4.6, opus: glm-4.6 }
`);
  const there = unpackConfig(structuredClone(packConfig(config)));
  assert.deepEqual(there, config);
  assert.equal(there.providers[0]?.preset, config.providers[0]?.preset);
  assert.equal(there.providers[0]?.errorRules[0]?.text?.test('a TEAPOT'), true);
});
