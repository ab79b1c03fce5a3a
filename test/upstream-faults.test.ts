/**
 * What goes wrong at a provider, one row a fault: what the client gets, how often it was tried, and
 * that key, reservation and sockets are free again afterwards. Each row once with a provider that
 * always fails so, and once with one that fails so the first time only.
 */

import assert from 'node:assert/strict';
import { createServer as createHttps } from 'node:https';
import type { Socket } from 'node:net';
import { describe, test } from 'node:test';
import { brotliCompressSync, deflateSync, gzipSync } from 'node:zlib';
import { ask } from './support/http-client.ts';
import { kept } from './support/kept.ts';
import { startProxy, type TestProxy } from './support/proxy.ts';
import { listening, onRequests, rawServer, type TestServer } from './support/raw-server.ts';
import { completion, delta, sse } from './support/scripted.ts';
import { TEST_TLS } from './support/tls.ts';
import { TRANSPORTS, until } from './support/upstream.ts';

type Act = (socket: Socket) => void;

interface Row {
  readonly name: string;
  /** What the provider does with a request. */
  readonly act: Act;
  /** Before it reads anything. */
  readonly greet?: Act;
  readonly stream?: boolean;
  /** `status type` and, of a stream, whether content came before; where it always fails so. */
  readonly want: string;
  /** Where it fails so once: default is a good answer. */
  readonly once?: string;
  /** Attempts when it always fails so; default: all that one provider is given. */
  readonly attempts?: number;
}

const body = (value: unknown) => JSON.stringify((value as { body: unknown }).body);
const GOOD = body(completion('fine'));
const OK = 'HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n';
const WHOLE = `${OK}content-length: ${GOOD.length}\r\n\r\n${GOOD}`;
const EVENTS =
  'HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n';
const chunk = (text: string) => `${Buffer.byteLength(text).toString(16)}\r\n${text}\r\n`;
const STREAM_END = `${chunk(delta('', 'stop'))}${chunk(sse('[DONE]'))}0\r\n\r\n`;
const GOOD_STREAM = `${EVENTS}${chunk(delta('fine'))}${STREAM_END}`;

const write =
  (text: string): Act =>
  (socket) =>
    void socket.write(text);
const fin =
  (text = ''): Act =>
  (socket) =>
    void socket.end(text);
/** The bytes must have been read before the reset, which throws away what was not. That is done in
 *  this process: on a busy machine 50 ms may be over before the loop has looked at a socket. */
const rst =
  (text = ''): Act =>
  (socket) => {
    if (text === '') socket.resetAndDestroy();
    else socket.write(text, () => setTimeout(() => inTurns(4, () => socket.resetAndDestroy()), 50));
  };
function inTurns(turns: number, act: () => void): void {
  if (turns === 0) act();
  else setImmediate(() => inTurns(turns - 1, act));
}
const coded =
  (coding: string, bytes: Buffer): Act =>
  (socket) => {
    socket.write(`${OK}content-encoding: ${coding}\r\ncontent-length: ${bytes.length}\r\n\r\n`);
    socket.write(bytes);
  };

const FAILED = '502 api_error';
const LATE = '504 api_error';
const FINE = '200 fine';
const BROKEN = '200 half, error';

