/** Where a key goes: to the configured host, and to no other one, over a connection that is checked. */
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { createServer as createHttps } from 'node:https';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { ask, chat, message } from './support/http-client.ts';
import { folder, program } from './support/program.ts';
import { startProxy } from './support/proxy.ts';
import { listening } from './support/raw-server.ts';
import { completion, scripted } from './support/scripted.ts';
import { TEST_CA_FILE, TEST_TLS } from './support/tls.ts';
import { TRANSPORTS } from './support/upstream.ts';

for (const { name } of TRANSPORTS)
  for (const status of [300, 301, 302, 303, 307, 308])
    test(`${name}: a ${status} is a failure, and its location sees nothing`, async (t) => {
      const elsewhere = await scripted();
      const provider = await scripted([], {
        status,
        headers: { location: `${elsewhere.url}/chat/completions` },
        body: 'moved',
      });
      const proxy = await startProxy(
        `
limits: { queue: { max_wait: 1s } }
providers: [{ name: p, endpoint: "${provider.url}", models: [m], api_key: marked-key }]
`,
        { transport: name },
      );
      t.after(async () => {
        await proxy.close();
        await Promise.all([provider.close(), elsewhere.close()]);
      });
      const body = status % 2 === 0 ? chat('x', { model: 'm' }) : message('x', { model: 'm' });
      const path = status % 2 === 0 ? '/openai/chat/completions' : '/anthropic/v1/messages';
      const answer = await ask(proxy.url + path, { body });
      assert.equal(answer.status, 502);
      assert.equal(answer.headers.location, undefined);
      assert.equal(elsewhere.received.length, 0);
      assert.ok(provider.received.length > 0);
    });

interface Trusting {
  readonly ca?: boolean;
  readonly transport?: string;
  readonly env?: Readonly<Record<string, string>>;
}

/** The status that a client of the real program gets from a provider behind TLS. */
async function statusOver(t: TestContext, { ca = false, transport, env = {} }: Trusting) {
  const answer = completion('x');
  const body = typeof answer === 'function' ? '' : JSON.stringify(answer.body);
  let calls = 0;
  const server = await listening(
    createHttps(TEST_TLS, (request, response) => {
      calls += 1;
      request.resume().on('end', () => response.end(body));
    }),
  );
  t.after(() => server.close());
  const cwd = folder(t);
  writeFileSync(
    join(cwd, 'config.yaml'),
    `
server: { port: 0${transport === undefined ? '' : `, transport: ${transport}`} }
${ca ? `tls: { ca_file: "${TEST_CA_FILE}" }` : ''}
state: { file: "" }
limits: { queue: { max_wait: 1s } }
providers: [{ name: p, endpoint: "https://localhost:${server.port}", models: [m], api_key: k }]
`,
  );
  const running = program(t, [], { cwd, env });
  const url = await running.listening();
  const { status } = await ask(`${url}/openai/chat/completions`, {
    body: chat('x', { model: 'm' }),
  });
  assert.equal(calls > 0, status === 200, 'nothing is sent over a connection that is not trusted');
  return status;
}

for (const { name, want, ...trusting } of [
  { name: 'an unknown CA', want: 502 },
  {
    name: 'an unknown CA, checks switched off in the environment',
    env: { NODE_TLS_REJECT_UNAUTHORIZED: '0' },
    want: 502,
  },
  {
    name: 'native, an unknown CA, checks switched off in the environment',
    transport: 'native',
    env: { NODE_TLS_REJECT_UNAUTHORIZED: '0' },
    want: 502,
  },
  { name: 'native, tls.ca_file', transport: 'native', ca: true, want: 200 },
  { name: 'tls.ca_file', ca: true, want: 200 },
  {
    name: 'tls.ca_file, beside NODE_EXTRA_CA_CERTS',
    ca: true,
    env: { NODE_EXTRA_CA_CERTS: TEST_CA_FILE },
    want: 200,
  },
] as ({ readonly name: string; readonly want: number } & Trusting)[]) {
  test(`certificates of providers: ${name}: ${want}`, { timeout: 30_000 }, async (t) => {
    assert.equal(await statusOver(t, trusting), want);
  });
}
