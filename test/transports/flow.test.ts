/** Does every transport send what it is told, reuse and clean up alike? */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import diagnostics from 'node:diagnostics_channel';
import type { Socket } from 'node:net';
import type { Transport } from '../../lib/transports/types.ts';
import { onRequests } from '../support/raw-server.ts';
import { type Handler, type Row, runRows, type Use } from '../support/transport-rows.ts';
import { originOf, outcome, Recorder, requestTo, until } from '../support/upstream.ts';

const MIB = 1024 * 1024;
const OK = 'HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok';
const PART = 'HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nhel';

const echo: Handler = (request, response) => {
  const { method, url, rawHeaders } = request;
  let body = '';
  request.setEncoding('utf8');
  request.on('data', (text) => {
    body += text;
  });
  request.on('end', () => response.end(JSON.stringify({ method, url, rawHeaders, body })));
};

async function echoed(transport: Transport, use: Use, over: Parameters<typeof requestTo>[1]) {
  const server = await use.http(echo);
  const line = await outcome(transport, requestTo(originOf(server.port), over));
  const { rawHeaders, ...rest } = JSON.parse(line.slice('200 '.length));
  const headers: Record<string, string[]> = {};
  for (let at = 0; at < rawHeaders.length; at += 2) {
    const name = String(rawHeaders[at]).toLowerCase();
    headers[name] = [...(headers[name] ?? []), String(rawHeaders[at + 1])];
  }
  return { ...rest, headers, port: server.port };
}

const SENDING: readonly Row[] = [
  {
    name: 'method, path, headers and body arrive as given, framing is the transport’s',
    run: async (transport, use) => {
      const headers = {
        'x-api-key': 'k',
        host: 'evil',
        'content-length': '1',
        'transfer-encoding': 'chunked',
        'accept-encoding': 'gzip',
      };
      const seen = await echoed(transport, use, {
        path: '/a/b?c=%20d',
        headers,
        body: '{"é":"😀"}',
      });
      assert.equal(seen.method, 'POST');
      assert.equal(seen.url, '/a/b?c=%20d');
      assert.equal(seen.body, '{"é":"😀"}');
      assert.deepEqual(seen.headers['x-api-key'], ['k']);
      assert.deepEqual(seen.headers.host, [`127.0.0.1:${seen.port}`]);
      assert.deepEqual(seen.headers['content-length'], ['13']);
      assert.deepEqual(seen.headers['accept-encoding'], ['identity']);
      assert.equal(seen.headers['transfer-encoding'], undefined);
      assert.equal(seen.headers['content-type'], undefined);
    },
  },
  ...[[], ['{"é":', '"ü"}'], ['', 'a', ''], ['a'.repeat(20_000), 'b'.repeat(20_000), 'c']].map(
    (texts) => ({
      name: `a body of pieces: ${texts.map(({ length }) => length).join(', ') || 'none'}`,
      run: async (transport: Transport, use: Use) => {
        const body = texts.map((text) => Buffer.from(text));
        const seen = await echoed(transport, use, { body });
        assert.equal(seen.body, texts.join(''));
        assert.deepEqual(seen.headers['content-length'], [String(Buffer.concat(body).length)]);
      },
    }),
  ),
  {
    name: 'a POST without a body has length 0',
    run: async (transport, use) => {
      const seen = await echoed(transport, use, { body: undefined });
      assert.deepEqual(seen.headers['content-length'], ['0']);
    },
  },
  {
    name: 'a GET has no body and no length',
    run: async (transport, use) => {
      const seen = await echoed(transport, use, { method: 'GET', body: undefined });
      assert.equal(seen.headers['content-length'], undefined);
    },
  },
  {
    name: 'repeated headers are joined',
    run: async (transport, use) => {
      const fields = 'x-a: 1\r\nX-A: 2\r\nset-cookie: a=1\r\nset-cookie: b=2\r\n';
      const server = await use.raw((socket) =>
        onRequests(socket, () => socket.write(OK.replace('content', `${fields}content`))),
      );
      const answer = await transport.send(requestTo(originOf(server.port))).answer;
      assert.equal(answer.headers['x-a'], '1, 2');
      assert.equal(answer.headers['set-cookie'], 'a=1, b=2');
      const reader = new Recorder();
      answer.read(reader);
      await reader.settled;
    },
  },
  ...[1024, 20 * MIB].map((size) => ({
    name: `${size} bytes both ways`,
    run: async (transport: Transport, use: Use) => {
      const body = Buffer.alloc(size, 'abcdefg');
      const server = await use.http((request, response) => void request.pipe(response));
      const answer = await transport.send(requestTo(originOf(server.port), { body })).answer;
      const reader = new Recorder();
      answer.read(reader);
      await reader.settled;
      assert.deepEqual(reader.events, ['data', 'end']);
      assert.equal(sha(Buffer.concat(reader.chunks)), sha(body));
    },
  })),
  {
    name: 'nobody listens: connect',
    run: async (transport, use) => {
      const server = await use.raw(() => {});
      await server.close();
      // The first call has nobody who waits for it: its rejection must not surface anywhere.
      transport.send(requestTo(originOf(server.port)));
      assert.equal(await outcome(transport, requestTo(originOf(server.port))), '!connect');
    },
  },
];

