import assert from 'node:assert/strict';
import { test } from 'node:test';
import { faultsOf, good, warningsOf } from '../support/configs.ts';

const keys = (list: string) => `
environment_models: { haiku: m, sonnet: m, opus: m }
providers:
  - name: p
    endpoint: http://localhost/v1
    models: [m]
    load_balancing: { api_keys: ${list} }
`;

const keysOf = (list: string, env = {}) => good(keys(list), env).providers[0]?.keys ?? [];

test('names count by position, dropped entries too', () => {
  const found = keysOf(`["\${A}", b, { key: c, name: named }, d, ""]`);
  assert.deepEqual(
    found.map(({ name, secret, org }) => [name, secret, org]),
    [
      ['key-2', 'b', 'p/key-2'],
      ['named', 'c', 'p/named'],
      ['key-4', 'd', 'p/key-4'],
    ],
  );
});

test('a dropped key is a warning that names the variable', () => {
  const text = keys(`["\${A}", "\${B}", "", ~, ok]`);
  assert.deepEqual(warningsOf(text, { B: ' ' }), [
    '7:34: providers[0].load_balancing.api_keys[0]: key "key-1" is left out: A is not set or empty',
    '7:42: providers[0].load_balancing.api_keys[1]: key "key-2" is left out: B is not set or empty',
    '7:50: providers[0].load_balancing.api_keys[2]: key "key-3" is left out: it is empty',
    '7:54: providers[0].load_balancing.api_keys[3]: key "key-4" is left out: it is empty',
  ]);
});

test('every number of a key', () => {
  const [key] = keysOf(`[{ key: s, name: n, org: o, weight: 0.5, max_requests_per_minute: 1,
      max_tokens_per_minute: 2, max_requests_per_day: 3, max_tokens_per_day: 4,
      max_concurrent: 5 }]`);
  assert.deepEqual(key, {
    name: 'n',
    secret: 's',
    org: 'o',
    weight: 0.5,
    maxRequestsPerMinute: 1,
    maxTokensPerMinute: 2,
    maxUncachedTokensPerMinute: 0,
    maxRequestsPerDay: 3,
    maxTokensPerDay: 4,
    maxConcurrent: 5,
  });
});

for (const { name, list, why } of [
  {
    name: 'same name twice',
    list: '[{ key: a, name: x }, { key: b, name: x }]',
    why: /the name "x" is taken by the key in line 7/,
  },
  {
    name: 'a given name is a numbered one',
    list: '[a, { key: b, name: key-1 }]',
    why: /the name "key-1" is taken/,
  },
  { name: 'no key', list: '[{ name: x }]', why: /api_keys\[0\]: has no key/ },
  {
    name: 'weight of zero',
    list: '[{ key: a, weight: 0 }]',
    why: /weight: wants a number above 0 and up to 1000000, found 0/,
  },
  { name: 'negative weight', list: '[{ key: a, weight: -1 }]', why: /found -1/ },
  {
    name: 'negative limit',
    list: '[{ key: a, max_concurrent: -1 }]',
    why: /max_concurrent: wants a whole/,
  },
  { name: 'inner blank', list: '["a b"]', why: /holds characters that cannot stand in a header/ },
  { name: 'not ASCII', list: '["kéy"]', why: /holds characters that cannot stand in a header/ },
  {
    name: 'number',
    list: '[{ key: 12345678 }]',
    why: /key: wants a string: put the value in quotes/,
  },
  { name: 'odd name', list: '[{ key: a, name: "x\\ny" }]', why: /name: wants 1 to 64 visible/ },
  { name: 'no file here', list: '[{ key_file: /x }]', why: /key_file: no file can be read here/ },
  {
    name: 'key and file',
    list: '[{ key: a, key_file: /x }]',
    why: /key_file: give either key or key_file/,
  },
  {
    name: 'rpm',
    list: '[{ key: a, rpm: 5 }]',
    why: /unknown key "rpm" .*did you mean "max_requests_per_minute"/,
  },
  { name: 'not a list', list: '{ key: a }', why: /api_keys: wants a list, found a mapping/ },
  {
    name: 'one org, two limits',
    list: '[{ key: a, org: o, max_requests_per_minute: 5 }, { key: b, org: o }]',
    why: /max_requests_per_minute is 0 here and 5 for key "key-1": keys of one org \("o"\) share/,
  },
]) {
  test(`key fault: ${name}`, () => assert.match(faultsOf(keys(list)).join('\n'), why));
}

