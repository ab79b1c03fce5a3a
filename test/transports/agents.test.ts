/** Are connections checked, kept and let go as promised? Asked through the transport. */

import assert from 'node:assert/strict';
import { createServer as createHttps } from 'node:https';
import type { Socket } from 'node:net';
import { describe, test } from 'node:test';
import type { Transport } from '../../lib/transports/types.ts';
import { kept } from '../support/kept.ts';
import { listening, onRequests, rawServer, type TestServer } from '../support/raw-server.ts';
import { TEST_CA, TEST_TLS } from '../support/tls.ts';
import { OWN_CONNECTIONS, originOf, outcome, requestTo, until } from '../support/upstream.ts';

const OK = 'HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok';

const post = (transport: Transport, { port }: TestServer) =>
  outcome(transport, requestTo(originOf(port)));

const answer = (socket: Socket) => void socket.write(OK);

async function tlsServer(): Promise<TestServer> {
  return kept(await listening(createHttps(TEST_TLS, (_request, response) => response.end('ok'))));
}

for (const { name, make } of OWN_CONNECTIONS) {
  describe(name, { timeout: 60_000 }, () => {
    test('close() ends idle connections, and the transport opens new ones', async () => {
      const transport = kept(make());
      const server = kept(await rawServer((socket) => onRequests(socket, () => answer(socket))));
      assert.equal(await post(transport, server), '200 ok');
      await new Promise(setImmediate);
      transport.close();
      await until(() => server.sockets[0]?.closed === true);
      assert.equal(await post(transport, server), '200 ok');
      assert.equal(server.sockets.length, 2);
    });

    test('an idle connection is closed before the server’s own hint runs out', async () => {
      const hint = OK.replace('content', 'keep-alive: timeout=2\r\ncontent');
      const transport = kept(make());
      const server = kept(
        await rawServer((socket) => onRequests(socket, () => socket.write(hint))),
      );
      assert.equal(await post(transport, server), '200 ok');
      await until(() => server.sockets[0]?.closed === true);
    });

    test('TLS: a CA of one’s own, connections reused, names checked', async () => {
      const server = await tlsServer();
      const transport = kept(make(TEST_CA));
      for (const hostname of ['localhost', '127.0.0.1', '127.0.0.1', '127.0.0.1']) {
        const origin = originOf(server.port, { protocol: 'https:', hostname });
        assert.equal(await outcome(transport, requestTo(origin)), '200 ok');
      }
      assert.equal(server.sockets.length, 2); // one per name
      // Another spelling of the same address, which the certificate does not hold.
      const elsewhere = originOf(server.port, { protocol: 'https:', hostname: '::ffff:127.0.0.1' });
      const { answer } = transport.send(requestTo(elsewhere));
      await assert.rejects(answer, { fault: 'connect', message: /ERR_TLS_CERT_ALTNAME_INVALID/ });
    });

    for (const switchedOff of [undefined, '0']) {
      test(`TLS: an unknown CA is refused, NODE_TLS_REJECT_UNAUTHORIZED=${switchedOff}`, async () => {
        const server = await tlsServer();
        const transport = kept(make());
        const before = process.env.NODE_TLS_REJECT_UNAUTHORIZED;
        if (switchedOff !== undefined) process.env.NODE_TLS_REJECT_UNAUTHORIZED = switchedOff;
        try {
          const origin = originOf(server.port, { protocol: 'https:' });
          assert.equal(await outcome(transport, requestTo(origin)), '!connect');
        } finally {
          if (before === undefined) delete process.env.NODE_TLS_REJECT_UNAUTHORIZED;
          else process.env.NODE_TLS_REJECT_UNAUTHORIZED = before;
        }
      });
    }
  });
}