const sha = (bytes: Buffer) => createHash('sha256').update(bytes).digest('hex');

const REUSE: readonly Row[] = [
  {
    name: '200 calls on one connection leave nothing behind',
    run: async (transport, use) => {
      const warnings: Error[] = [];
      const clients: Socket[] = [];
      const onWarning = (warning: Error) => warnings.push(warning);
      const onClient = (message: unknown) => clients.push((message as { socket: Socket }).socket);
      process.on('warning', onWarning);
      diagnostics.subscribe('net.client.socket', onClient);
      const server = await use.raw((socket) => onRequests(socket, () => socket.write(OK)));
      const counts: number[] = [];
      for (let nth = 0; nth < 200; nth++) {
        assert.equal(await outcome(transport, requestTo(originOf(server.port))), '200 ok');
        await new Promise(setImmediate); // the pool takes a connection back after the callback
        counts.push(listeners(clients));
      }
      process.off('warning', onWarning);
      diagnostics.unsubscribe('net.client.socket', onClient);
      assert.equal(server.sockets.length, 1);
      assert.equal(counts.at(-1), counts[4]);
      assert.deepEqual(warnings, []);
    },
  },
  {
    name: 'calls at the same time get connections of their own',
    run: async (transport, use) => {
      const waiting: Socket[] = [];
      const server = await use.raw((socket) => onRequests(socket, () => waiting.push(socket)));
      const calls = [1, 2, 3, 4].map(() => outcome(transport, requestTo(originOf(server.port))));
      await until(() => waiting.length === 4);
      for (const socket of waiting) socket.write(OK);
      assert.deepEqual(await Promise.all(calls), ['200 ok', '200 ok', '200 ok', '200 ok']);
      assert.equal(server.sockets.length, 4);
    },
  },
  {
    name: 'a connection that was closed while idle is not used again',
    run: async (transport, use) => {
      const server = await use.raw((socket) => onRequests(socket, () => socket.write(OK)));
      assert.equal(await outcome(transport, requestTo(originOf(server.port))), '200 ok');
      server.sockets[0]?.end();
      await until(() => server.sockets[0]?.closed === true);
      assert.equal(await outcome(transport, requestTo(originOf(server.port))), '200 ok');
    },
  },
  {
    name: 'bytes beyond the end of an answer never reach the next one',
    run: async (transport, use) => {
      const server = await use.raw((socket, nth) =>
        onRequests(socket, () => socket.write(nth === 0 ? `${OK}HTTP/1.1 500 X\r\n\r\n` : OK)),
      );
      const first = await outcome(transport, requestTo(originOf(server.port)));
      assert.match(first, /^200 ok( !protocol)?$/);
      assert.equal(await outcome(transport, requestTo(originOf(server.port))), '200 ok');
      assert.equal(server.sockets.length, 2);
    },
  },
  {
    name: 'a connection that talks while idle is ended',
    run: async (transport, use) => {
      const server = await use.raw((socket) => onRequests(socket, () => socket.write(OK)));
      assert.equal(await outcome(transport, requestTo(originOf(server.port))), '200 ok');
      server.sockets[0]?.write('HTTP/1.1 500 X\r\ncontent-length: 0\r\n\r\n');
      await until(() => server.sockets[0]?.closed === true);
      assert.equal(await outcome(transport, requestTo(originOf(server.port))), '200 ok');
    },
  },
  {
    name: 'close() lets calls in flight finish',
    run: async (transport, use) => {
      const server = await use.raw((socket) => onRequests(socket, () => socket.write(PART)));
      const answer = await transport.send(requestTo(originOf(server.port))).answer;
      transport.close();
      const reader = new Recorder();
      answer.read(reader);
      server.sockets[0]?.write('lo you');
      await reader.settled;
      assert.equal(reader.text, 'hello you');
      assert.deepEqual(reader.events, ['data', 'end']);
    },
  },
];

/** Listeners on all connections of the client. */
function listeners(sockets: readonly Socket[]): number {
  return sockets
    .flatMap((socket) => socket.eventNames().map((name) => socket.listenerCount(name)))
    .reduce((sum, count) => sum + count, 0);
}

runRows([...SENDING, ...REUSE]);
