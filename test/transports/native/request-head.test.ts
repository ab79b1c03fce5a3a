/** Can anything that a caller gives end a line, or say where the request ends? */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { requestHead } from '../../../lib/transports/native/request-head.ts';
import { originOf, requestTo } from '../../support/upstream.ts';

const headOf = (over: Parameters<typeof requestTo>[1]) =>
  requestHead(requestTo(originOf(80), { headers: {}, ...over }), 'h:1')?.text;

const OWN = 'HTTP/1.1\r\nhost: h:1\r\naccept-encoding: identity\r\nconnection: keep-alive\r\n';

for (const { name, over, want } of [
  {
    name: 'a body of characters counts bytes',
    over: { path: '/a?b', headers: { 'x-a': '1' }, body: 'é' },
    want: `POST /a?b ${OWN}x-a: 1\r\ncontent-length: 2\r\n\r\n`,
  },
  {
    name: 'GET',
    over: { method: 'GET' as const, path: '/', body: undefined },
    want: `GET / ${OWN}\r\n`,
  },
  {
    name: 'framing is ours',
    over: {
      path: '/',
      body: '',
      headers: {
        host: 'evil',
        connection: 'close',
        'content-length': '9',
        'transfer-encoding': 'chunked',
        'accept-encoding': 'gzip',
      },
    },
    want: `POST / ${OWN}content-length: 0\r\n\r\n`,
  },
]) {
  test(`request: ${name}`, () => assert.equal(headOf(over), want));
}

for (const value of ['a\rb', 'a\nb', 'a\r\nx: y', '\0', '\u0100', '\x7f']) {
  test(`refused as a value: ${JSON.stringify(value)}`, () => {
    assert.equal(headOf({ headers: { 'x-a': value } }), undefined);
  });
}

for (const name of ['', 'a b', 'a:', 'a\r\nb', 'é', 'a\0']) {
  test(`refused as a name: ${JSON.stringify(name)}`, () => {
    assert.equal(headOf({ headers: { [name]: 'x' } }), undefined);
  });
}

for (const path of ['', '/a b', '/a\r\nx: y', '/\n', '/\t', '/\u0100', '/\x7f']) {
  test(`refused as a path: ${JSON.stringify(path)}`, () =>
    assert.equal(headOf({ path }), undefined));
}

test('frozen headers go to one place, then to another', () => {
  const headers = Object.freeze({ 'x-a': 'a' });
  for (const [method, path, host] of [
    ['POST', '/a', 'h:1'],
    ['POST', '/a', 'h:1'],
    ['POST', '/b', 'h:1'],
    ['POST', '/b', 'h:2'],
    ['GET', '/b', 'h:2'],
  ] as const) {
    const asked = requestTo(originOf(80), { method, path, headers, body: undefined });
    const length = method === 'POST' ? 'content-length: 0\r\n' : '';
    const own = OWN.replace('h:1', host);
    assert.deepEqual(requestHead(asked, host), {
      text: `${method} ${path} ${own}x-a: a\r\n${length}\r\n`,
      ascii: true,
    });
  }
});

test('a value beyond ASCII is Latin-1', () => {
  const headers = { 'x-a': 'ä' };
  assert.equal(requestHead(requestTo(originOf(80), { headers }), 'h:1')?.ascii, false);
});

test('frozen headers are the same the second time, and refused as well', () => {
  const good = Object.freeze({ 'x-a': 'a' });
  const bad = Object.freeze({ 'x-a': 'a\nb' });
  for (let time = 0; time < 2; time++) {
    assert.match(headOf({ headers: good }) ?? '', /\r\nx-a: a\r\n/);
    assert.equal(headOf({ headers: bad }), undefined);
  }
});
