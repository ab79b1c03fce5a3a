/**
 * What clients do wrong, a row a fault, through the whole proxy. After each row nothing is
 * reserved and nobody waits (road.ts looks), and where it may be the connection goes on.
 */
import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { Socket } from 'node:net';
import test, { type TestContext } from 'node:test';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';
import type { Bucket } from '../lib/quotas/bucket.ts';
import { chat, message } from './support/http-client.ts';
import { folder } from './support/program.ts';
import { startProxy } from './support/proxy.ts';
import { rawClient, rawGet, rawPost } from './support/raw-client.ts';
import { rawServer } from './support/raw-server.ts';
import { road } from './support/road.ts';
import { completion, delta, type Scripted } from './support/scripted.ts';
import { until } from './support/upstream.ts';

const CHAT = '/openai/chat/completions';
const HEALTH = rawGet('/health');
const gzip = 'content-encoding: gzip\r\n';
const refuse = (status: number): Scripted => ({ status, body: { error: { message: 'no' } } });
const breaks: Scripted = (response) => {
  response.writeHead(200, { 'content-type': 'text/event-stream' });
  response.write(delta('one'));
  setImmediate(() => response.destroy());
};

/** [what went wrong, the request, status told, answers of the provider] */
const FAULTS: readonly (readonly [string, string | Buffer, number, (readonly Scripted[])?])[] = [
  ['no JSON', rawPost(CHAT, '{'), 400],
  ['an unknown model', rawPost(CHAT, chat('x', { model: 'none' })), 404],
  ['an unknown path', rawPost('/nothing', chat('x')), 404],
  ['a wrong method', rawPost('/health', '{}'), 405],
  ['a body that is too large', rawPost(CHAT, 'x'.repeat(5_000)), 413],
  ['a coded body that is broken', rawPost(CHAT, 'no gzip', gzip), 400],
  ['a coded body that is a bomb', coded(Buffer.alloc(1_000_000)), 413],
  ['a limit of the provider', rawPost(CHAT, chat('x')), 429, [refuse(429)]],
  ['a provider that is broken', rawPost(CHAT, chat('x')), 502, Array(8).fill(refuse(500))],
  ['a stream that breaks', rawPost(CHAT, chat('x', { stream: true })), 200, [breaks]],
  ['HEAD', 'HEAD /health HTTP/1.1\r\nhost: localhost\r\n\r\n', 200],
];

function coded(body: Buffer): Buffer {
  const bytes = gzipSync(body);
  const head = `POST ${CHAT} HTTP/1.1\r\nhost: localhost\r\n${gzip}content-length: ${bytes.length}`;
  return Buffer.concat([Buffer.from(`${head}\r\n\r\n`), bytes]);
}

for (const [name, bytes, status, answers = []] of FAULTS)
  test(`the connection goes on after ${name}`, async (t) => {
    const { proxy } = await road(t, {
      answers,
      config: 'server: { max_body_bytes: 2000 }\nlimits: { queue: { max_wait: 50ms } }',
    });
    const client = rawClient(proxy.port, bytes);
    await until(() => client.statuses.length === 1 && client.text.includes('\r\n\r\n'));
    client.write(HEALTH);
    await until(() => client.statuses.length === 2);
    assert.equal(client.statuses[0], status, client.text);
    await client.has('"uptime_seconds"');
    client.socket.destroy();
  });

/** What the proxy may hold for one client: a read of the upstream, what waits for the client, and
 *  the differences between the frames of both sides. */
const HELD_BYTES = 300_000;

/** Pours frames as fast as its socket takes them. */
function pouring(piece: string, written: { bytes: number; stalled: boolean }): Scripted {
  return (response) => {
    response.writeHead(200, { 'content-type': 'text/event-stream' });
    const pour = () => {
      if (response.destroyed) return;
      written.bytes += piece.length;
      written.stalled = !response.write(piece);
      if (written.stalled) response.once('drain', pour);
      else setImmediate(pour);
    };
    pour();
  };
}

/** The end in this process of a connection between two of its ports. */
function socketOf(matches: (socket: Socket) => boolean): Socket {
  const { _getActiveHandles: handles } = process as unknown as { _getActiveHandles(): unknown[] };
  const found = handles.call(process).find((one) => one instanceof Socket && matches(one));
  assert.ok(found instanceof Socket);
  return found;
}

for (const transport of ['native', 'http', 'fetch'] as const) {
  for (const [path, body] of [
    [CHAT, chat('x', { stream: true })],
    ['/anthropic/v1/messages', message('x', { stream: true })],
  ] as const)
    test(`a client that reads slowly stalls its upstream, and little is kept for it: ${transport}, ${path}`, async (t) => {
      const written = { bytes: 0, stalled: false };
      const answers = [pouring(delta('x'.repeat(16_000)), written)];
      const { proxy, provider } = await road(t, { answers, proxy: { transport } });
      const client = rawClient(proxy.port, rawPost(path, body));
      await until(() => client.text.length > 0);
      const toClient = socketOf(({ localPort }) => localPort === proxy.port);
      const providerPort = Number(new URL(provider.url).port);
      const fromProvider = socketOf(({ remotePort }) => remotePort === providerPort);
      client.socket.pause();
      let before = -1;
      await until(() => {
        const still = written.stalled && written.bytes === before;
        before = written.bytes;
        return still;
      });
      const passedOn = toClient.bytesWritten - toClient.writableLength;
      const held = fromProvider.bytesRead - passedOn;
      assert.ok(toClient.writableLength > 0, 'it is the client that is slow');
      assert.ok(held < HELD_BYTES, `${held} bytes are kept`);
      client.socket.destroy();
      await until(() => provider.received[0]?.cut === true);
    });
}

