/**
 * Does every transport make the same of an answer, and of what is none? One table of byte scripts,
 * run for each; a difference is written into its row. What is not a script is in `flow.test.ts`.
 */
import assert from 'node:assert/strict';
import type { Socket } from 'node:net';
import { describe, test } from 'node:test';
import { brotliCompressSync, deflateSync, gzipSync } from 'node:zlib';
import type { Origin, Transport, UpstreamRequest } from '../../lib/transports/types.ts';
import { onRequests, rawServer } from '../support/raw-server.ts';
import { originOf, outcome, requestTo, TRANSPORTS } from '../support/upstream.ts';

interface Row {
  readonly name: string;
  /** What the server does with the first request of a connection. */
  readonly reply: (socket: Socket) => void;
  readonly origin?: Partial<Origin>;
  readonly request?: Partial<UpstreamRequest>;
  /** The outcome line; per transport where the platform's `fetch` cannot do better. */
  readonly want: string | Readonly<Record<Transport['name'], string>>;
}

const OK = 'HTTP/1.1 200 OK\r\n';
const CHUNKED = `${OK}transfer-encoding: chunked\r\n\r\n`;

const bytes = (text: string) => (socket: Socket) => void socket.write(text);
const bytesAndClose = (text: string) => (socket: Socket) => void socket.end(text);
const bytesAndReset = (text: string) => (socket: Socket) =>
  void socket.write(text, () => setTimeout(() => socket.resetAndDestroy(), 20));

const encoded = (coding: string, body: Buffer) => (socket: Socket) => {
  socket.write(`${OK}content-encoding: ${coding}\r\ncontent-length: ${body.length}\r\n\r\n`);
  socket.write(body);
};

const ANSWERS: readonly Row[] = [
  {
    name: 'content-length',
    reply: bytes(`${OK}content-length: 5\r\n\r\nhello`),
    want: '200 hello',
  },
  {
    name: 'chunked',
    reply: bytes(`${CHUNKED}3\r\nhel\r\n2\r\nlo\r\n0\r\n\r\n`),
    want: '200 hello',
  },
  {
    name: 'chunked, with extensions and trailers',
    reply: bytes(`${CHUNKED}5;a=b\r\nhello\r\n0\r\nx-sum: 1\r\n\r\n`),
    want: '200 hello',
  },
  { name: 'ended by close', reply: bytesAndClose(`${OK}\r\nhello`), want: '200 hello' },
  { name: 'HTTP/1.0', reply: bytesAndClose('HTTP/1.0 200 OK\r\n\r\nhello'), want: '200 hello' },
  { name: 'GET', reply: bytes(`${OK}content-length: 0\r\n\r\n`), request: get(), want: '200' },
  { name: '204', reply: bytes('HTTP/1.1 204 No Content\r\n\r\n'), want: '204' },
  {
    name: '304 with the headers of a body',
    reply: bytes('HTTP/1.1 304 Not Modified\r\ncontent-encoding: gzip\r\n\r\n'),
    request: get(),
    want: '304',
  },
  {
    name: 'a redirect is an answer',
    reply: bytes('HTTP/1.1 302 Found\r\nlocation: /x\r\ncontent-length: 2\r\n\r\nno'),
    want: '302 no',
  },
  {
    name: 'a 429 with a body',
    reply: bytes('HTTP/1.1 429 Too Many Requests\r\ncontent-length: 4\r\n\r\nslow'),
    want: '429 slow',
  },
  {
    name: 'interim answers are skipped',
    reply: bytes(
      'HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nlink: </a>\r\n\r\n' +
        `${OK}content-length: 2\r\n\r\nok`,
    ),
    // undici takes a 100 to a request without `expect` for a broken server.
    want: { native: '200 ok', http: '200 ok', fetch: '!before-answer' },
  },
  { name: 'gzip', reply: encoded('gzip', gzipSync('hello')), want: '200 hello' },
  { name: 'x-gzip', reply: encoded('x-gzip', gzipSync('hello')), want: '200 hello' },
  { name: 'deflate', reply: encoded('Deflate', deflateSync('hello')), want: '200 hello' },
  { name: 'br', reply: encoded('br', brotliCompressSync('hello')), want: '200 hello' },
  { name: 'identity', reply: encoded('identity', Buffer.from('hello')), want: '200 hello' },
];