const ROWS: readonly Row[] = [
  { name: 'reset on arrival', greet: rst(), act: () => {}, want: FAILED },
  {
    name: 'closed on arrival',
    greet: (socket) => void socket.resume().end(),
    act: () => {},
    want: FAILED,
  },
  { name: 'reset after the request', act: rst(), want: FAILED },
  { name: 'closed after the request', act: fin(), want: FAILED },
  { name: 'reset inside of the status line', act: rst('HTTP/1.1 20'), want: FAILED },
  { name: 'closed inside of the status line', act: fin('HTTP/1.1 20'), want: FAILED },
  { name: 'reset inside of the headers', act: rst(`${OK}x-a: `), want: FAILED },
  { name: 'closed inside of the headers', act: fin(`${OK}x-a: `), want: FAILED },
  { name: 'reset behind the headers', act: rst(`${OK}content-length: 9\r\n\r\n`), want: FAILED },
  { name: 'reset inside of the body', act: rst(WHOLE.slice(0, -9)), want: FAILED },
  { name: 'content-length is a lie: too long', act: fin(WHOLE.slice(0, -9)), want: FAILED },
  {
    name: 'content-length is a lie: too short',
    act: write(`${OK}content-length: ${GOOD.length - 9}\r\n\r\n${GOOD}`),
    want: FAILED,
  },
  {
    name: 'a chunked body without its end',
    act: fin(`${OK}transfer-encoding: chunked\r\n\r\n${chunk(GOOD)}`),
    want: FAILED,
  },
  {
    name: 'a chunk size that is none',
    act: write(`${OK}transfer-encoding: chunked\r\n\r\nxyz\r\n${GOOD}`),
    want: FAILED,
  },
  {
    name: 'two lengths',
    act: write(`${OK}content-length: 1\r\ncontent-length: 2\r\n\r\n{}`),
    want: FAILED,
  },
  { name: 'no headers in time', act: () => {}, want: LATE },
  { name: 'headers that come slowly, and stop', act: write('HTTP/1.1 200 OK\r\nx'), want: LATE },
  { name: 'a body that stops', act: write(WHOLE.slice(0, -9)), want: LATE },
  { name: 'not HTTP', act: fin('SSH-2.0-OpenSSH_9.2\r\n'), want: FAILED },
  {
    name: 'headers without end',
    act: write(`${OK}x-a: ${'a'.repeat(200_000)}\r\n\r\n`),
    want: FAILED,
  },
  { name: 'an unknown coding', act: coded('zstd', Buffer.from(GOOD)), want: FAILED },
  { name: 'a broken gzip body', act: coded('gzip', Buffer.from(GOOD)), want: FAILED },
  {
    name: 'a gzip body cut short',
    act: coded('gzip', gzipSync(GOOD).subarray(0, -12)),
    want: FAILED,
  },
  {
    name: 'a redirect',
    act: write(`HTTP/1.1 302 Found\r\nlocation: http://127.0.0.1:1/\r\ncontent-length: 0\r\n\r\n`),
    want: FAILED,
  },
  // What is unusual, but an answer.
  { name: 'gzip', act: coded('gzip', gzipSync(GOOD)), want: FINE },
  { name: 'deflate', act: coded('deflate', deflateSync(GOOD)), want: FINE },
  { name: 'br', act: coded('br', brotliCompressSync(GOOD)), want: FINE },
  { name: 'HTTP/1.0, ended by close', act: fin(`HTTP/1.0 200 OK\r\n\r\n${GOOD}`), want: FINE },
  { name: 'early hints first', act: write(`HTTP/1.1 103 Early Hints\r\n\r\n${WHOLE}`), want: FINE },
  { name: 'answered, then closed', act: fin(WHOLE), want: FINE },
  { name: 'answered, then reset', act: rst(WHOLE), want: FINE },
  {
    name: 'trailers',
    act: write(`${OK}transfer-encoding: chunked\r\n\r\n${chunk(GOOD)}0\r\nx-sum: 1\r\n\r\n`),
    want: FINE,
  },
  // Streams: nothing was shown yet, then something was.
  { name: 'a stream reset before its first event', stream: true, act: rst(EVENTS), want: FAILED },
  { name: 'a stream closed before its first event', stream: true, act: fin(EVENTS), want: FAILED },
  { name: 'a stream that never begins', stream: true, act: write(EVENTS), want: LATE },
  {
    name: 'a stream reset in the middle',
    stream: true,
    act: rst(`${EVENTS}${chunk(delta('half'))}`),
    want: BROKEN,
    once: BROKEN,
    attempts: 1,
  },
  {
    name: 'a stream closed in the middle',
    stream: true,
    act: fin(`${EVENTS}${chunk(delta('half'))}`),
    want: BROKEN,
    once: BROKEN,
    attempts: 1,
  },
  {
    name: 'a stream that stops in the middle',
    stream: true,
    act: write(`${EVENTS}${chunk(delta('half'))}`),
    want: BROKEN,
    once: BROKEN,
    attempts: 1,
  },
  {
    name: 'a chunk size that is none, in the middle of a stream',
    stream: true,
    act: (socket) => {
      socket.write(`${EVENTS}${chunk(delta('half'))}`);
      setTimeout(() => socket.write('xyz\r\n'), 50);
    },
    want: BROKEN,
    once: BROKEN,
    attempts: 1,
  },
  {
    name: 'a whole stream, then a reset',
    stream: true,
    act: rst(GOOD_STREAM),
    want: FINE,
  },
];
const ALL_ATTEMPTS = 4;

interface Rig {
  readonly proxy: TestProxy;
  readonly server: TestServer;
}

/** A proxy with one key in front of a server that does what `row` says, `times` times. */
async function rigFor(
  row: Row,
  transport: (typeof TRANSPORTS)[number]['name'],
  times: number,
): Promise<Rig> {
  let requests = 0;
  let greeted = 0;
  const server = kept(
    await rawServer((socket) => {
      if (row.greet !== undefined && greeted++ < times) {
        requests += 1;
        row.greet(socket);
        return;
      }
      onRequests(socket, () => {
        requests += 1;
        if (requests <= times) row.act(socket);
        else socket.write(row.stream === true ? GOOD_STREAM : WHOLE);
      });
    }),
  );
  const proxy = kept(
    await startProxy(configuration(`http://127.0.0.1:${server.port}`), { transport }),
  );
  return { proxy, server };
}

