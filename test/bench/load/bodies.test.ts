/** Have the bodies of the load benches exactly their size, and does the proxy take them? */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { BYTES, bodyFor, type Size } from '../../../bench/load/bodies.ts';
import { routesOf } from '../../../lib/routes/index.ts';
import { good, LOCAL } from '../../support/configs.ts';

const PATHS = { openai: '/openai/v1/chat/completions', anthropic: '/anthropic/v1/messages' };
const routes = routesOf(good(LOCAL));

for (const endpoint of ['openai', 'anthropic'] as const) {
  for (const size of Object.keys(BYTES) as Size[]) {
    test(`${endpoint}, ${size}`, () => {
      const body = bodyFor(endpoint, size, 'bench-fast', true);
      assert.equal(Buffer.byteLength(body), BYTES[size]);
      const route = routes.find(({ path }) => path === PATHS[endpoint])?.handler;
      assert.ok(route?.kind === 'proxied');
      const request = route.endpoint.read(Buffer.from(body), '');
      assert.deepEqual([request.model, request.stream], ['bench-fast', true]);
    });
  }
}
