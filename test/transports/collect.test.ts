import assert from 'node:assert/strict';
import { test } from 'node:test';
import { collectBody } from '../../lib/transports/collect.ts';
import { httpTransport } from '../../lib/transports/http.ts';
import { TransportError } from '../../lib/transports/types.ts';
import { rawServer } from '../support/raw-server.ts';
import { originOf, requestTo, until } from '../support/upstream.ts';

const BODY_BYTES = 10;
const HEAD = `HTTP/1.1 429 Slow\r\ncontent-length: ${BODY_BYTES}\r\n\r\n`;

for (const { name, sent, ends, maxBytes, maxMs, want } of [
  {
    name: 'whole',
    sent: '0123456789',
    ends: false,
    maxBytes: 99,
    maxMs: 0,
    want: '0123456789 true',
  },
  {
    name: 'exact',
    sent: '0123456789',
    ends: false,
    maxBytes: 10,
    maxMs: 0,
    want: '0123456789 true',
  },
  { name: 'too long', sent: '01234567', ends: false, maxBytes: 4, maxMs: 0, want: '0123 false' },
  {
    name: 'too long, but all there',
    sent: '0123456789',
    ends: false,
    maxBytes: 4,
    maxMs: 0,
    want: '0123 false',
  },
  { name: 'too slow', sent: '012', ends: false, maxBytes: 99, maxMs: 30, want: '012 false' },
  { name: 'silent', sent: '', ends: false, maxBytes: 99, maxMs: 30, want: ' false' },
  { name: 'broken off', sent: '012', ends: true, maxBytes: 99, maxMs: 9_999, want: '!' },
]) {
  test(`body of an answer: ${name}`, async () => {
    const server = await rawServer((socket) => {
      socket.once('data', () => (ends ? socket.end(HEAD + sent) : socket.write(HEAD + sent)));
    });
    const transport = httpTransport();
    const call = transport.send(requestTo(originOf(server.port)));
    const body = await collectBody(await call.answer, call, maxBytes, maxMs);
    const told = body instanceof TransportError ? '!' : `${body.bytes} ${body.whole}`;
    assert.equal(told, want);
    if (want.endsWith('false') && sent.length < BODY_BYTES) {
      await until(() => server.sockets.every((one) => one.destroyed));
    }
    transport.close();
    await server.close();
  });
}
