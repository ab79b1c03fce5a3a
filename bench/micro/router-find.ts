/** ROUTER FIND. Which route is it? Asked once per request. */
import assert from 'node:assert/strict';
import { parseConfig } from '../../lib/config/parse.ts';
import { compileRoutes } from '../../lib/router.ts';
import { routesOf } from '../../lib/routes/index.ts';
import type { Case } from '../case.ts';

const YAML = `
providers:
  - { name: local, preset: generic, endpoint: "http://127.0.0.1:9/v1", models: [m], api_key: k }
`;

const ROWS = [
  { name: 'exact', method: 'POST', url: '/anthropic/v1/messages', kind: 'proxied' },
  {
    name: 'with a query',
    method: 'POST',
    url: '/anthropic/v1/messages?beta=true',
    kind: 'proxied',
  },
  { name: 'prefix', method: 'POST', url: '/openai/v1/embeddings', kind: 'proxied' },
  { name: 'nothing', method: 'GET', url: '/favicon.ico', kind: undefined },
];

export const cases: readonly Case[] = ROWS.map(({ name, method, url, kind }) => ({
  name: `router find: ${name}`,
  unit: 'look-up',
  operations: 1,
  bytes: 0,
  setup() {
    const router = compileRoutes(routesOf(parseConfig(YAML, 'bench', {})));
    return () => {
      const found = router.find(method, url);
      return 'handler' in found ? found.handler.kind : undefined;
    };
  },
  check: (result) => assert.equal(result, kind),
}));
