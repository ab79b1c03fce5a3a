import assert from 'node:assert/strict';
import { request } from 'node:http';
import { connect } from 'node:net';
import { Readable } from 'node:stream';
import test, { type TestContext } from 'node:test';
import { brotliCompressSync, deflateSync, gzipSync } from 'node:zlib';
import type { Exchange } from '../../lib/exchange.ts';
import { LARGE_BODY_BYTES } from '../../lib/limits.ts';
import { readBody } from '../../lib/stages/read-body.ts';
import { type Answered, chat, errorOf, message, read } from '../support/http-client.ts';
import { PROMPT, type Road, road } from '../support/road.ts';
import { until } from '../support/upstream.ts';

const DEEP = `${'['.repeat(10_000)}${']'.repeat(10_000)}`;
const text = (value: object): string => JSON.stringify(value);
const model = 'glm-4.6';
const messages = [{ role: 'user', content: PROMPT }];

/** Bodies that are refused, and what the message names, for each dialect. */
const BAD: readonly {
  readonly name: string;
  readonly body: string | Buffer;
  readonly says: RegExp;
  /** The OpenAI endpoint passes it on: what is inside is the provider's to judge. */
  readonly openaiPasses?: true;
}[] = [
  { name: 'empty', body: '', says: /empty|not valid JSON/ },
  { name: 'not JSON', body: `{"model":"${PROMPT}`, says: /not valid JSON/ },
  { name: 'two values', body: '{} {}', says: /not valid JSON|JSON object/ },
  { name: 'an array', body: '[]', says: /must be a JSON object/ },
  { name: 'a string', body: `"${PROMPT}"`, says: /must be a JSON object/ },
  { name: 'null', body: 'null', says: /must be a JSON object/ },
  { name: 'not UTF-8', body: Buffer.from('{"model":"\xff\xfe"}', 'latin1'), says: /UTF-8|text/ },
  { name: 'no model', body: text({ messages }), says: /model/ },
  { name: 'model is a number', body: text({ model: 4, messages }), says: /model/ },
  { name: 'model is empty', body: text({ model: '', messages }), says: /model/ },
  { name: 'model is endless', body: text({ model: 'm'.repeat(300), messages }), says: /model/ },
  { name: 'no messages', body: text({ model }), says: /messages/ },
  { name: 'messages is an object', body: text({ model, messages: {} }), says: /messages/ },
  { name: 'messages is empty', body: text({ model, messages: [] }), says: /messages/ },
  { name: 'stream is a word', body: text({ model, messages, stream: 'yes' }), says: /stream/ },
  { name: '10,000 levels', body: `{"model":"${model}","messages":${DEEP}}`, says: /deep|messages/ },
  {
    name: 'max_tokens of 1e400',
    body: `{"model":"${model}","messages":${text(messages)},"max_tokens":1e400}`,
    says: /max_tokens/,
    openaiPasses: true,
  },
  {
    name: 'content of a wrong type at depth',
    body: text({
      model,
      messages: [...messages, { role: 'user', content: [{ type: 'text', text: 7 }] }],
    }),
    says: /messages\.1\.content\.0\.text/,
    openaiPasses: true,
  },
];

test('bad bodies are 400 in both dialects, and name what is wrong', async (t) => {
  const rig = await road(t);
  for (const { name, body, says, openaiPasses } of BAD) {
    for (const path of ['/anthropic/v1/messages', '/openai/v1/chat/completions']) {
      if (openaiPasses && path.startsWith('/openai')) continue;
      const answer = await rig.ask(path, { body, method: 'POST' });
      assert.equal(answer.status, 400, `${path}: ${name}: ${answer.text}`);
      const { type, message: told } = errorOf(answer);
      assert.equal(type, 'invalid_request_error', name);
      assert.match(told, says, `${path}: ${name}`);
      assert.equal(answer.headers['x-cooldown-provider'], undefined);
    }
  }
  assert.equal(rig.provider.received.length, 0);
  for (const { status } of rig.requests()) assert.equal(status, 400);
});

