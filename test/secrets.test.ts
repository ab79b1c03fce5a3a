/**
 * No secret in anything that the program says. Every error that a client can be told is driven, by
 * a provider and clients that quote secrets wherever they can; then the answers, the log in both
 * forms, the metrics, the health page, the state and `check` are searched.
 */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { type TestContext, test } from 'node:test';
import { renderCheck } from '../lib/commands/check.ts';
import { type ErrorCode, isErrorCode } from '../lib/errors.ts';
import { MAX_HEADERS } from '../lib/limits.ts';
import { remember } from '../lib/memory.ts';
import { makeLog } from '../lib/telemetry/log.ts';
import { makeRedactor } from '../lib/telemetry/redact.ts';
import { type Answered, type Asking, ask, chat, message, open } from './support/http-client.ts';
import { startProxy, type TestProxy } from './support/proxy.ts';
import { DONE, delta, type Scripted, type ScriptedProvider, scripted } from './support/scripted.ts';
import { until } from './support/upstream.ts';

const KEY = 'marked-key-0123456789';
const HEADER = 'marked-header-0123456789';
const TOKEN = 'marked-token-of-ann-0123';
const SHARED = 'marked-token-of-all-0123';
const SECRETS = [KEY, HEADER, TOKEN, SHARED];

/** The secrets as a provider may quote them. */
const QUOTED = SECRETS.flatMap((secret) => [
  secret,
  encodeURIComponent(secret),
  Buffer.from(secret).toString('base64'),
  `Bearer ${secret}`,
]).join(' | ');
const SPELLINGS = SECRETS.flatMap((secret) => [
  secret,
  Buffer.from(secret).toString('base64').slice(0, -4),
]);

const asAnn = { authorization: `Bearer ${TOKEN}` };

interface Rig {
  readonly provider: ScriptedProvider;
  readonly proxy: TestProxy;
  say(body: object, headers?: Asking['headers']): Promise<Answered>;
}

async function rig(t: TestContext, otherwise: Scripted): Promise<Rig> {
  const provider = await scripted([], otherwise);
  const proxy = await startProxy(`
server:
  clients: [{ name: ann, token: ${TOKEN}, tokens_per_minute: 1000000 }]
  auth_tokens: [${SHARED}]
  max_body_bytes: 4KiB
limits: { queue: { max_wait: 200ms } }
providers:
  - name: p
    preset: generic
    endpoint: ${provider.url}
    models: [m]
    headers: { x-team-token: "Token ${HEADER}" }
    timeouts: { first_byte: 200ms }
    load_balancing: { api_keys: [{ key: ${KEY}, name: k }] }
`);
  t.after(async () => {
    await proxy.close();
    await provider.close();
  });
  return {
    provider,
    proxy,
    say: (body, headers = asAnn) => ask(`${proxy.url}/anthropic/v1/messages`, { body, headers }),
  };
}

const refusal = (status: number, code: string): Scripted => ({
  status,
  headers: { 'x-echo': KEY, 'set-cookie': `k=${KEY}`, 'retry-after': '1' },
  body: { error: { message: `no: ${QUOTED}`, code, type: `${code} ${KEY}`, param: KEY } },
});

interface Row {
  readonly code: ErrorCode;
  readonly status: number;
  readonly otherwise?: Scripted;
  /** Default: a message of `ann`. */
  readonly act?: (on: Rig) => Promise<Answered>;
}

const plain = message('x', { model: 'm' });

