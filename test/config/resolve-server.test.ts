import assert from 'node:assert/strict';
import { availableParallelism } from 'node:os';
import { platform, versions } from 'node:process';
import { test } from 'node:test';
import { threadsOn } from '../../lib/config/threads.ts';
import { faultsOf, good, LOCAL, warningsOf } from '../support/configs.ts';

const server = (keys: string) => `server: { ${keys} }${LOCAL}`;

for (const address of ['127.0.0.1', '127.9.9.9', '::1', '[::1]', 'localhost', '0:0:0:0:0:0:0:1']) {
  test(`bind: ${address} is this machine`, () => {
    const { bindAddress } = good(server(`bind_address: "${address}"`)).server;
    assert.equal(bindAddress, address.replace(/[[\]]/g, ''));
  });
}

for (const address of ['0.0.0.0', '::', '192.168.1.5', 'my.host', '128.0.0.1', '::ffff:10.0.0.1']) {
  test(`bind: ${address} needs tokens or a loud word`, () => {
    const key = `bind_address: "${address}"`;
    assert.match(faultsOf(server(key)).join(), /server\.bind_address: other machines could use/);
    assert.equal(good(server(`${key}, allow_unauthenticated: true`)).warnings.length, 0);
    good(server(`${key}, api_key_required: true, auth_tokens: [t]`));
  });
}

for (const address of ['127.0.0.1:80', '127.0.0', 'a b', '', 'http://x', '1.2.3.4.5']) {
  test(`bind: "${address}" is no address`, () => {
    assert.match(faultsOf(server(`bind_address: "${address}"`)).join(), /wants an IP address/);
  });
}

for (const { name, keys, why } of [
  { name: 'no token', keys: 'api_key_required: true', why: /auth_tokens holds no token/ },
  {
    name: 'only empty tokens',
    keys: `api_key_required: true, auth_tokens: ["\${T:}"]`,
    why: /holds no token/,
  },
  {
    name: 'token with a blank',
    keys: 'auth_tokens: ["a b"]',
    why: /auth_tokens\[0\]: holds characters/,
  },
  { name: 'token not set', keys: `auth_tokens: ["\${T}"]`, why: /the variable T is not set/ },
  { name: 'origin with a path', keys: 'allowed_origins: ["https://a/b"]', why: /wants an origin/ },
  { name: 'any origin', keys: 'allowed_origins: ["*"]', why: /wants an origin/ },
  { name: 'no workers', keys: 'workers: 0', why: /from 1 to 1024 or "auto", found 0/ },
]) {
  test(`server fault: ${name}`, () => assert.match(faultsOf(server(keys)).join('\n'), why));
}

const HOST = { node: versions.node, platform, cores: availableParallelism() };

test('workers: as many as the host can have, or why not, and where it says so', () => {
  assert.equal(good(server('workers: auto')).server.workers, threadsOn(HOST, 'auto'));
  const found = threadsOn(HOST, 3);
  if (typeof found === 'number') assert.equal(good(server('workers: 3')).server.workers, 3);
  else assert.deepEqual(faultsOf(server('workers: 3')), [`1:20: server.workers: ${found.fault}`]);
});

test('accepted as they are: transports, origins', () => {
  const { workers, transport, allowedOrigins } = good(
    server('transport: native, allowed_origins: ["https://App.Example.com/"]'),
  ).server;
  assert.deepEqual([workers, transport], [1, 'native']);
  assert.deepEqual(allowedOrigins, ['https://app.example.com']);
});

test('tokens that nobody is asked for are a warning', () => {
  assert.match(warningsOf(server('auth_tokens: [t]')).join(), /nobody is asked for them/);
});

const both = (paths: Record<string, string>) => {
  const { health = '/health', prometheus = '/metrics', ...rest } = paths;
  const keys = Object.entries(rest).map(([key, value]) => `${key}_endpoint: "${value}"`);
  const pages = `health_endpoint: "${health}", prometheus_endpoint: "${prometheus}"`;
  return `server: { ${keys.join(', ')} }\nmonitoring: { ${pages} }${LOCAL}`;
};

for (const { name, paths, why } of [
  { name: 'empty', paths: { anthropic: '' }, why: /anthropic_endpoint: cannot be the root/ },
  { name: 'root', paths: { openai: '/' }, why: /openai_endpoint: cannot be the root/ },
  { name: 'no leading slash', paths: { openai: 'x' }, why: /wants a path like/ },
  { name: 'trailing slash', paths: { openai: '/x/' }, why: /wants a path like/ },
  {
    name: 'query',
    paths: { health: '/x?y' },
    why: /monitoring.health_endpoint: wants a path like/,
  },
  { name: 'double slash', paths: { health: '//x' }, why: /wants a path like/ },
  { name: 'dots', paths: { health: '/a/../b' }, why: /wants a path like/ },
  { name: 'equal', paths: { openai: '/anthropic' }, why: /openai_endpoint: is the same as/ },
  { name: 'nested', paths: { health: '/openai/health' }, why: /health_endpoint: is the same as/ },
  { name: 'around', paths: { openai: '/health/x' }, why: /health_endpoint: is the same as/ },
]) {
  test(`path fault: ${name}`, () => assert.match(faultsOf(both(paths)).join('\n'), why));
}

test('paths may be deep, and may share their beginning as text', () => {
  const config = good(both({ anthropic: '/a/b.c', openai: '/a/b.cd', health: '/a/h' }));
  assert.equal(config.server.anthropicEndpoint, '/a/b.c');
});
