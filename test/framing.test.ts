/** Requests that two parsers could read in two ways: one answer, no upstream, no connection left. */
import assert from 'node:assert/strict';
import test from 'node:test';
import { chat } from './support/http-client.ts';
import { rawClient, rawGet, rawPost } from './support/raw-client.ts';
import { road } from './support/road.ts';
import { until } from './support/upstream.ts';

const PATH = '/openai/chat/completions';
const BODY = JSON.stringify(chat('x'));
const LENGTH = `content-length: ${BODY.length}\r\n`;
const CHUNKS = `${BODY.length.toString(16)}\r\n${BODY}\r\n0\r\n\r\n`;
/** Would be served, were it taken for a request of its own. */
const HIDDEN = rawPost(PATH, BODY);

const post = (headers: string, body: string, version = '1.1') =>
  `POST ${PATH} HTTP/${version}\r\nhost: localhost\r\n${headers}\r\n${body}`;
const chunked = (body: string) => post('transfer-encoding: chunked\r\n', body);

const REFUSED: readonly (readonly [name: string, bytes: string, status?: number])[] = [
  ['a length and chunks', post(`${LENGTH}transfer-encoding: chunked\r\n`, CHUNKS)],
  ['chunks and a length', post(`transfer-encoding: chunked\r\n${LENGTH}`, BODY)],
  ['the same length twice', post(LENGTH + LENGTH, BODY)],
  ['two lengths', post(`${LENGTH}content-length: 3\r\n`, BODY)],
  ['a list of lengths', post(`content-length: ${BODY.length}, ${BODY.length}\r\n`, BODY)],
  ['a signed length', post(`content-length: +${BODY.length}\r\n`, BODY)],
  ['a negative length', post('content-length: -1\r\n', BODY)],
  ['a hexadecimal length', post('content-length: 0x10\r\n', BODY)],
  ['a length of 2^64', post('content-length: 18446744073709551616\r\n', BODY)],
  ['a length with a fraction', post('content-length: 5.0\r\n', BODY)],
  ['a blank inside of a length', post('content-length: 1 0\r\n', BODY)],
  ['a blank before the colon', post(`content-length : ${BODY.length}\r\n`, BODY)],
  ['a tab before the colon', post('transfer-encoding\t: chunked\r\n', CHUNKS)],
  ['identity and a length', post(`transfer-encoding: identity\r\n${LENGTH}`, BODY)],
  ['identity', post('transfer-encoding: identity\r\n', BODY)],
  ['xchunked', post('transfer-encoding: xchunked\r\n', CHUNKS)],
  ['gzip, then chunked', post('transfer-encoding: gzip, chunked\r\n', CHUNKS)],
  ['chunked, then identity', post('transfer-encoding: chunked, identity\r\n', CHUNKS)],
  ['chunked twice', post('transfer-encoding: chunked\r\n'.repeat(2), CHUNKS)],
  ['chunked behind a vertical tab', post('transfer-encoding: \x0bchunked\r\n', CHUNKS)],
  ['chunked in quotes', post('transfer-encoding: "chunked"\r\n', CHUNKS)],
  ['chunks in HTTP/1.0', post('transfer-encoding: chunked\r\n', CHUNKS, '1.0')],
  ['a folded header', post(`x: a\r\n b\r\n${LENGTH}`, BODY)],
  ['a folded coding', post('transfer-encoding:\r\n chunked\r\n', CHUNKS)],
  ['bare LF everywhere', post(LENGTH, BODY).replaceAll('\r\n', '\n')],
  ['a bare LF', post(`x: a\ny: b\r\n${LENGTH}`, BODY)],
  ['a bare CR', post(`x: a\ry: b\r\n${LENGTH}`, BODY)],
  ['a NUL in a value', post(`x: a\0b\r\n${LENGTH}`, BODY)],
  ['a NUL in a name', post(`x\0: a\r\n${LENGTH}`, BODY)],
  ['a NUL in the path', 'GET /health\0 HTTP/1.1\r\nhost: localhost\r\n\r\n'],
  ['a chunk with a bare LF', chunked(CHUNKS.replaceAll('\r\n', '\n'))],
  ['a chunk of negative size', chunked(`-1\r\n${BODY}\r\n0\r\n\r\n`)],
  ['a chunk size with 0x', chunked(`0x${CHUNKS}`)],
  ['a chunk size with a blank', chunked(`3 e\r\n${BODY}\r\n0\r\n\r\n`)],
  ['a chunk of 2^68 bytes', chunked(`fffffffffffffffff\r\n${BODY}`)],
  ['a chunk that goes on', chunked(`${BODY.length.toString(16)}\r\n${BODY}XX0\r\n\r\n`)],
  ['an extension with a bare LF', chunked(`3e;\n${BODY}\r\n0\r\n\r\n`)],
  ['17 KB of chunk extensions', chunked(`1;${'x'.repeat(17_000)}\r\n{\r\n`), 413],
  ['HTTP/0.9', 'GET /health\r\n'],
  ['HTTP/1.2', 'GET /health HTTP/1.2\r\nhost: localhost\r\n\r\n'],
  ['HTTP/2 in the words of 1.1', 'GET /health HTTP/2.0\r\nhost: localhost\r\n\r\n'],
  ['the preface of HTTP/2', 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'],
  ['http in small letters', 'GET /health http/1.1\r\nhost: localhost\r\n\r\n'],
  ['tabs in the first line', 'GET\t/health\tHTTP/1.1\r\nhost: localhost\r\n\r\n'],
  ['a blank before the method', ' GET /health HTTP/1.1\r\nhost: localhost\r\n\r\n'],
  ['an unknown method', 'BREW /health HTTP/1.1\r\nhost: localhost\r\n\r\n'],
  ['no host', 'GET /health HTTP/1.1\r\n\r\n'],
  ['two hosts', rawGet('/health', 'host: evil.example\r\n')],
  ['250 headers', rawGet('/health', 'a: b\r\n'.repeat(250)), 431],
  ['2,500 headers', rawGet('/health', 'a: b\r\n'.repeat(2_500)), 431],
  ['17 KB of headers', rawGet('/health', `a: ${'b'.repeat(17_000)}\r\n`), 431],
  ['a path of 20 KB', rawGet(`/${'a'.repeat(20_000)}`), 431],
  ['a tunnel', 'CONNECT example.com:443 HTTP/1.1\r\nhost: localhost\r\n\r\n', 405],
  ['another expectation', post(`expect: nonsense\r\n${LENGTH}`, BODY), 417],
];

test('requests of doubtful framing: one answer, then the end, and nothing behind it', async (t) => {
  const { proxy, provider } = await road(t);
  for (const [name, bytes, status = 400] of REFUSED) {
    const client = rawClient(proxy.port, bytes + HIDDEN);
    const text = await client.end();
    assert.deepEqual(client.statuses, [status], `${name}\n${text}`);
    assert.match(text, /\r\nconnection: close\r\n/i, name);
    const body = text.slice(text.indexOf('\r\n\r\n'));
    const { error } = JSON.parse(body) as { error: { type: string } };
    assert.equal(error.type, 'invalid_request_error', name);
  }
  assert.equal(provider.received.length, 0);
});

test('the same behind a request that is served: that one has its answer', async (t) => {
  const { proxy, provider } = await road(t);
  for (const [name, bytes] of REFUSED) {
    const before = provider.received.length;
    const client = rawClient(proxy.port, HIDDEN + bytes + HIDDEN);
    await client.end();
    assert.equal(client.statuses[0], 200, `${name}\n${client.text}`);
    assert.ok(client.statuses.length <= 2 && !client.statuses.slice(1).includes(200), name);
    assert.equal(provider.received.length, before + 1, name);
  }
});

for (const { name, bytes } of [
  { name: 'blanks around a length', bytes: post(`content-length:  ${BODY.length} \r\n`, BODY) },
  { name: 'chunked in any case', bytes: post('Transfer-Encoding: Chunked\r\n', CHUNKS) },
  { name: 'chunk extensions', bytes: chunked(CHUNKS.replace('\r\n', ';a=b;c="d"\r\n')) },
  { name: 'a trailer', bytes: chunked(CHUNKS.replace(/\r\n$/, 'x-trailer: 1\r\n\r\n')) },
  { name: 'empty lines in front', bytes: `\r\n\r\n${HIDDEN}` },
  {
    name: 'an upgrade, which is not taken',
    bytes: rawPost(PATH, BODY, 'connection: upgrade\r\nupgrade: h2c\r\n'),
  },
  { name: 'the whole address as target', bytes: HIDDEN.replace(PATH, `http://localhost${PATH}`) },
]) {
  test(`requests that are in order: ${name}`, async (t) => {
    const { proxy, provider } = await road(t);
    const client = rawClient(proxy.port, bytes);
    await client.has('"finish_reason"');
    client.write(rawGet('/health'));
    await until(() => client.statuses.length === 2);
    assert.deepEqual(client.statuses, [200, 200]);
    assert.equal(provider.received[0]?.path, '/v1/chat/completions');
    client.socket.destroy();
  });
}

test('an address as target: its host counts, not the Host header', async (t) => {
  const { proxy } = await road(t);
  const client = rawClient(proxy.port, rawGet('http://evil.example/health'));
  await client.has('This Host is not');
  assert.deepEqual(client.statuses, [403]);
  client.socket.destroy();
});

const TRICKS = [
  '//health',
  '/health/',
  '/./health',
  '/x/../health',
  '/%2e%2e/health',
  '/health%00',
  '/health;a=b',
  '/%68ealth',
  '/anthropic//v1/messages',
  '/anthropic/v1/messages/',
  '/openai/../metrics',
  '/openai/%2e%2e/metrics',
  '/openai/v1/..%2f..%2fmetrics',
  '/openai/v1/a;b',
  '/openai/v1/http://evil.example/x',
  '/openai/v1/a%0d%0ax',
  '/openai\\v1\\chat',
  `/${'a/'.repeat(5_000)}`,
];

test('path tricks: a path is compared as it came, so they are 404', async (t) => {
  const rig = await road(t);
  for (const path of TRICKS) {
    for (const method of ['GET', 'POST']) {
      const asking = method === 'POST' ? { body: chat('x'), method } : { method };
      const { status, text } = await rig.ask(path, asking);
      const allowed = path.startsWith('/openai/') && method === 'GET' ? [404, 405] : [404];
      assert.ok(allowed.includes(status), `${method} ${path}: ${status} ${text}`);
      assert.ok(text.length < 1_000, 'the path is cut');
    }
  }
  assert.equal(rig.provider.received.length, 0);
});

test('line ends in names go into no header and no second log line', async (t) => {
  const evil = 'x\r\nset-cookie: a=b\r\n\r\n{"level":"error"}\u2028\u001b[31m';
  const rig = await road(t);
  for (const answer of [
    await rig.chat(chat('x', { model: evil })),
    await rig.messages({ ...chat('x'), model: evil, max_tokens: 5 }),
    await rig.ask(`/anthropic/v1/models/${encodeURIComponent(evil)}`),
  ]) {
    assert.equal(answer.status, 404, answer.text);
    assert.equal(answer.headers['set-cookie'], undefined);
  }
  assert.equal(rig.requests().length, 3, 'each written line was one JSON object');
});