/** One row at least for each code of lib/errors.ts, or its name in NOT_DRIVEN. */
const ROWS: readonly Row[] = [
  { code: 'INVALID_REQUEST', status: 400, act: ({ say }) => say({ model: 'm', messages: KEY }) },
  {
    code: 'PROMPT_TOO_LONG',
    status: 400,
    otherwise: refusal(400, 'context_length_exceeded'),
  },
  { code: 'PROVIDER_REFUSED', status: 400, otherwise: refusal(400, 'bad') },
  { code: 'PROVIDER_REFUSED', status: 400, otherwise: { status: 422, body: `<p>${QUOTED}` } },
  {
    code: 'UNAUTHENTICATED',
    status: 401,
    act: ({ say }) => say(plain, { 'x-api-key': `${TOKEN}x`, authorization: `Basic ${TOKEN}` }),
  },
  {
    code: 'FORBIDDEN',
    status: 403,
    act: ({ say }) => say(plain, { ...asAnn, origin: `http://${TOKEN}` }),
  },
  {
    code: 'NOT_FOUND',
    status: 404,
    act: ({ proxy }) => ask(`${proxy.url}/nowhere?key=${TOKEN}`, { headers: asAnn }),
  },
  {
    code: 'MODEL_NOT_FOUND',
    status: 404,
    otherwise: refusal(404, 'model_not_found'),
  },
  {
    code: 'METHOD_NOT_ALLOWED',
    status: 405,
    act: ({ proxy }) =>
      ask(`${proxy.url}/anthropic/v1/messages?key=${TOKEN}`, { method: 'PUT', headers: asAnn }),
  },
  { code: 'BODY_TOO_LARGE', status: 413, act: ({ say }) => say(message(KEY.repeat(400))) },
  {
    code: 'EXPECTATION_FAILED',
    status: 417,
    act: ({ say }) => say(plain, { ...asAnn, expect: `a ${TOKEN}` }),
  },
  {
    code: 'HEADERS_TOO_LARGE',
    status: 431,
    act: ({ say }) => {
      const many = Array.from({ length: MAX_HEADERS + 1 }, (_, n) => [`x-${n}`, TOKEN]);
      return say(plain, { ...asAnn, ...Object.fromEntries(many) });
    },
  },
  { code: 'NO_ROOM', status: 429, otherwise: refusal(429, 'rate_limit_exceeded') },
  { code: 'BALANCE_EXHAUSTED', status: 429, otherwise: refusal(402, 'insufficient_balance') },
  {
    code: 'CLIENT_GONE',
    status: 0,
    otherwise: () => {},
    act: async ({ proxy, provider }) => {
      const url = `${proxy.url}/anthropic/v1/messages?key=${TOKEN}`;
      const live = open(url, { body: plain, headers: asAnn });
      await until(() => provider.received.length > 0);
      live.hangUp();
      return await live.done;
    },
  },
  {
    code: 'INTERNAL',
    status: 500,
    act: ({ proxy, say }) => {
      const send = () => {
        throw new Error(`cannot send ${QUOTED}`);
      };
      Object.assign(proxy.gateway, { transport: { ...proxy.gateway.transport, send } });
      return say(plain);
    },
  },
  { code: 'KEYS_REFUSED', status: 502, otherwise: refusal(401, 'invalid_api_key') },
  { code: 'KEYS_REFUSED', status: 502, otherwise: refusal(403, 'forbidden') },
  { code: 'UPSTREAM_FAILED', status: 502, otherwise: { status: 500, body: QUOTED } },
  { code: 'UPSTREAM_FAILED', status: 502, otherwise: { body: `<html>${QUOTED}` } },
  { code: 'UPSTREAM_FAILED', status: 502, otherwise: refusal(302, 'moved') },
  { code: 'UPSTREAM_TIMEOUT', status: 504, otherwise: () => {} },
  {
    code: 'DRAINING',
    status: 503,
    otherwise: () => {},
    act: async ({ proxy, provider }) => {
      const live = open(`${proxy.url}/anthropic/v1/messages`, { body: plain, headers: asAnn });
      await until(() => provider.received.length > 0);
      await proxy.close();
      return await live.done;
    },
  },
  { code: 'PROVIDER_BUSY', status: 529, otherwise: refusal(503, 'overloaded') },
];

/** No word of anybody is in it, and it needs a process at its end (test/overload.test.ts). */
const NOT_DRIVEN: readonly ErrorCode[] = ['OVERLOADED'];

function assertNoSecret(what: string, text: string): void {
  for (const spelling of SPELLINGS) {
    assert.ok(!text.includes(spelling), `${what} holds ${spelling}: ${text.slice(0, 2_000)}`);
  }
}

/** Everything that the proxy says besides its answer. */
async function search({ proxy }: Rig): Promise<void> {
  assertNoSecret('the log', JSON.stringify(proxy.log));
  const state = remember(proxy.gateway, (mark) => `hash ${mark.length}`);
  assertNoSecret('the state', JSON.stringify(state));
  assertNoSecret('check', renderCheck(proxy.gateway.config));
  for (const path of ['/health', '/metrics', '/anthropic/v1/models', '/openai/models']) {
    const { text, headers } = await ask(proxy.url + path, { headers: asAnn });
    assertNoSecret(path, text + JSON.stringify(headers));
  }
}

for (const { code, status, otherwise = {}, act = ({ say }: Rig) => say(plain) } of ROWS) {
  test(`no secret in what is said of ${code}`, async (t) => {
    const on = await rig(t, otherwise);
    const answer = await act(on);
    assert.equal(answer.status, status, answer.text);
    assertNoSecret('the answer', answer.text + JSON.stringify(answer.headers));
    await until(() => on.proxy.log.some(({ msg }) => msg === 'request'));
    await search(on);
  });
}

test('every code of the table of errors is driven', () => {
  const driven = new Set<string>([...ROWS.map(({ code }) => code), ...NOT_DRIVEN]);
  const source = readFileSync(new URL('../lib/errors.ts', import.meta.url), 'utf8');
  const codes = [...source.matchAll(/^ {2}([A-Z_]+): row\(/gm)].map(([, code = '']) => code);
  assert.ok(codes.length > 15 && codes.every(isErrorCode));
  assert.deepEqual(
    codes.filter((code) => !driven.has(code)),
    [],
  );
});

test('no secret in a stream that breaks, nor in the OpenAI dialect', async (t) => {
  const on = await rig(t, (response) => {
    response.writeHead(200, { 'content-type': 'text/event-stream', 'x-echo': KEY });
    response.write(delta('fine'));
    response.write(`data: ${JSON.stringify({ error: { message: QUOTED, code: KEY } })}\n\n`);
    response.end(DONE);
  });
  for (const path of ['/openai/chat/completions', '/anthropic/v1/messages']) {
    const body = path.startsWith('/openai')
      ? chat('x', { model: 'm', stream: true })
      : message('x', { model: 'm', stream: true });
    const answer = await ask(on.proxy.url + path, { body, headers: asAnn });
    assert.match(answer.text, /fine/);
    assertNoSecret(path, answer.text + JSON.stringify(answer.headers));
  }
  await search(on);
});

test('the pretty form of the log holds none either', () => {
  let out = '';
  const log = makeLog({
    level: 'debug',
    format: 'pretty',
    write: (line) => {
      out += line;
    },
    redact: makeRedactor(SECRETS),
    now: () => 0,
  });
  log.error(QUOTED, { error: QUOTED, keys: [QUOTED] });
  assert.match(out, /\[redacted\]/);
  assertNoSecret('the log', out);
});
