import assert from 'node:assert/strict';
import type { IncomingHttpHeaders } from 'node:http';
import test from 'node:test';
import { asGatewayError } from '../lib/errors.ts';
import { compileGuard, NOBODY } from '../lib/guard.ts';
import { good, LOCAL } from './support/configs.ts';

function guardOf(server: string): ReturnType<typeof compileGuard> {
  return compileGuard(good(`server: ${server}\n${LOCAL}`).server);
}

/** The code of what is thrown, or `fine`. */
function verdictOf(check: (headers: IncomingHttpHeaders) => void, headers: IncomingHttpHeaders) {
  try {
    check(headers);
    return 'fine';
  } catch (thrown) {
    return asGatewayError(thrown).code;
  }
}

const LOOPBACK = '{ allowed_origins: ["https://app.example.com"] }';
const PUBLIC = '{ bind_address: 0.0.0.0, api_key_required: true, auth_tokens: [tok-1, tok-2] }';
const NAMED = '{ bind_address: 127.0.0.5 }';

for (const { name, server, headers, want } of [
  { name: 'no Host (HTTP/1.0)', server: LOOPBACK, headers: {}, want: 'fine' },
  { name: 'loopback', server: LOOPBACK, headers: { host: '127.0.0.1:5730' }, want: 'fine' },
  { name: 'any 127.x', server: LOOPBACK, headers: { host: '127.9.9.9' }, want: 'fine' },
  {
    name: 'localhost in capitals',
    server: LOOPBACK,
    headers: { host: 'LocalHost:1' },
    want: 'fine',
  },
  { name: 'IPv6 loopback', server: LOOPBACK, headers: { host: '[::1]:5730' }, want: 'fine' },
  { name: 'the address itself', server: NAMED, headers: { host: '127.0.0.5:1' }, want: 'fine' },
  { name: 'a foreign name', server: LOOPBACK, headers: { host: 'evil.com' }, want: 'FORBIDDEN' },
  {
    name: 'a name like it',
    server: LOOPBACK,
    headers: { host: 'localhost.evil.com' },
    want: 'FORBIDDEN',
  },
  { name: 'an empty Host', server: LOOPBACK, headers: { host: '' }, want: 'FORBIDDEN' },
  {
    name: 'a foreign name, public bind',
    server: PUBLIC,
    headers: { host: 'my.box' },
    want: 'fine',
  },
  {
    name: 'a foreign Origin',
    server: LOOPBACK,
    headers: { origin: 'http://evil.com' },
    want: 'FORBIDDEN',
  },
  {
    name: 'a foreign Origin, public bind',
    server: PUBLIC,
    headers: { origin: 'http://a.b' },
    want: 'FORBIDDEN',
  },
  {
    name: 'our own Origin',
    server: LOOPBACK,
    headers: { origin: 'http://127.0.0.1:5730' },
    want: 'FORBIDDEN',
  },
  {
    name: 'an allowed Origin',
    server: LOOPBACK,
    headers: { origin: 'https://app.example.com' },
    want: 'fine',
  },
]) {
  test(`origin and host: ${name}`, () => {
    const guard = guardOf(server);
    assert.equal(
      verdictOf((given) => guard.checkOrigin(given), headers),
      want,
    );
  });
}

for (const { name, server, headers, want } of [
  { name: 'none wanted', server: LOOPBACK, headers: {}, want: 'fine' },
  { name: 'none given', server: PUBLIC, headers: {}, want: 'UNAUTHENTICATED' },
  { name: 'bearer', server: PUBLIC, headers: { authorization: 'Bearer tok-2' }, want: 'fine' },
  {
    name: 'bearer in any case',
    server: PUBLIC,
    headers: { authorization: 'BEARER tok-1' },
    want: 'fine',
  },
  {
    name: 'no scheme',
    server: PUBLIC,
    headers: { authorization: 'tok-1' },
    want: 'UNAUTHENTICATED',
  },
  { name: 'key', server: PUBLIC, headers: { 'x-api-key': 'tok-1' }, want: 'fine' },
  {
    name: 'key with a scheme',
    server: PUBLIC,
    headers: { 'x-api-key': 'Bearer tok-1' },
    want: 'UNAUTHENTICATED',
  },
  {
    name: 'in capitals',
    server: PUBLIC,
    headers: { 'x-api-key': 'TOK-1' },
    want: 'UNAUTHENTICATED',
  },
]) {
  test(`token: ${name}`, () => {
    const guard = guardOf(server);
    assert.equal(
      verdictOf((given) => guard.checkToken(given), headers),
      want,
    );
  });
}

const TEAM = `{ auth_tokens: [tok-all],
  clients: [{ name: ann, token: tok-ann }, { name: bob, token: tok-bob }] }`;

for (const { name, headers, want } of [
  { name: 'a client, as bearer', headers: { authorization: 'Bearer tok-bob' }, want: 1 },
  { name: 'a client, as key', headers: { 'x-api-key': 'tok-ann' }, want: 0 },
  { name: 'a token of everyone', headers: { 'x-api-key': 'tok-all' }, want: NOBODY },
  {
    name: 'a wrong one beside a right one',
    headers: { authorization: 'Bearer nope', 'x-api-key': 'tok-bob' },
    want: 1,
  },
  {
    name: 'two right ones: the bearer',
    headers: { authorization: 'Bearer tok-ann', 'x-api-key': 'tok-bob' },
    want: 0,
  },
]) {
  test(`whose token it is: ${name}`, () => {
    assert.equal(guardOf(TEAM).checkToken(headers), want);
  });
}

test('with clients a token is asked for; with none nobody is looked at', () => {
  assert.throws(() => guardOf(TEAM).checkToken({}), { code: 'UNAUTHENTICATED' });
  assert.equal(guardOf(LOOPBACK).checkToken({ 'x-api-key': 'whatever' }), NOBODY);
});

test('CORS headers are for requests with an Origin', () => {
  const guard = guardOf(LOOPBACK);
  assert.deepEqual(guard.corsHeaders({}), {});
  const { vary, ...headers } = guard.corsHeaders({ origin: 'https://app.example.com' });
  assert.equal(vary, 'origin');
  assert.equal(headers['access-control-allow-origin'], 'https://app.example.com');
});