for (const transport of ['native', 'http', 'fetch'] as const)
  test(`a client that leaves while its upstream is connected to: ${transport}`, async (t) => {
    const server = await rawServer((socket) => socket.resume()); // never shakes hands
    t.after(() => server.close());
    const proxy = await startProxy(
      `providers:
  - name: p1
    preset: generic
    endpoint: https://127.0.0.1:${server.port}/v1
    models: [glm-4.6]
    load_balancing: { api_keys: [{ key: key-secret-1, max_concurrent: 1 }] }`,
      { transport },
    );
    t.after(() => proxy.close());
    for (let nth = 1; nth <= 3; nth++) {
      const client = rawClient(proxy.port, rawPost(CHAT, chat('x')));
      await until(() => proxy.gateway.quotas.inFlight(0 as Bucket) === 1);
      await until(() => server.sockets.length >= (transport === 'fetch' ? 1 : nth));
      client.socket.destroy();
      const requests = () => proxy.log.filter(({ msg }) => msg === 'request');
      await until(() => requests().length === nth);
      assert.deepEqual([requests()[nth - 1]?.status, proxy.gateway.waiting.depth], [499, 0]);
      assert.equal(proxy.gateway.quotas.inFlight(0 as Bucket), 0);
      // `fetch` goes on connecting, for the next request.
      if (transport === 'fetch') continue;
      await until(() => server.sockets.every(({ destroyed }) => destroyed));
    }
  });

test('the connection goes on after a request that waited for a key', async (t) => {
  const give: (() => void)[] = [];
  const slow: Scripted = (response) => {
    give.push(() => response.end('{"choices":[]}'));
  };
  const { proxy, requests } = await road(t, {
    answers: [slow, completion('waited'), slow, completion('again')],
    keys: ['{ max_concurrent: 1 }'],
    config: 'limits: { queue: { max_wait: 60s } }',
  });
  const post = rawPost(CHAT, chat('x'));
  const [other, client] = [rawClient(proxy.port), rawClient(proxy.port)];
  for (const [nth, said] of ['waited', 'again'].entries()) {
    other.write(post);
    await until(() => give.length === nth + 1);
    client.write(post);
    await until(() => proxy.gateway.waiting.depth === 1);
    give[nth]?.();
    await client.has(said);
    await until(() => requests().length === 2 * (nth + 1));
  }
  client.write(HEALTH);
  await until(() => client.statuses.length === 3);
  assert.deepEqual([...client.statuses, client.ended], [200, 200, 200, false]);
  for (const { socket } of [other, client]) socket.destroy();
});

test('500 idle connections: each newcomer and each of them is served', async (t) => {
  const { proxy } = await road(t);
  const idle = Array.from({ length: 500 }, () => rawClient(proxy.port));
  await until(() => idle.every(({ socket }) => socket.readyState === 'open'));
  assert.equal((await fetch(`${proxy.url}/health`)).status, 200);
  for (const client of idle) client.write(HEALTH);
  await until(() => idle.every(({ statuses }) => statuses.length === 1));
  assert.ok(idle.every(({ statuses }) => statuses[0] === 200));
  assert.equal((await fetch(`${proxy.url}/health`)).status, 200);
  assert.ok(idle.every(({ ended }) => !ended));
  for (const { socket } of idle) socket.destroy();
});

/** The demo in a process that may open few files; gives its port. */
async function cramped(t: TestContext): Promise<{ child: ChildProcess; port: number }> {
  const entry = fileURLToPath(new URL('support/program-entry.ts', import.meta.url));
  const args = ['--import', import.meta.resolve('tsx'), entry, 'demo', '-port', '0'];
  const limited = 'ulimit -n 500; exec "$0" "$@"';
  const child = spawn('/bin/sh', ['-c', limited, process.execPath, ...args], {
    cwd: folder(t),
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  t.after(() => child.kill('SIGKILL'));
  let out = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    out += text;
  });
  const port = () => Number(/"msg":"listening".*?"port":(\d+)/.exec(out)?.[1] ?? 0);
  await until(() => port() > 0);
  return { child, port: port() };
}

test('out of descriptors: new connections are not taken, and later they are', async (t) => {
  const { child, port } = await cramped(t);
  const idle = Array.from({ length: 600 }, () => rawClient(port, HEALTH));
  await until(() => idle.some(({ ended }) => ended));
  assert.equal(child.exitCode, null);
  for (const client of idle) client.socket.destroy();
  await until(() => idle.every(({ ended }) => ended));
  const last = rawClient(port, HEALTH);
  await last.has('"uptime_seconds"');
  last.socket.destroy();
});
