/** Do calls to providers take the way that the environment names, through real forward proxies? */

import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { createServer as createHttp } from 'node:http';
import { createServer as createHttps } from 'node:https';
import { createServer as createTcp } from 'node:net';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import type { ForwardProxy } from '../lib/config/types.ts';
import { proxiesFrom } from '../lib/transports/forward-proxies.ts';
import { makeTransport, type TransportName } from '../lib/transports/index.ts';
import type { Transport } from '../lib/transports/types.ts';
import { connectProxy, type RunningProxy, TINYPROXY, tinyproxy } from './support/forward-proxy.ts';
import { ask } from './support/http-client.ts';
import { kept } from './support/kept.ts';
import { folder, program } from './support/program.ts';
import { listening, type TestServer } from './support/raw-server.ts';
import { completion, scripted } from './support/scripted.ts';
import { TEST_CA, TEST_TLS } from './support/tls.ts';
import { originOf, outcome, requestTo, TRANSPORTS } from './support/upstream.ts';

/** Those that can: the platform's `fetch` takes no proxy. */
const NAMES = TRANSPORTS.map(({ name }) => name).filter((name) => name !== 'fetch');

function transport(name: TransportName, { port }: RunningProxy, authorization = ''): Transport {
  const proxy: ForwardProxy = { protocol: 'http:', hostname: '127.0.0.1', port, authorization };
  const proxyOf = proxiesFrom({ http: proxy, https: proxy, except: 'localhost' });
  return kept(makeTransport(name, { ca: TEST_CA, proxyOf }));
}

const answer = (_request: unknown, response: { end(text: string): void }) => response.end('ok');
const PROTOCOLS = {
  'http:': () => createHttp(answer),
  'https:': () => createHttps(TEST_TLS, answer),
};

async function server(protocol: 'http:' | 'https:'): Promise<TestServer> {
  return kept(await listening(PROTOCOLS[protocol]()));
}

for (const name of NAMES) {
  describe(`through ${name}`, () => {
    for (const protocol of ['http:', 'https:'] as const) {
      test(`${protocol} goes through a tunnel, and its connection is kept`, async () => {
        const [proxy, upstream] = [kept(await connectProxy()), await server(protocol)];
        const through = transport(name, proxy);
        const origin = originOf(upstream.port, { protocol });
        for (let call = 0; call < 3; call++) {
          assert.equal(await outcome(through, requestTo(origin)), '200 ok');
        }
        assert.deepEqual(proxy.asked, [`127.0.0.1:${upstream.port}`]);
        assert.equal(upstream.sockets.length, 1);
      });
      test(`${protocol} goes straight where NO_PROXY says so`, async () => {
        const [proxy, upstream] = [kept(await connectProxy()), await server(protocol)];
        const through = transport(name, proxy);
        const origin = originOf(upstream.port, { protocol, hostname: 'localhost' });
        assert.equal(await outcome(through, requestTo(origin)), '200 ok');
        assert.deepEqual(proxy.asked, []);
      });
      test(`${protocol} through tinyproxy, with its password and without`, {
        skip: TINYPROXY === undefined ? 'tinyproxy is not installed' : false,
      }, async () => {
        const [proxy, upstream] = [kept(await tinyproxy('me', 'pass')), await server(protocol)];
        const origin = originOf(upstream.port, { protocol });
        const basic = `Basic ${Buffer.from('me:pass').toString('base64')}`;
        const through = transport(name, proxy, basic);
        for (let call = 0; call < 3; call++) {
          assert.equal(await outcome(through, requestTo(origin)), '200 ok');
        }
        assert.equal(upstream.sockets.length, 1);
        const { answer } = transport(name, proxy).send(requestTo(origin));
        await assert.rejects(answer, { fault: 'connect', message: /PROXY_STATUS_40[17]/ });
      });
    }
    test('a large body goes through in both directions', async () => {
      const echo = createHttps(TEST_TLS, (request, response) => request.pipe(response));
      const [proxy, upstream] = [kept(await connectProxy()), kept(await listening(echo))];
      const body = 'x'.repeat(3_000_000);
      const origin = originOf(upstream.port, { protocol: 'https:' });
      const told = await outcome(transport(name, proxy), requestTo(origin, { body }));
      assert.equal(told.length, body.length + '200 '.length);
    });
    test('a proxy that is silent, one that is not there', async () => {
      const silent = kept(await listening(createTcp()));
      const origin = originOf(1, { connectTimeoutMs: 200 });
      const late = transport(name, { ...silent, asked: [] });
      assert.equal(await outcome(late, requestTo(origin)), '!connect-timeout');
      const gone = kept(await listening(createTcp()));
      await gone.close();
      assert.equal(
        await outcome(transport(name, { ...gone, asked: [] }), requestTo(origin)),
        '!connect',
      );
    });
  });
}

test('the program takes the proxy of its environment, and check shows it without its password', async (t) => {
  const [proxy, upstream] = [
    kept(await connectProxy()),
    kept(await scripted([], completion('fine'))),
  ];
  const cwd = folder(t);
  writeFileSync(
    join(cwd, 'config.yaml'),
    `server: { port: 0 }\nproviders: [{ name: a, endpoint: "${upstream.url}", models: [glm-4.6], api_key: k }]\n`,
  );
  const env = { HTTP_PROXY: `http://me:hidden-word@127.0.0.1:${proxy.port}` };
  const running = program(t, ['run'], { cwd, env });
  const body = { model: 'glm-4.6', messages: [{ role: 'user', content: 'hi' }] };
  const { status } = await ask(`${await running.listening()}/openai/chat/completions`, { body });
  assert.equal(status, 200);
  assert.deepEqual(proxy.asked, [upstream.url.replace(/^http:\/\/|\/v1$/g, '')]);
  const checked = program(t, ['check'], { cwd, env });
  assert.equal(await checked.ended, 0);
  assert.match(checked.out, new RegExp(`forward proxy.*127\\.0\\.0\\.1:${proxy.port}`));
  for (const { out, err } of [running, checked]) assert.doesNotMatch(out + err, /hidden-word/);
});
