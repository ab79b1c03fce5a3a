/** What transports with connections of their own promise: repeats, limits on sending. */

import assert from 'node:assert/strict';
import { connect, type Socket } from 'node:net';
import { describe, test } from 'node:test';
import type { Transport } from '../../lib/transports/types.ts';
import { kept } from '../support/kept.ts';
import { onRequests, rawServer, type TestServer } from '../support/raw-server.ts';
import { OWN_CONNECTIONS, originOf, outcome, requestTo, until } from '../support/upstream.ts';

const OK = 'HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok';

const post = (transport: Transport, { port }: TestServer) =>
  outcome(transport, requestTo(originOf(port)));

interface Repeat {
  readonly name: string;
  /** What becomes of the second request on a connection. */
  readonly second: (socket: Socket) => void;
  /** What becomes of the first request on the second connection and later ones. */
  readonly fresh: (socket: Socket) => void;
  readonly want: string;
  readonly connections: number;
}

const answer = (socket: Socket) => void socket.write(OK);

const REPEATS: readonly Repeat[] = [
  {
    name: 'closed',
    second: (socket) => socket.end(),
    fresh: answer,
    want: '200 ok',
    connections: 2,
  },
  {
    name: 'reset',
    second: (socket) => socket.resetAndDestroy(),
    fresh: answer,
    want: '200 ok',
    connections: 2,
  },
  {
    name: 'closed, and so is the new one: no third try',
    second: (socket) => socket.end(),
    fresh: (socket) => socket.end(),
    want: '!before-answer',
    connections: 2,
  },
  {
    name: 'closed inside an answer: no repeat',
    second: (socket) => socket.end('HTTP/1.1 2'),
    fresh: answer,
    want: '!before-answer',
    connections: 1,
  },
  {
    name: 'full of nonsense: no repeat',
    second: (socket) => socket.end('nonsense\r\n\r\n'),
    fresh: answer,
    want: '!protocol',
    connections: 1,
  },
];

function hasIpv6(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '::ffff:127.0.0.1');
    socket.on('connect', () => resolve(true)).on('error', () => resolve(false));
    socket.on('connect', () => socket.destroy());
  });
}

for (const { name: transportName, make } of OWN_CONNECTIONS) {
  describe(transportName, { timeout: 60_000 }, () => {
    for (const { name, second, fresh, want, connections } of REPEATS) {
      test(`a reused connection is ${name}`, async () => {
        const transport = kept(make());
        const server = kept(
          await rawServer((socket, nthSocket) =>
            onRequests(socket, (_head, nth) => {
              if (nth > 0) second(socket);
              else if (nthSocket > 0) fresh(socket);
              else answer(socket);
            }),
          ),
        );
        assert.equal(await post(transport, server), '200 ok');
        assert.equal(await post(transport, server), want);
        assert.equal(server.sockets.length, connections);
      });
    }

    test('a repeat never takes another old connection', async () => {
      const transport = kept(make());
      const waiting: Socket[] = [];
      const server = kept(
        await rawServer((socket, nthSocket) =>
          onRequests(socket, (_head, nth) => {
            if (nthSocket >= 3) answer(socket);
            else if (nth > 0) socket.end();
            else waiting.push(socket);
          }),
        ),
      );
      const calls = [1, 2, 3].map(() => post(transport, server));
      await until(() => waiting.length === 3);
      waiting.forEach(answer);
      await Promise.all(calls);
      assert.equal(await post(transport, server), '200 ok');
      assert.equal(server.sockets.length, 4);
    });

    test('an abort during the repeat ends the new connection', async () => {
      const transport = kept(make());
      const server = kept(
        await rawServer((socket, nthSocket) =>
          onRequests(socket, (_head, nth) => {
            if (nth > 0) socket.end();
            else if (nthSocket === 0) answer(socket);
          }),
        ),
      );
      assert.equal(await post(transport, server), '200 ok');
      const call = transport.send(requestTo(originOf(server.port)));
      await until(() => server.sockets.length === 2);
      call.abort();
      await assert.rejects(call.answer, { fault: 'aborted' });
      await until(() => server.sockets[1]?.closed === true);
    });

    test('a server that takes no bytes runs into the first-byte limit', async () => {
      const transport = kept(make());
      const server = kept(await rawServer((socket) => socket.pause()));
      const request = requestTo(originOf(server.port, { firstByteTimeoutMs: 80 }), {
        body: Buffer.alloc(32 * 1024 * 1024),
      });
      assert.equal(await outcome(transport, request), '!first-byte-timeout');
    });

    test('an IPv6 address is taken with and without brackets', async (t) => {
      const server = kept(await rawServer((socket) => onRequests(socket, () => answer(socket))));
      const transport = kept(make());
      for (const hostname of ['[::ffff:127.0.0.1]', '::ffff:127.0.0.1']) {
        const line = await outcome(transport, requestTo(originOf(server.port, { hostname })));
        if (line === '!connect' && !(await hasIpv6(server.port)))
          return t.diagnostic('no IPv6 here');
        assert.equal(line, '200 ok');
      }
    });

    test('messages name the place and the code, and nothing of the request', async () => {
      const transport = kept(make());
      const headers = { authorization: 'Bearer hunter2\n' };
      const call = transport.send(requestTo(originOf(1), { headers, path: '/hunter2' }));
      await assert.rejects(call.answer, (error: Error) => {
        assert.match(error.message, /^Cannot connect to 127\.0\.0\.1:1 \(.+\)$/);
        assert.doesNotMatch(`${error.message} ${error.cause}`, /hunter2/);
        return true;
      });
    });
  });
}
