/** Does dialling give one open and checked connection, or one error, or nothing after an abort? */
import assert from 'node:assert/strict';
import type { Socket } from 'node:net';
import { after, test } from 'node:test';
import { createServer as createTls, TLSSocket } from 'node:tls';
import { type Dial, type DialOptions, makeDial } from '../../lib/transports/dial.ts';
import type { Origin } from '../../lib/transports/types.ts';
import { listening, rawServer, type TestServer } from '../support/raw-server.ts';
import { TEST_CA, TEST_TLS } from '../support/tls.ts';
import { originOf, until } from '../support/upstream.ts';

const open: (TestServer | Socket)[] = [];
after(async () => {
  for (const each of open) {
    if ('close' in each) await each.close();
    else each.destroy();
  }
});

function kept<T extends TestServer | Socket>(made: T): T {
  open.push(made);
  return made;
}

/** The socket; rejected with the error. */
function dialled(dial: Dial, origin: Origin, options: DialOptions = {}): Promise<Socket> {
  return new Promise((resolve, reject) => {
    let returned = false;
    dial(origin, options, (error, socket) => {
      assert.ok(returned, 'never from inside of the call');
      if (error === null) resolve(kept(socket));
      else reject(error);
    });
    returned = true;
  });
}

const secureServer = async (): Promise<TestServer> =>
  kept(
    await listening(
      createTls({ ...TEST_TLS, ALPNProtocols: ['h2', 'http/1.1'] }, (socket) => {
        socket.on('error', () => socket.destroy());
        socket.write('hi');
      }),
    ),
  );

test('plain: an open socket that delivers where it was told to', async () => {
  const server = kept(await rawServer((socket) => socket.write('hi')));
  let seen = '';
  const onread = {
    buffer: Buffer.alloc(1024),
    callback: (bytes: number, buffer: Uint8Array) => {
      seen += Buffer.from(buffer.subarray(0, bytes)).toString();
      return true;
    },
  };
  const socket = await dialled(makeDial(), originOf(server.port), { onread });
  await until(() => seen === 'hi');
  assert.equal(socket.listenerCount('error'), 0);
});

test('TLS: checked, http/1.1, and the session is used again for the same name only', async () => {
  const server = await secureServer();
  const dial = makeDial(TEST_CA);
  const reused: boolean[] = [];
  for (const hostname of ['127.0.0.1', '127.0.0.1', 'localhost']) {
    const socket = await dialled(dial, originOf(server.port, { protocol: 'https:', hostname }));
    assert.ok(socket instanceof TLSSocket);
    assert.deepEqual([socket.authorized, socket.alpnProtocol], [true, 'http/1.1']);
    reused.push(socket.isSessionReused());
    await new Promise((resolve) => socket.once('data', resolve)); // the session comes with it
    await new Promise(setImmediate);
  }
  assert.deepEqual(reused, [false, true, false]);
});

for (const switchedOff of [undefined, '0']) {
  test(`TLS: an unknown CA, NODE_TLS_REJECT_UNAUTHORIZED=${switchedOff}`, async () => {
    const server = await secureServer();
    const before = process.env.NODE_TLS_REJECT_UNAUTHORIZED;
    if (switchedOff !== undefined) process.env.NODE_TLS_REJECT_UNAUTHORIZED = switchedOff;
    try {
      const origin = originOf(server.port, { protocol: 'https:' });
      await assert.rejects(dialled(makeDial(), origin), /certificate/);
    } finally {
      if (before === undefined) delete process.env.NODE_TLS_REJECT_UNAUTHORIZED;
      else process.env.NODE_TLS_REJECT_UNAUTHORIZED = before;
    }
  });
}

test('TLS: a name that the certificate does not hold', async () => {
  const server = await secureServer();
  const origin = originOf(server.port, { protocol: 'https:', hostname: '::ffff:127.0.0.1' });
  await assert.rejects(dialled(makeDial(TEST_CA), origin), {
    code: 'ERR_TLS_CERT_ALTNAME_INVALID',
  });
});

test('nobody listens', async () => {
  const server = await rawServer(() => {});
  await server.close();
  await assert.rejects(dialled(makeDial(), originOf(server.port)), { code: 'ECONNREFUSED' });
});

for (const protocol of ['http:', 'https:'] as const) {
  test(`${protocol} abort: no callback, and no connection is left`, async () => {
    const server = kept(await rawServer((socket) => socket.resume()));
    const dialling = makeDial()(originOf(server.port, { protocol }), {}, () => assert.fail());
    if (protocol === 'https:') await until(() => server.sockets.length === 1); // a handshake waits
    dialling.abort();
    dialling.abort();
    await until(() => server.sockets.every((socket) => socket.closed));
  });
}