test('keys of one org that agree, and equal words in two providers', () => {
  const provider = (name: string, limit: number) =>
    `  - { name: ${name}, endpoint: "http://localhost", models: [m],\n` +
    '      load_balancing: { api_keys: [' +
    `{ key: ${name}1, org: o, max_concurrent: ${limit} },` +
    `{ key: ${name}2, org: o, max_concurrent: ${limit} }] } }\n`;
  const config = good(`providers:\n${provider('a', 1)}${provider('b', 2)}`);
  assert.deepEqual(
    config.providers.map((one) => one.keys.map(({ org }) => org)),
    [
      ['o', 'o'],
      ['o', 'o'],
    ],
  );
});

test('the same secret twice is a warning that does not show it', () => {
  const [warning = ''] = warningsOf(keys('[topsecret, topsecret]'));
  assert.match(warning, /key "key-2" has the same secret as key "key-1"/);
  assert.doesNotMatch(warning, /topsecret/);
});

test('no key left: the provider is disabled, with a warning', () => {
  const text = keys(`["\${A}"]`);
  assert.deepEqual(good(text).providers[0]?.keys, []);
  assert.match(warningsOf(text).join('\n'), /^5?4:5: providers\[0\]: no key is left: .*disabled$/m);
});

for (const { name, provider, keyCount } of [
  {
    name: 'local endpoint',
    provider: 'name: x, endpoint: "http://127.0.0.1:11434/v1", models: [m]',
    keyCount: 1,
  },
  {
    name: 'local stand-in for a preset',
    provider: 'name: cerebras, endpoint: "http://localhost:1/v1"',
    keyCount: 1,
  },
  {
    name: 'unknown host',
    provider: 'name: x, endpoint: "https://gateway.corp/v1", models: [m]',
    keyCount: 1,
  },
  {
    name: 'empty list',
    provider:
      'name: x, endpoint: "http://localhost", models: [m], load_balancing: { api_keys: [] }',
    keyCount: 1,
  },
  { name: 'cerebras', provider: 'name: cerebras', keyCount: 0 },
  { name: 'zhipu', provider: 'name: zhipu', keyCount: 0 },
  {
    name: 'zai by host',
    provider: 'name: x, endpoint: "https://api.z.ai/api/coding/paas/v4"',
    keyCount: 0,
  },
  { name: 'openai', provider: 'name: openai', keyCount: 0 },
  { name: 'anthropic', provider: 'name: anthropic', keyCount: 0 },
]) {
  test(`no keys listed: ${name}`, () => {
    const text = `providers: [{ ${provider} }]`;
    if (keyCount === 0) {
      assert.match(faultsOf(text).join('\n'), /^1:13: providers\[0\]: no api_key/m);
      return;
    }
    const [key] = good(text).providers[0]?.keys ?? [];
    assert.deepEqual([key?.name, key?.secret, key?.weight], ['key-1', '', 1]);
  });
}

test('api_key is short for one key, and excludes api_keys', () => {
  const text = 'providers: [{ name: cerebras, api_key: one }]';
  assert.deepEqual(
    good(text).providers[0]?.keys.map(({ name, secret }) => [name, secret]),
    [['key-1', 'one']],
  );
  const two = 'providers: [{ name: cerebras, api_key: one, load_balancing: { api_keys: [two] } }]';
  assert.match(faultsOf(two).join(), /give one of api_key, api_key_file and load_balancing/);
  const both = 'providers: [{ name: cerebras, api_key: one, api_key_file: two }]';
  assert.match(faultsOf(both).join(), /api_key_file: give one of api_key, api_key_file and/);
});

test('an unset api_key disables the provider', () => {
  const config = good(`providers: [{ name: cerebras, api_key: "\${NOPE}" }]`);
  assert.deepEqual(config.providers[0]?.keys, []);
});
