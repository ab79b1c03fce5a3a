/** Does a forward proxy get asked as it should, and what of its answers is a tunnel? */
import assert from 'node:assert/strict';
import type { Socket } from 'node:net';
import { after, describe, test } from 'node:test';
import type { ForwardProxy } from '../../lib/config/types.ts';
import { openTunnel } from '../../lib/transports/tunnel.ts';
import { rawServer, type TestServer } from '../support/raw-server.ts';
import { originOf, until } from '../support/upstream.ts';

const servers: TestServer[] = [];
after(async () => {
  for (const server of servers) await server.close();
});

async function proxyThat(act: (socket: Socket, head: string) => void, authorization = '') {
  const server = await rawServer((socket) => {
    socket.once('data', (bytes) => act(socket, bytes.toString('latin1')));
  });
  servers.push(server);
  const proxy: ForwardProxy = {
    protocol: 'http:',
    hostname: '127.0.0.1',
    port: server.port,
    authorization,
  };
  return { server, proxy };
}

function tunnel(
  proxy: ForwardProxy,
  hostname = 'api.example.com',
): Promise<{ error: NodeJS.ErrnoException | null; socket: Socket }> {
  return new Promise((resolve) => {
    const origin = originOf(443, { protocol: 'https:', hostname });
    openTunnel(proxy, origin, undefined, (error, socket) => {
      socket.pause(); // a promise is a turn too late
      resolve({ error, socket });
    });
  });
}

test('host and port are asked for, credentials are sent, the socket is left at the next byte', async () => {
  let asked = '';
  const { proxy } = await proxyThat((socket, head) => {
    asked = head;
    socket.write('HTTP/1.1 200 Connection established\r\n\r\n', () => {
      socket.once('data', (bytes) => socket.end(`echo ${bytes}`));
    });
  }, 'Basic bWU6cGFzcw==');
  const { error, socket } = await tunnel(proxy);
  assert.equal(error, null);
  assert.equal(
    asked,
    'CONNECT api.example.com:443 HTTP/1.1\r\nhost: api.example.com:443\r\n' +
      'proxy-authorization: Basic bWU6cGFzcw==\r\n\r\n',
  );
  let text = '';
  socket.on('data', (bytes) => {
    text += bytes;
  });
  socket.resume();
  socket.write('hello');
  await until(() => text === 'echo hello');
});

test('an IPv6 address is asked for in brackets', async () => {
  let asked = '';
  const { proxy } = await proxyThat((socket, head) => {
    asked = head;
    socket.end('HTTP/1.1 200 OK\r\n\r\n');
  });
  await tunnel(proxy, '2001:db8::1');
  assert.match(
    asked,
    /^CONNECT \[2001:db8::1\]:443 HTTP\/1\.1\r\nhost: \[2001:db8::1\]:443\r\n\r\n$/,
  );
});

const ANSWERS: readonly (readonly [name: string, act: (socket: Socket) => void, code: string])[] = [
  ['200', (s) => s.write('HTTP/1.1 200 OK\r\n\r\n'), ''],
  ['HTTP/1.0, with headers', (s) => s.write('HTTP/1.0 200 OK\r\nproxy-agent: p\r\n\r\n'), ''],
  ['no reason phrase', (s) => s.write('HTTP/1.1 204\r\n\r\n'), ''],
  [
    'byte by byte',
    (s) => {
      for (const byte of 'HTTP/1.1 200 OK\r\n\r\n') s.write(byte);
    },
    '',
  ],
  ['407', (s) => s.write('HTTP/1.1 407 Who?\r\n\r\n'), 'PROXY_STATUS_407'],
  ['502 with a page', (s) => s.end('HTTP/1.1 502 Bad\r\n\r\n<html>'), 'PROXY_STATUS_502'],
  ['stray bytes', (s) => s.write('HTTP/1.1 200 OK\r\n\r\nx'), 'PROXY_STRAY_BYTES'],
  ['not HTTP', (s) => s.write('SSH-2.0\r\n\r\n'), 'PROXY_NO_HTTP'],
  ['an endless head', (s) => s.write('a'.repeat(100_000)), 'PROXY_NO_HTTP'],
  ['closed', (s) => s.end(), 'PROXY_CLOSED'],
  ['closed inside of the head', (s) => s.end('HTTP/1.1 200'), 'PROXY_CLOSED'],
  ['reset', (s) => s.resetAndDestroy(), 'ECONNRESET'],
];

describe('answers to CONNECT', () => {
  for (const [name, act, code] of ANSWERS) {
    test(name, async () => {
      const { proxy, server } = await proxyThat((socket) => act(socket));
      const { error, socket } = await tunnel(proxy);
      assert.equal(error?.code ?? '', code);
      if (error === null) socket.destroy();
      await until(() => socket.destroyed && server.sockets.every(({ destroyed }) => destroyed));
    });
  }
});

test('a proxy that is not there', async () => {
  const { proxy, server } = await proxyThat(() => {});
  await server.close();
  assert.equal((await tunnel(proxy)).error?.code, 'ECONNREFUSED');
});

test('given up before it stood: nothing is called, nothing is left', async () => {
  const { proxy, server } = await proxyThat(() => {});
  const origin = originOf(443, { protocol: 'https:' });
  const socket = openTunnel(proxy, origin, undefined, () => assert.fail('called'));
  await until(() => server.sockets.length === 1);
  socket.destroy();
  await until(() => server.sockets[0]?.destroyed === true);
});
