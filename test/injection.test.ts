/** What strangers write is text, wherever it goes: no line of the log, no header and no request
 *  line is begun or ended by it. */
import assert from 'node:assert/strict';
import { connect } from 'node:net';
import { type TestContext, test } from 'node:test';
import { makeLog } from '../lib/telemetry/log.ts';
import { parseExposition } from './support/exposition.ts';
import { ask, chat, errorOf, message } from './support/http-client.ts';
import { startProxy, type TestProxy } from './support/proxy.ts';
import { completion, type Scripted, type ScriptedProvider, scripted } from './support/scripted.ts';
import { until } from './support/upstream.ts';

const NASTY = [
  'm\r\nx-evil: 1\r\n\r\nHTTP/1.1 200 OK',
  'm\n{"level":"error","msg":"forged"}',
  '\x1b[2J\x1b]0;title\x07\x9b31m',
  'nul \0 del \x7f nel \x85 separators \u2028\u2029',
  'turned \u202e around \u2066',
  'a"} 1\ncooldown_forged_total{b="',
  '../../etc/passwd',
  '%0d%0ax-evil:%201',
  `half a pair ${String.fromCharCode(0xd800)}`,
];

/** What moves a cursor, breaks a line or turns the writing direction. */
const CONTROL = /[\p{Cc}\u2028\u2029\u202a-\u202e\u2066-\u2069]/u;

interface Rig {
  readonly provider: ScriptedProvider;
  readonly proxy: TestProxy;
  /** The lines of the log as a person sees them. */
  readonly pretty: string[];
}

async function rig(t: TestContext, otherwise: Scripted = completion('fine')): Promise<Rig> {
  const provider = await scripted([], otherwise);
  const proxy = await startProxy(`
limits: { queue: { max_wait: 300ms } }
models: { "any*": m }
environment_models: { default: m }
providers: [{ name: p, endpoint: "${provider.url}", models: [m], api_key: some-key-77 }]
`);
  t.after(async () => {
    await proxy.close();
    await provider.close();
  });
  const pretty: string[] = [];
  const log = makeLog({
    level: 'debug',
    format: 'pretty',
    write: (lines) => pretty.push(...lines.split('\n').slice(0, -1)),
    redact: (text) => text,
    now: () => 0,
  });
  const both = (level: 'debug' | 'info' | 'warn' | 'error') => {
    const json = proxy.gateway.log[level];
    return (text: string, fields?: Parameters<typeof json>[1]) => {
      json(text, fields);
      log[level](text, fields);
    };
  };
  const loggers = {
    debug: both('debug'),
    info: both('info'),
    warn: both('warn'),
    error: both('error'),
  };
  Object.assign(proxy.gateway, { log: loggers });
  return { provider, proxy, pretty };
}

function assertPlainLog({ proxy, pretty }: Rig): void {
  assert.ok(pretty.length > 0);
  assert.equal(pretty.length, proxy.log.length, 'a line for a line');
  for (const line of pretty) assert.doesNotMatch(line, CONTROL);
  for (const { msg } of proxy.log) assert.notEqual(msg, 'forged');
}

