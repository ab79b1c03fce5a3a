/** Bytes at the listener: whatever comes over a socket, the proxy answers in order or hangs up. */
import assert from 'node:assert/strict';
import { connect } from 'node:net';
import type { Bucket } from '../../lib/quotas/bucket.ts';
import { oneProvider, startProxy, type TestProxy } from '../support/proxy.ts';
import { completion, DONE, delta, type Received, scripted, stream } from '../support/scripted.ts';
import { seeded } from '../support/seeded.ts';
import { until } from '../support/upstream.ts';
import { fuzzWhenStarted } from './main.ts';
import { type FuzzTarget, seedOf, shred } from './target.ts';

const MAX_PIECES = 6;
const GIVE_UP_MS = 15_000;
const MAX_TOLD = 8;

const post = (path: string, body: string, more = '') =>
  `POST ${path} HTTP/1.1\r\nhost: localhost\r\n${more}content-length: ${body.length}\r\n\r\n${body}`;

const CHAT = '{"model":"glm-4.6","messages":[{"role":"user","content":"x"}]}';
const MESSAGE = CHAT.replace('{', '{"max_tokens":5,"stream":true,');
const CHUNKED =
  'POST /openai/v1/embeddings HTTP/1.1\r\nhost: localhost\r\ntransfer-encoding: chunked\r\n\r\n' +
  '10;x=y\r\n{"model":"glm-4.\r\n10\r\n6","input":"aaa"}\r\n0\r\nx-trailer: 1\r\n\r\n';
const HEALTH = 'GET /health HTTP/1.1\r\nhost: localhost\r\n\r\n';

const WORDS = [
  ...[
    'GET ',
    'POST ',
    'HEAD ',
    'OPTIONS ',
    'PUT ',
    'CONNECT ',
    'TRACE ',
    'PRI * HTTP/2.0\r\n\r\nSM',
  ],
  ...['/health', '/metrics', '/anthropic/v1/messages', '/openai/chat/completions', '/anthropic/'],
  ...[
    '/openai/v1/embeddings',
    '/anthropic/v1/models/x',
    '?beta=true',
    '/../',
    '%2e%2e',
    '%00',
    '//',
  ],
  ...[
    'http://localhost/health',
    ';',
    '*',
    ' HTTP/1.1\r\n',
    ' HTTP/1.0\r\n',
    ' HTTP/0.9\r\n',
    '\r\n',
  ],
  ...['\n', '\r', '\r\n\r\n', '\0', ': ', ' : ', 'host: localhost\r\n', 'host: evil.example\r\n'],
  ...[
    'content-length: 5\r\n',
    'content-length: +5\r\n',
    'content-length: 0x5\r\n',
    'Content-Length',
  ],
  ...[
    'content-length: -1\r\n',
    'content-length: 99999999999999999999\r\n',
    'content-length: 5, 5\r\n',
  ],
  ...[
    'transfer-encoding: chunked\r\n',
    'transfer-encoding: identity\r\n',
    '0\r\n\r\n',
    '5\r\nhello\r\n',
  ],
  ...['transfer-encoding : chunked\r\n', 'Transfer-Encoding: xchunked\r\n', 'ffffffffffffffff\r\n'],
  ...[
    'transfer-encoding: gzip, chunked\r\n',
    ' folded: header\r\n',
    '\tx\r\n',
    '-1\r\n',
    '5;a="\r\n',
  ],
  ...[
    'expect: 100-continue\r\n',
    'expect: nonsense\r\n',
    'connection: close\r\n',
    'upgrade: h2c\r\n',
  ],
  ...[
    'connection: upgrade\r\n',
    'connection: keep-alive\r\n',
    'content-encoding: gzip\r\n',
    'te: x\r\n',
  ],
  ...[
    'origin: http://evil\r\n',
    'authorization: Bearer x\r\n',
    'x-api-key: \x80\xff\r\n',
    CHAT,
    HEALTH,
  ],
  ...['"stream":true', '"model":"', '{"a":', 'anthropic-beta: a\r\n', 'content-encoding: br\r\n'],
];

/** Answers, by their status and whether they said that they were the last. */
function answersIn(text: string): { status: number; close: boolean }[] {
  return [...text.matchAll(/(?<=^|[\n}])HTTP\/1\.1 (\d{3}) [\s\S]*?\r\n\r\n/g)]
    .map(([head, status]) => ({
      status: Number(status),
      close: /\r\nconnection: close\r\n/i.test(head),
    }))
    .filter(({ status }) => status >= 200);
}