test('odd bodies that are fine', async (t) => {
  const rig = await road(t);
  const list = text(messages);
  for (const { name, body } of [
    { name: 'the last of two counts', body: `{"model":"x","model":"${model}","messages":${list}}` },
    {
      name: '__proto__',
      body: `{"__proto__":{"model":"x"},"model":"${model}","messages":${list}}`,
    },
    { name: 'constructor', body: `{"constructor":1,"model":"${model}","messages":${list}}` },
    { name: 'blanks around', body: ` \n{"model":"${model}","messages":${list}}\n ` },
    { name: 'unknown fields', body: text({ model, messages, what: { ever: [1e300] } }) },
  ]) {
    for (const path of ['/anthropic/v1/messages', '/openai/v1/chat/completions']) {
      const answer = await rig.ask(path, { body, method: 'POST' });
      assert.equal(answer.status, 200, `${path}: ${name}: ${answer.text}`);
    }
  }
});

const SMALL = 'server: { max_body_bytes: 2000 }';

function check413(answer: Answered, isOpenai: boolean): void {
  assert.equal(answer.status, 413);
  assert.equal(errorOf(answer).type, isOpenai ? 'invalid_request_error' : 'request_too_large');
  assert.match(errorOf(answer).message, /2000 bytes \(server\.max_body_bytes\)/);
}

test('413: by declared length and by counting, in both dialects', async (t) => {
  const rig = await road(t, { config: SMALL });
  const body = text(message('x'.repeat(3_000)));
  for (const path of [
    '/anthropic/v1/messages',
    '/openai/chat/completions',
    '/anthropic/v1/messages/count_tokens',
  ]) {
    const isOpenai = path.startsWith('/openai');
    check413(await rig.ask(path, { body }), isOpenai);
    const headers = { 'transfer-encoding': 'chunked' };
    check413(await rig.ask(path, { body, headers }), isOpenai);
  }
  assert.equal(rig.provider.received.length, 0);
});

test('413: the connection serves the next request', async (t) => {
  const { proxy } = await road(t, { config: SMALL });
  const socket = connect(proxy.port, '127.0.0.1');
  let said = '';
  socket.setEncoding('utf8').on('data', (piece: string) => {
    said += piece;
  });
  const post = 'POST /anthropic/v1/messages HTTP/1.1\r\nhost: localhost\r\n';
  socket.write(`${post}content-length: 5000\r\n\r\n${'x'.repeat(5_000)}`);
  await until(() => said.includes('server.max_body_bytes'));
  socket.write('GET /health HTTP/1.1\r\nhost: localhost\r\n\r\n');
  await until(() => said.includes('"status":"ok"'));
  socket.destroy();
});

test('413: a client that writes far more reads it all the same', async (t) => {
  const { proxy } = await road(t, { config: SMALL });
  const sent = request(`${proxy.url}/openai/chat/completions`, { method: 'POST', agent: false });
  const live = read(sent);
  const piece = Buffer.alloc(1024 * 1024, 'x');
  for (let n = 0; n < 20; n++) {
    if (!sent.write(piece)) await new Promise((resolve) => sent.once('drain', resolve));
  }
  sent.end();
  check413(await live.done, true);
});

test('413: an endless body is cut off', async (t) => {
  const { proxy, requestLine } = await road(t, { config: SMALL });
  const socket = connect(proxy.port, '127.0.0.1');
  socket.on('error', () => {});
  let closed = false;
  socket.on('close', () => {
    closed = true;
  });
  const post = 'POST /openai/chat/completions HTTP/1.1\r\nhost: localhost\r\n';
  socket.write(`${post}transfer-encoding: chunked\r\n\r\n`);
  const piece = Buffer.concat([
    Buffer.from('100000\r\n'),
    Buffer.alloc(0x100000, 'x'),
    Buffer.from('\r\n'),
  ]);
  let sent = 0;
  while (!closed && sent < 200) {
    sent += 1;
    if (!socket.write(piece)) {
      await new Promise((resolve) => socket.once('drain', resolve).once('close', resolve));
    }
  }
  await until(() => closed);
  assert.ok(sent < 200, `${sent} MiB were taken`);
  assert.equal((await requestLine()).status, 413);
});