for (const text of NASTY) {
  test(`a model named ${JSON.stringify(text)}`, async (t) => {
    const on = await rig(t);
    for (const path of ['/anthropic/v1/messages', '/openai/chat/completions']) {
      const body = path.startsWith('/openai')
        ? chat('x', { model: text })
        : message('x', { model: text });
      const answer = await ask(on.proxy.url + path, { body });
      assert.equal(answer.status, 200);
      assert.equal(answer.headers['x-evil'], undefined);
      assert.equal(answer.headers['x-cooldown-model'], 'm');
      assert.equal((JSON.parse(answer.text) as { model: string }).model, text);
    }
    await until(() => on.proxy.log.filter(({ msg }) => msg === 'request').length === 2);
    for (const { body, path, headers } of on.provider.received) {
      assert.equal((JSON.parse(body) as { model: string }).model, 'm');
      assert.equal(path, '/v1/chat/completions');
      assert.equal(headers['x-evil'], undefined);
    }
    assertPlainLog(on);
    const { text: metrics } = await ask(`${on.proxy.url}/metrics`);
    const names = [...parseExposition(metrics).keys()];
    assert.ok(names.length > 10 && names.every((name) => !name.includes('forged')));
    assert.ok(!metrics.includes('evil'));
  });

  test(`a provider that says ${JSON.stringify(text)}`, async (t) => {
    const error = { message: text, code: text, type: text, param: text };
    const on = await rig(t, { status: 400, body: { error } });
    const answer = await ask(`${on.proxy.url}/openai/chat/completions`, {
      body: chat('x', { model: 'm' }),
    });
    assert.equal(answer.status, 400);
    assert.equal(typeof errorOf(answer).message, 'string');
    assert.equal(answer.headers['x-evil'], undefined);
    await until(() => on.proxy.log.some(({ msg }) => msg === 'request'));
    assertPlainLog(on);
  });
}

/** Sends bytes as they are; gives all that comes back. */
function raw(port: number, bytes: string): Promise<string> {
  return new Promise((resolve) => {
    let text = '';
    const socket = connect(port, '127.0.0.1', () => socket.end(bytes, 'latin1'));
    socket.setEncoding('latin1').on('data', (piece: string) => {
      text += piece;
    });
    socket.on('error', () => {});
    socket.on('close', () => resolve(text));
  });
}

test('paths and headers with control characters', async (t) => {
  const on = await rig(t);
  const { port } = on.proxy;
  for (const [head, want] of [
    ['GET /anthropic/\x1b[31mred HTTP/1.1\r\nhost: localhost', / (?:400|404|405) /],
    ['GET /openai/a%0d%0ax-evil:1 HTTP/1.1\r\nhost: localhost', / (?:404|405) /],
    ['GET /openai/models/%1b%5b31m%0a HTTP/1.1\r\nhost: localhost', / (?:200|404) /],
    ['G\x1bT / HTTP/1.1\r\nhost: localhost', / 400 /],
    ['GET / HTTP/1.1\r\nhost: localhost\x1b[31m', / (?:400|403) /],
    ['GET /health HTTP/1.1\r\nhost: localhost\r\norigin: http://x\x85\x9b31m', / (?:400|403) /],
    ['OPTIONS /openai/models HTTP/1.1\r\nhost: localhost\r\norigin: a\tb', / 403 /],
  ] as const) {
    const answer = await raw(port, `${head}\r\nconnection: close\r\n\r\n`);
    assert.match(answer.split('\r\n', 1)[0] ?? '', want, JSON.stringify(head));
    assert.doesNotMatch(answer, /^x-evil/im);
    const [shown = ''] = answer.split('\r\n\r\n', 1);
    assert.doesNotMatch(shown.replaceAll('\r\n', ' '), CONTROL);
  }
  assertPlainLog(on);
});

test('what a provider puts into its headers stays there', async (t) => {
  const headers = {
    'x-evil': '1',
    'set-cookie': 'a=b',
    server: 'evil/1',
    'x-cooldown-key': 'forged',
    'request-id': 'req_forged',
    location: 'http://127.0.0.1:9/',
    'access-control-allow-origin': '*',
  };
  const answer = completion('fine');
  if (typeof answer === 'function') throw new Error('a whole answer');
  const on = await rig(t, { ...answer, headers });
  const told = await ask(`${on.proxy.url}/openai/chat/completions`, {
    body: chat('x', { model: 'm' }),
  });
  assert.equal(told.status, 200);
  for (const name of [
    'x-evil',
    'set-cookie',
    'server',
    'location',
    'access-control-allow-origin',
  ]) {
    assert.equal(told.headers[name], undefined, name);
  }
  assert.equal(told.headers['x-cooldown-key'], 'key-1');
  assert.match(String(told.headers['request-id']), /^req_[A-Za-z0-9]{20}$/);
});
