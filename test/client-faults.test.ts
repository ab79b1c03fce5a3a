/**
 * What clients do wrong, a row a fault, through the whole proxy. After each row nothing is
 * reserved and nobody waits (road.ts looks), and where it may be the connection goes on.
 */
import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import test, { type TestContext } from 'node:test';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';
import { chat, message } from './support/http-client.ts';
import { folder } from './support/program.ts';
import { rawClient, rawGet, rawPost } from './support/raw-client.ts';
import { road } from './support/road.ts';
import { delta, type Scripted } from './support/scripted.ts';
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

test('a client that reads slowly stalls its upstream, and little is kept for it', async (t) => {
  const piece = delta('x'.repeat(16_000));
  let written = 0;
  let stalled = false;
  const endless: Scripted = (response) => {
    response.writeHead(200, { 'content-type': 'text/event-stream' });
    const pour = () => {
      if (response.destroyed) return;
      for (let n = 0; n < 10; n++) {
        written += piece.length;
        stalled = !response.write(piece);
      }
      if (stalled) response.once('drain', pour);
      else setImmediate(pour);
    };
    pour();
  };
  for (const asked of [
    rawPost(CHAT, chat('x', { stream: true })),
    rawPost('/anthropic/v1/messages', message('x', { stream: true })),
  ]) {
    written = 0;
    const { proxy, provider } = await road(t, { answers: [endless] });
    const client = rawClient(proxy.port, asked);
    await until(() => client.text.length > 0);
    client.socket.pause();
    let before = -1;
    await until(() => {
      const still = stalled && written === before;
      before = written;
      return still;
    });
    const held = process.memoryUsage().arrayBuffers;
    assert.ok(written < 64_000_000, `${written} bytes were taken`); // sockets of the system
    assert.ok(held < 32_000_000, `${held} bytes are kept`);
    client.socket.destroy();
    await until(() => provider.received[0]?.cut === true);
  }
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