const FAULTS: readonly Row[] = [
  {
    name: 'the server leaves without a word',
    reply: (socket) => socket.end(),
    want: '!before-answer',
  },
  { name: 'reset', reply: (socket) => socket.resetAndDestroy(), want: '!before-answer' },
  { name: 'cut in the status line', reply: bytesAndClose('HTTP/1.1 20'), want: '!before-answer' },
  {
    name: 'cut in the headers',
    reply: bytesAndClose(`${OK}content-le`),
    want: '!before-answer',
  },
  {
    name: 'reset in the headers',
    reply: bytesAndReset(`${OK}content-length: 9\r\n`),
    want: '!before-answer',
  },
  {
    name: 'cut before the body',
    reply: bytesAndClose(`${OK}content-length: 9\r\n\r\n`),
    want: '200  !cut',
  },
  {
    name: 'cut in the body',
    reply: bytesAndClose(`${OK}content-length: 9\r\n\r\nhel`),
    want: '200 hel !cut',
  },
  {
    name: 'reset in the body',
    reply: bytesAndReset(`${OK}content-length: 9\r\n\r\nhel`),
    want: '200 hel !cut',
  },
  { name: 'cut in a chunk', reply: bytesAndClose(`${CHUNKED}9\r\nhel`), want: '200 hel !cut' },
  {
    name: 'cut between chunks',
    reply: bytesAndClose(`${CHUNKED}3\r\nhel\r\n`),
    want: '200 hel !cut',
  },
  {
    name: 'cut in the last chunk',
    reply: bytesAndClose(`${CHUNKED}3\r\nhel\r\n0\r\n`),
    want: '200 hel !cut',
  },
  { name: 'a chunk size of nonsense', reply: bytes(`${CHUNKED}zz\r\n`), want: '200  !protocol' },
  { name: 'not HTTP', reply: bytes('SSH-2.0-OpenSSH_9\r\n'), want: '!protocol' },
  {
    name: 'a header of nonsense',
    reply: bytes(`${OK}content-length: 1\r\n no: name\x00\r\n\r\n`),
    want: '!protocol',
  },
  {
    name: 'two lengths',
    reply: bytes(`${OK}content-length: 5\r\ncontent-length: 6\r\n\r\nhello`),
    want: '!protocol',
  },
  {
    name: 'a length and chunks',
    reply: bytes(`${OK}content-length: 5\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n`),
    want: '!protocol',
  },
  {
    name: 'headers without end',
    reply: bytes(`${OK}x: ${'y'.repeat(100_000)}\r\n\r\n`),
    want: '!protocol',
  },
  {
    name: 'an upgrade that nobody asked for',
    reply: bytes('HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: x\r\n\r\n'),
    want: { native: '!protocol', http: '!protocol', fetch: '!before-answer' },
  },
  {
    name: 'an unknown coding',
    reply: encoded('rot13', Buffer.from('uryyb')),
    want: '!protocol',
  },
  {
    name: 'not gzip after all',
    reply: encoded('gzip', Buffer.from('hello')),
    want: '200  !protocol',
  },
  {
    name: 'gzip without its end',
    reply: encoded('gzip', gzipSync('hello').subarray(0, -8)),
    // undici takes what it got for the whole.
    want: { native: '200 hello !cut', http: '200 hello !cut', fetch: '200 hello' },
  },
  {
    name: 'no first byte',
    reply: () => {},
    origin: { firstByteTimeoutMs: 80 },
    want: '!first-byte-timeout',
  },
  {
    name: 'headers that never end',
    reply: bytes(`${OK}content-len`),
    origin: { firstByteTimeoutMs: 80 },
    want: '!first-byte-timeout',
  },
  {
    name: 'silence before the body',
    reply: bytes(`${OK}content-length: 9\r\n\r\n`),
    origin: { idleTimeoutMs: 80 },
    want: '200  !idle-timeout',
  },
  {
    name: 'silence in the body',
    reply: bytes(`${OK}content-length: 9\r\n\r\nhel`),
    origin: { idleTimeoutMs: 120 },
    want: '200 hel !idle-timeout',
  },
  {
    name: 'no such name', // a label over 63 bytes: no resolver is asked
    reply: () => {},
    origin: { hostname: `${'x'.repeat(64)}.invalid` },
    want: '!connect',
  },
  {
    name: 'TLS to a server that speaks none',
    reply: bytes(`${OK}\r\n`),
    origin: { protocol: 'https:' },
    want: '!connect',
  },
  {
    name: 'a handshake that never ends',
    reply: () => {},
    origin: { protocol: 'https:', connectTimeoutMs: 80, firstByteTimeoutMs: 200 },
    want: { native: '!connect-timeout', http: '!connect-timeout', fetch: '!first-byte-timeout' },
  },
  {
    name: 'a handshake cut short',
    reply: (socket) => socket.end(),
    origin: { protocol: 'https:' },
    want: '!connect',
  },
  {
    name: 'a header that HTTP cannot carry',
    reply: () => {},
    request: { headers: { authorization: 'Bearer a\nb' } },
    want: '!connect',
  },
];

function get(): Partial<UpstreamRequest> {
  return { method: 'GET', body: undefined };
}

async function run(row: Row, transport: Transport): Promise<string> {
  const tls = row.origin?.protocol === 'https:';
  const server = await rawServer((socket) => {
    if (tls) socket.once('data', () => row.reply(socket));
    else onRequests(socket, () => row.reply(socket));
  });
  try {
    const request = requestTo(originOf(server.port, row.origin), row.request);
    return await outcome(transport, request);
  } finally {
    transport.close();
    await server.close();
  }
}

for (const { name, make } of TRANSPORTS) {
  describe(name, { timeout: 30_000 }, () => {
    for (const row of [...ANSWERS, ...FAULTS]) {
      const want = typeof row.want === 'string' ? row.want : row.want[name];
      test(row.name, async () => assert.equal(await run(row, make()), want));
    }
  });
}