const PROVIDER_HEADERS = new Set([
  ...['host', 'connection', 'content-type', 'content-length', 'authorization', 'accept'],
  ...['accept-encoding', 'user-agent'],
]);

/** Nothing of the client's but its body reaches the provider. */
function checkReceived({ method, path, headers, body }: Received): void {
  assert.equal(method, 'POST');
  assert.match(path, /^\/v1\/[\w.~:@/-]+$/);
  assert.equal(headers.authorization, 'Bearer key-one-secret');
  for (const name of Object.keys(headers)) assert.ok(PROVIDER_HEADERS.has(name), `header ${name}`);
  // Not parsed: control characters in strings further in are the provider's to refuse.
  assert.match(body, /"model"\s*:\s*"glm-4\.(?:6|5-air)"|\\u00/);
}

/** All that comes back for the bytes, written in `pieces`, until the proxy hangs up. */
function exchange(port: number, pieces: readonly Buffer[]): Promise<string> {
  return new Promise((resolve, reject) => {
    const heard: Buffer[] = [];
    const socket = connect({ port, host: '127.0.0.1', allowHalfOpen: true });
    const late = setTimeout(() => {
      socket.destroy();
      reject(new Error(`the connection is still open after ${GIVE_UP_MS} ms`));
    }, GIVE_UP_MS);
    socket.on('data', (piece: Buffer) => heard.push(piece));
    socket.on('error', () => {});
    socket.on('close', () => {
      clearTimeout(late);
      resolve(Buffer.concat(heard).toString('latin1'));
    });
    socket.on('end', () => socket.end());
    socket.on('connect', async () => {
      for (const piece of pieces) {
        socket.write(piece);
        await new Promise((next) => setImmediate(next));
      }
      socket.end();
    });
  });
}

function checkAnswers(input: Buffer, text: string): string {
  const answers = answersIn(text);
  const most = 1 + (input.toString('latin1').match(/HTTP\//g)?.length ?? 0);
  assert.ok(answers.length <= most, `${answers.length} answers\n${text}`);
  const last = answers.findIndex(({ close }) => close);
  assert.ok(last < 0 || last === answers.length - 1, `an answer after the last\n${text}`);
  for (const { status } of answers)
    assert.ok(status >= 200 && status < 600 && status !== 500, text);
  return answers
    .slice(0, MAX_TOLD)
    .map(({ status }) => status)
    .join();
}

const isQuiet = ({ gateway }: TestProxy) =>
  gateway.waiting.depth === 0 &&
  gateway.bucketNames.every((_, at) => gateway.quotas.inFlight(at as Bucket) === 0);

export const http: FuzzTarget = {
  name: 'http',
  seeds: [
    HEALTH,
    post('/openai/chat/completions', CHAT),
    post('/anthropic/v1/messages?beta=true', MESSAGE, 'anthropic-version: 2023-06-01\r\n'),
    post('/anthropic/v1/messages/count_tokens', CHAT, 'expect: 100-continue\r\n'),
    CHUNKED,
    HEALTH + CHUNKED + post('/openai/chat/completions', MESSAGE) + HEALTH,
  ],
  words: WORDS,
  maxBytes: 128 * 1024,
  maxCaseMs: 2_000,
  async start() {
    const whole = completion('fine');
    const provider = await scripted([], (response, received) => {
      const streams = received.body.includes('"stream":true');
      const { body, headers = {} } = (
        streams ? stream(delta('one'), delta('', 'stop'), DONE) : whole
      ) as { body: unknown; headers?: Record<string, string> };
      response.writeHead(200, { 'content-type': 'application/json', ...headers });
      response.end(typeof body === 'string' ? body : JSON.stringify(body));
    });
    const proxy = await startProxy(
      oneProvider(provider.url, 'limits: { queue: { max_wait: 2s } }'),
    );
    const faults: unknown[] = [];
    const note = (fault: unknown) => faults.push(fault);
    process.on('uncaughtException', note);
    const received = provider.received as Received[];
    return {
      async check(input) {
        const pieces = shred(input, seeded(seedOf(input)));
        const few = pieces.slice(0, MAX_PIECES - 1);
        const rest = input.subarray(few.reduce((sum, { length }) => sum + length, 0));
        const text = await exchange(proxy.port, [...few, rest]);
        await until(() => isQuiet(proxy));
        for (const each of received.splice(0)) checkReceived(each);
        (proxy.log as unknown[]).length = 0;
        if (faults.length > 0) throw faults.splice(0)[0];
        return checkAnswers(input, text);
      },
      async close() {
        process.off('uncaughtException', note);
        await proxy.close();
        await provider.close();
      },
    };
  },
};

await fuzzWhenStarted(import.meta.url, http);