test('a client that leaves while it uploads: 499, nothing was reserved', async (t) => {
  const { proxy, requestLine, provider } = await road(t);
  const socket = connect(proxy.port, '127.0.0.1');
  const post = 'POST /anthropic/v1/messages HTTP/1.1\r\nhost: localhost\r\n';
  socket.write(`${post}content-length: 5000\r\n\r\n{"model":`);
  await new Promise((resolve) => setTimeout(resolve, 20));
  socket.destroy();
  const { status, error, attempts } = await requestLine();
  assert.deepEqual([status, attempts], [499, 0]);
  assert.match(String(error), /hung up/);
  assert.equal(provider.received.length, 0);
});

const CODERS = { gzip: gzipSync, 'x-gzip': gzipSync, deflate: deflateSync, br: brotliCompressSync };

async function codedRoad(t: TestContext): Promise<Road> {
  return await road(t, { config: 'server: { max_body_bytes: 100000 }' });
}

for (const [coding, encode] of Object.entries(CODERS)) {
  test(`content-encoding ${coding}`, async (t) => {
    const rig = await codedRoad(t);
    const coded = (body: object | Buffer) => ({
      body: encode(Buffer.isBuffer(body) ? body : Buffer.from(text(body))),
      headers: { 'content-encoding': coding },
    });
    const good = await rig.ask('/openai/chat/completions', coded(chat('x')));
    assert.equal(good.status, 200, good.text);
    const counted = await rig.ask('/anthropic/v1/messages/count_tokens', coded(message('x')));
    assert.equal(counted.status, 200);
    const bomb = await rig.ask('/anthropic/v1/messages', coded(Buffer.alloc(10_000_000, 'x')));
    assert.equal(bomb.status, 413);
    const body = Buffer.from('no such thing');
    const headers = { 'content-encoding': coding };
    const bad = await rig.ask('/anthropic/v1/messages', { body, headers });
    assert.equal(bad.status, 400);
    assert.match(errorOf(bad).message, /content-encoding/);
  });
}

test('an unknown content-encoding is 400 and named; identity is none', async (t) => {
  const rig = await codedRoad(t);
  const zstd = await rig.messages(message('x'), { 'content-encoding': 'zstd' });
  assert.equal(zstd.status, 400);
  assert.match(errorOf(zstd).message, /"zstd"/);
  assert.equal((await rig.messages(message('x'), { 'content-encoding': 'identity' })).status, 200);
});

/** Counts the turns of the event loop until the test ends. */
function turns(t: TestContext): { now: number } {
  const count = { now: 0 };
  let immediate: NodeJS.Immediate;
  const next = () => {
    count.now += 1;
    immediate = setImmediate(next);
  };
  next();
  t.after(() => clearImmediate(immediate));
  return count;
}

/** As much of an exchange as reading asks for. */
function exchangeOf(bytes: number, onRead: () => void): Exchange {
  const request = Object.assign(Readable.from([Buffer.alloc(bytes)]), { headers: {} });
  const read = () => {
    onRead();
    return { stream: false };
  };
  const gateway = { config: { server: { maxBodyBytes: 2 * LARGE_BODY_BYTES } } };
  return { gateway, request, endpoint: { read }, aborted: false } as unknown as Exchange;
}

test('each large body is read in a turn of its own, and translated in a later one', async (t) => {
  const turn = turns(t);
  const taken: number[] = [];
  await Promise.all(
    Array.from({ length: 5 }, async () => {
      await readBody(exchangeOf(LARGE_BODY_BYTES + 1, () => taken.push(turn.now)));
      taken.push(turn.now);
    }),
  );
  assert.equal(taken.length, 10);
  assert.equal(new Set(taken).size, 10, `${taken}`);
});

test('a small one goes on at once', async (t) => {
  const turn = turns(t);
  let readAt = -1;
  await readBody(exchangeOf(LARGE_BODY_BYTES, () => (readAt = turn.now)));
  assert.equal(turn.now, readAt);
});

test('a large body whose client has gone is not read', async () => {
  const x = exchangeOf(LARGE_BODY_BYTES + 1, () => assert.fail('was read'));
  x.aborted = true;
  await assert.rejects(readBody(x), /hung up/);
});
