/** Where `fetch` differs on purpose, and that it says so. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { createServer as createHttps } from 'node:https';
import { test } from 'node:test';
import { fetchTransport } from '../../lib/transports/fetch.ts';
import { makeTransport } from '../../lib/transports/index.ts';
import { listening, onRequests, rawServer } from '../support/raw-server.ts';
import { TEST_CA, TEST_CA_FILE, TEST_TLS } from '../support/tls.ts';
import { originOf, outcome, requestTo } from '../support/upstream.ts';

const OK = 'HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok';

test('a reused connection that died is told, not repeated', async (t) => {
  const server = await rawServer((socket) =>
    onRequests(socket, (_head, nth) => (nth === 0 ? socket.write(OK) : socket.end())),
  );
  t.after(() => server.close());
  const transport = fetchTransport();
  assert.equal(await outcome(transport, requestTo(originOf(server.port))), '200 ok');
  await new Promise(setImmediate); // the pool takes a connection back after the callback
  assert.equal(await outcome(transport, requestTo(originOf(server.port))), '!before-answer');
  assert.equal(server.sockets.length, 1);
});

test('a refused header is told without its value', async () => {
  const headers = { authorization: 'Bearer hunter2\n\u0100' };
  const call = fetchTransport().send(requestTo(originOf(1), { headers }));
  await assert.rejects(call.answer, (error: Error) => {
    assert.equal(error.message, 'Cannot connect to 127.0.0.1:1 (not a valid request)');
    assert.equal(error.cause, undefined);
    return true;
  });
});

test('a CA cannot be given, so it is refused out loud', () => {
  assert.throws(() => makeTransport('fetch', { ca: TEST_CA }), /NODE_EXTRA_CA_CERTS/);
  assert.equal(makeTransport('fetch').name, 'fetch');
  assert.equal(makeTransport('auto').name, 'native');
});

const CHILD = `
  import { fetchTransport } from './lib/transports/fetch.ts';
  import { originOf, outcome, requestTo } from './test/support/upstream.ts';
  const origin = originOf(Number(process.env.TEST_PORT), { protocol: 'https:' });
  console.log(await outcome(fetchTransport(), requestTo(origin)));
`;

for (const { name, env, want } of [
  { name: 'unknown CA', env: {}, want: '!connect' },
  { name: 'NODE_EXTRA_CA_CERTS', env: { NODE_EXTRA_CA_CERTS: TEST_CA_FILE }, want: '200 ok' },
]) {
  test(`TLS: ${name}`, { timeout: 20_000 }, async (t) => {
    const server = await listening(createHttps(TEST_TLS, (_ask, reply) => reply.end('ok')));
    t.after(() => server.close());
    const child = spawn(
      process.execPath,
      ['--import', 'tsx', '--input-type=module', '--eval', CHILD],
      {
        cwd: new URL('../../', import.meta.url),
        env: { ...process.env, ...env, TEST_PORT: String(server.port) },
        stdio: ['ignore', 'pipe', 'inherit'],
      },
    );
    let out = '';
    for await (const text of child.stdout.setEncoding('utf8')) out += text;
    assert.equal(out.trim(), want);
  });
}