function configuration(address: string): string {
  return `
limits: { queue: { max_wait: 3s } }
providers:
  - name: upstream
    preset: generic
    endpoint: ${address}/v1
    models: [glm-4.6]
    timeouts: { connect: 2s, first_byte: 700ms, idle: 700ms }
    load_balancing:
      api_keys:
        - { key: the-only-secret, name: one, max_concurrent: 1 }
`;
}

async function told({ url }: TestProxy, stream = false): Promise<string> {
  const asked = {
    model: 'glm-4.6',
    max_tokens: 9,
    stream,
    messages: [{ role: 'user', content: 'hi' }],
  };
  const { status, text, complete } = await ask(`${url}/anthropic/v1/messages`, { body: asked });
  assert.equal(complete, true, 'the answer has its proper end');
  if (status !== 200) return `${status} ${JSON.parse(text).error.type}`;
  if (!stream) return `${status} ${JSON.parse(text).content[0].text}`;
  const texts = [...text.matchAll(/"text_delta","text":"(\w+)"/g)].map(([, each]) => each);
  const error = /^event: error$/m.test(text) ? ', error' : '';
  assert.equal(/^event: message_stop$/m.test(text), error === '');
  return `${status} ${texts.join('')}${error}`;
}

/** Nothing is held: a second request finds room, the key is not blamed, no socket is left over. */
async function assertFree({ proxy, server }: Rig): Promise<void> {
  const { quotas } = proxy.gateway;
  assert.equal(quotas.inFlight(0 as never), 0);
  assert.equal(proxy.gateway.waiting.depth, 0);
  await until(() => server.sockets.filter(({ destroyed }) => !destroyed).length <= 1);
}

for (const { name: transport } of TRANSPORTS) {
  describe(`through ${transport}`, { concurrency: 16 }, () => {
    for (const row of ROWS) {
      test(`${row.name}: always`, async () => {
        const rig = await rigFor(row, transport, Number.POSITIVE_INFINITY);
        assert.equal(await told(rig.proxy, row.stream), row.want);
        const tries = row.want.startsWith('200') ? 1 : ALL_ATTEMPTS;
        assert.equal(
          rig.proxy.log.find(({ msg }) => msg === 'request')?.attempts,
          row.attempts ?? tries,
        );
        await assertFree(rig);
      });
      test(`${row.name}: once`, async () => {
        const rig = await rigFor(row, transport, 1);
        assert.equal(await told(rig.proxy, row.stream), row.once ?? FINE);
        assert.equal(await told(rig.proxy, row.stream), FINE, 'the next one is served');
        await assertFree(rig);
      });
    }
  });
}

/** A name that no resolver is asked for: a label has at most 63 characters (RFC 1035 §2.3.4). */
const NO_NAME = `${'a'.repeat(64)}.localhost`;

/** No connection comes about. The provider counts what reaches it. */
const UNREACHABLE: readonly {
  readonly name: string;
  readonly start: (onRequest: () => void) => Promise<TestServer>;
  readonly address: (port: number) => string;
}[] = [
  {
    name: 'connection refused',
    start: async (onRequest) => {
      const server = await rawServer(onRequest);
      await server.close();
      return server;
    },
    address: (port) => `http://127.0.0.1:${port}`,
  },
  {
    name: 'no such host',
    start: rawServer,
    address: (port) => `https://${NO_NAME}:${port}`,
  },
  {
    name: 'no TLS at the other end',
    start: () =>
      rawServer((socket) => void socket.resume().end('HTTP/1.1 400 Bad Request\r\n\r\n')),
    address: (port) => `https://127.0.0.1:${port}`,
  },
  {
    name: 'closed inside of the TLS handshake',
    start: () => rawServer((socket) => socket.once('data', () => socket.end())),
    address: (port) => `https://127.0.0.1:${port}`,
  },
  {
    name: 'a certificate that nobody trusts',
    start: (onRequest) => listening(createHttps(TEST_TLS, onRequest)),
    address: (port) => `https://127.0.0.1:${port}`,
  },
];

for (const { name: transport } of TRANSPORTS) {
  for (const { name, start, address } of UNREACHABLE) {
    test(`${name}, through ${transport}`, async () => {
      let requests = 0;
      const server = kept(
        await start(() => {
          requests += 1;
        }),
      );
      const proxy = kept(await startProxy(configuration(address(server.port)), { transport }));
      assert.equal(await told(proxy), FAILED);
      assert.equal(requests, 0);
      await assertFree({ proxy, server });
    });
  }
}

for (const { name: transport } of TRANSPORTS) {
  test(`a kept connection is closed at the moment of its reuse, through ${transport}`, async () => {
    const server = kept(
      await rawServer((socket) => {
        onRequests(socket, (_head, nth) => void (nth === 0 ? socket.write(WHOLE) : socket.end()));
      }),
    );
    const address = `http://127.0.0.1:${server.port}`;
    const proxy = kept(await startProxy(configuration(address), { transport }));
    for (let request = 0; request < 3; request++) assert.equal(await told(proxy), FINE);
    await assertFree({ proxy, server });
  });
}
