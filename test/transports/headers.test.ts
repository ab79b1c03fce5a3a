/** Which headers go out, and does a caller's framing ever? */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { bareHost, fetchHeaders, flatHeaders, hostOf } from '../../lib/transports/headers.ts';
import { originOf, requestTo } from '../support/upstream.ts';

const FRAMING = {
  host: 'evil',
  connection: 'upgrade',
  'content-length': '1',
  'transfer-encoding': 'chunked',
  'accept-encoding': 'gzip',
};

test('the transport’s own headers are never the caller’s', () => {
  const headers = { ...FRAMING, 'x-a': '1' };
  const request = requestTo(originOf(8080), { headers, body: 'é' });
  assert.deepEqual(flatHeaders(request), [
    ...['host', '127.0.0.1:8080', 'accept-encoding', 'identity'],
    ...['x-a', '1', 'content-length', '2'],
  ]);
  assert.deepEqual(fetchHeaders(request), { 'accept-encoding': 'identity', 'x-a': '1' });
});

for (const { name, method, body, want } of [
  { name: 'GET', method: 'GET', body: undefined, want: undefined },
  { name: 'POST without a body', method: 'POST', body: undefined, want: '0' },
  { name: 'POST with an empty body', method: 'POST', body: '', want: '0' },
  { name: 'POST with bytes', method: 'POST', body: Buffer.alloc(7), want: '7' },
] as const) {
  test(`content-length: ${name}`, () => {
    const flat = flatHeaders(requestTo(originOf(1), { method, body, headers: {} }));
    const at = flat.indexOf('content-length');
    assert.equal(at < 0 ? undefined : flat[at + 1], want);
  });
}

for (const { protocol, hostname, port, want } of [
  { protocol: 'https:', hostname: 'api.cerebras.ai', port: 443, want: 'api.cerebras.ai' },
  { protocol: 'https:', hostname: 'api.cerebras.ai', port: 80, want: 'api.cerebras.ai:80' },
  { protocol: 'http:', hostname: 'localhost', port: 80, want: 'localhost' },
  { protocol: 'http:', hostname: '::1', port: 8080, want: '[::1]:8080' },
  { protocol: 'http:', hostname: '[::1]', port: 80, want: '[::1]' },
] as const) {
  test(`host: ${protocol}//${hostname}:${port}`, () =>
    assert.equal(hostOf(originOf(port, { protocol, hostname })), want));
}

test('brackets are for URLs only', () => {
  assert.equal(bareHost('[::1]'), '::1');
  assert.equal(bareHost('localhost'), 'localhost');
});
