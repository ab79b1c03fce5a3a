/** Do answers written past the response look and end like those of node? Real sockets. */
import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import type { Socket } from 'node:net';
import { type TestContext, test } from 'node:test';
import { answersOf, WholeAnswer } from '../lib/whole-answer.ts';
import { chat } from './support/http-client.ts';
import { type RawClient, rawClient, rawPost } from './support/raw-client.ts';
import { listening } from './support/raw-server.ts';
import { road } from './support/road.ts';
import { completion, type Scripted } from './support/scripted.ts';
import { until } from './support/upstream.ts';

const KEEP_ALIVE_MS = 75_000;
const FIELDS = 'request-id: req_1\r\nx-empty: \r\ncontent-type: application/json\r\n';
const LIST = ['request-id', 'req_1', 'x-empty', '', 'content-type', 'application/json'];
const LARGE = Buffer.alloc(4e6, 'large ');
const PLAIN = rawPost('/', '{}');

interface Rig {
  readonly port: number;
  /** In order of arrival; each has been read to its end, unless `read` is false. */
  readonly responses: readonly WholeAnswer[];
  readonly closed: ReadonlySet<WholeAnswer>;
}

async function rig(t: TestContext, keepAliveMs = KEEP_ALIVE_MS, read = true): Promise<Rig> {
  const responses: WholeAnswer[] = [];
  const closed = new Set<WholeAnswer>();
  const server = createServer({ ServerResponse: answersOf(keepAliveMs) }, (request, response) => {
    response.once('close', () => closed.add(response));
    if (read) request.resume().once('end', () => responses.push(response));
    else responses.push(response);
  });
  server.keepAliveTimeout = keepAliveMs;
  const { port, close } = await listening(server);
  t.after(close);
  return { port, responses, closed };
}

async function nth({ responses }: Rig, index: number): Promise<WholeAnswer> {
  await until(() => responses.length > index);
  return responses[index] as WholeAnswer;
}

const whole = (response: WholeAnswer, body: string | Buffer): boolean =>
  response.endWhole(FIELDS, body, Buffer.byteLength(body));

function plain(response: WholeAnswer, body: string | Buffer): void {
  const bytes = Buffer.from(body as string);
  response.writeHead(200, [...LIST, 'content-length', String(bytes.length)]).end(bytes);
}

/** The whole answer, once `bytes` of a body have come; without the time of day. */
async function answer(client: RawClient, bytes: number): Promise<string> {
  await until(() => {
    const at = client.text.indexOf('\r\n\r\n');
    return at > 0 && client.text.length >= at + 4 + bytes;
  });
  return client.text.replace(/(?<=\r\nDate: )\w{3}, \d\d \w{3} \d{4} \d\d:\d\d:\d\d(?= GMT)/, '…');
}

for (const { name, body } of [
  { name: 'no body', body: '' },
  { name: 'text', body: '{"a":1}' },
  { name: 'text that is no ASCII', body: '{"a":"æøå 你好 👩‍💻"}' },
  { name: 'latin1', body: '{"a":"ÿ"}' },
  { name: 'text of some size', body: JSON.stringify('æ'.repeat(9_000)) },
  { name: 'large text', body: JSON.stringify('æ'.repeat(200_000)) },
  { name: 'bytes', body: Buffer.from([0x7b, 0x80, 0xff, 0x00, 0x7d]) },
  { name: 'bytes of some size', body: Buffer.alloc(9_000, 'ÿ') },
  { name: 'large bytes', body: LARGE },
]) {
  test(`the bytes are those of node: ${name}`, async (t) => {
    for (const keepAliveMs of [KEEP_ALIVE_MS, 0]) {
      const one = await rig(t, keepAliveMs);
      const heard: string[] = [];
      for (const write of [whole, plain]) {
        const client = rawClient(one.port, PLAIN);
        const taken = write(await nth(one, heard.length), body);
        assert.equal(taken, write === whole ? true : undefined);
        heard.push(await answer(client, Buffer.byteLength(body)));
        client.socket.destroy();
      }
      assert.equal(heard[0], heard[1]);
    }
  });
}

test('HTTP/1.0 that asks to be kept alive gets what node would say', async (t) => {
  const one = await rig(t);
  const heard: string[] = [];
  for (const write of [whole, plain]) {
    const asked = 'GET / HTTP/1.0\r\nconnection: keep-alive\r\n\r\n';
    const client = rawClient(one.port, asked);
    write(await nth(one, heard.length), '{}');
    heard.push(await answer(client, 2));
  }
  assert.equal(heard[0], heard[1]);
});

for (const { name, asked = PLAIN, read = true, before = () => {} } of [
  { name: 'HEAD', asked: 'HEAD / HTTP/1.1\r\nhost: x\r\n\r\n' },
  { name: 'HTTP/1.0', asked: 'GET / HTTP/1.0\r\n\r\n' },
  { name: 'connection: close', asked: rawPost('/', '{}', 'connection: close\r\n') },
  { name: 'expect: 100-continue', asked: rawPost('/', '{}', 'expect: 100-continue\r\n') },
  {
    name: 'a body that has not come',
    asked: rawPost('/', '{}').replace('length: 2', 'length: 3'),
    read: false,
  },
  {
    name: 'a connection that is to end',
    before: (response: WholeAnswer) => {
      response.shouldKeepAlive = false;
    },
  },
  {
    name: 'a header set before',
    before: (response: WholeAnswer) => response.setHeader('vary', 'origin'),
  },
  {
    name: 'a socket that is held back',
    before: ({ socket }: WholeAnswer) => {
      socket?.cork();
      setImmediate(() => socket?.uncork());
    },
  },
] as readonly {
  readonly name: string;
  readonly asked?: string;
  readonly read?: boolean;
  readonly before?: (response: WholeAnswer) => void;
}[]) {
  test(`left to node: ${name}`, async (t) => {
    const one = await rig(t, KEEP_ALIVE_MS, read);
    const client = rawClient(one.port, asked);
    const response = await nth(one, 0);
    before(response);
    assert.equal(whole(response, '{}'), false);
    assert.equal(response.headersSent, false);
    plain(response, '{}');
    await client.has('content-length: 2\r\n');
    await until(() => one.closed.has(response));
  });
}

test('a body that has come and is not read: the connection is used again', async (t) => {
  const one = await rig(t, KEEP_ALIVE_MS, false);
  const client = rawClient(one.port);
  for (let n = 0; n < 3; n++) {
    client.write(rawPost('/', JSON.stringify('x'.repeat(1_000))));
    const response = await nth(one, n);
    await until(() => response.req.complete);
    assert.equal(whole(response, `"answer ${n}"`), true);
    await client.has(`"answer ${n}"`);
    await until(() => one.closed.has(response));
  }
});

test('an answer that has begun or ended is not given once more', async (t) => {
  const one = await rig(t);
  const client = rawClient(one.port, PLAIN);
  const begun = await nth(one, 0);
  begun.writeHead(200, LIST);
  assert.equal(whole(begun, '{}'), false);
  begun.end();
  client.write(PLAIN);
  const ended = await nth(one, 1);
  assert.equal(whole(ended, '"once"'), true);
  assert.equal(whole(ended, '"twice"'), false);
  ended.on('error', () => {}).end('"twice"');
  client.write(PLAIN);
  assert.equal(whole(await nth(one, 2), '"last"'), true);
  await client.has('"last"');
  assert.equal(client.text.includes('twice'), false);
});

test('what is asked of a response afterwards is what node would say', async (t) => {
  const one = await rig(t);
  rawClient(one.port, PLAIN);
  const response = await nth(one, 0);
  const told = () => {
    const { headersSent, writableEnded, writableFinished, finished, statusCode } = response;
    return [headersSent, writableEnded, writableFinished, finished, statusCode];
  };
  assert.deepEqual(told(), [false, false, false, false, 200]);
  whole(response, '{}');
  assert.deepEqual(told(), [true, true, true, true, 200]);
  await until(() => one.closed.has(response));
  assert.equal(response.destroyed, true);
  assert.deepEqual(told(), [true, true, true, true, 200]);
});

test('a connection is used again, after bodies with chunks and trailers too', async (t) => {
  const one = await rig(t);
  const client = rawClient(one.port);
  const chunked =
    'POST / HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\ntrailer: x-t\r\n\r\n' +
    '2\r\n{}\r\n0\r\nx-t: 1\r\n\r\n';
  const ROUNDS = 300;
  for (let round = 0; round < ROUNDS; round++) {
    client.write(round % 2 === 0 ? PLAIN : chunked);
    const response = await nth(one, round);
    assert.equal(whole(response, Buffer.from(`{"n":${round}}`)), true);
    await until(() => one.closed.has(response));
  }
  await client.has(`{"n":${ROUNDS - 1}}`);
  assert.equal(client.statuses.length, ROUNDS);
  const [socket] = [(one.responses[0] as WholeAnswer).req.socket as Socket];
  assert.ok(socket.listenerCount('close') < 10, 'no listeners pile up');
});

for (const order of [
  [0, 1, 2],
  [2, 1, 0],
  [1, 2, 0],
]) {
  test(`three requests at once, answered ${order.join(', ')}: in the order of asking`, async (t) => {
    const one = await rig(t);
    const client = rawClient(one.port, PLAIN.repeat(3));
    await nth(one, 2);
    for (const index of order) {
      const response = await nth(one, index);
      const body = `"answer ${index}"`;
      if (!whole(response, body)) plain(response, body);
    }
    await client.has('"answer 2"');
    const said = [...client.text.matchAll(/"answer (\d)"/g)].map(([, digit]) => Number(digit));
    assert.deepEqual(said, [0, 1, 2]);
    await until(() => one.closed.size === 3);
    client.write(PLAIN);
    assert.equal(whole(await nth(one, 3), '"more"'), true);
    await client.has('"more"');
  });
}

test('a client that reads slowly has all of a large answer, and then the next one', async (t) => {
  const one = await rig(t);
  const client = rawClient(one.port);
  client.socket.pause();
  client.write(PLAIN);
  const first = await nth(one, 0);
  assert.equal(whole(first, LARGE), true);
  assert.equal(first.writableEnded, true);
  assert.equal(first.writableFinished, false);
  client.write(PLAIN);
  client.socket.resume();
  await until(() => one.closed.has(first));
  assert.equal(first.writableFinished, true);
  assert.equal(whole(await nth(one, 1), '"next"'), true);
  await client.has('"next"');
  assert.equal(client.text.split('large ').length - 1, Math.floor(LARGE.length / 6));
});

for (const { name, leave } of [
  { name: 'resets', leave: (client: Socket) => client.resetAndDestroy() },
  { name: 'closes', leave: (client: Socket) => client.destroy() },
]) {
  test(`a client that ${name} while its answer is written: it closes, unfinished`, async (t) => {
    const one = await rig(t);
    const client = rawClient(one.port);
    client.socket.pause();
    client.write(PLAIN);
    const response = await nth(one, 0);
    assert.equal(whole(response, LARGE), true);
    leave(client.socket);
    await until(() => one.closed.has(response));
    assert.equal(response.writableFinished, false);
  });

  test(`a client that ${name} before: nothing is written`, async (t) => {
    const one = await rig(t);
    const client = rawClient(one.port, PLAIN);
    const response = await nth(one, 0);
    leave(client.socket);
    await until(() => one.closed.has(response));
    assert.equal(whole(response, '{}'), false);
  });
}

test('a client that has closed its half is left to node', async (t) => {
  const one = await rig(t);
  const client = rawClient(one.port, PLAIN);
  const response = await nth(one, 0);
  client.socket.end();
  await until(() => response.socket?.writable !== true);
  assert.equal(whole(response, '{}'), false);
});

test('a node that does not take its socket back writes all that follows', async (t) => {
  const one = await rig(t);
  const odd = rawClient(one.port, PLAIN);
  const response = await nth(one, 0);
  response.removeAllListeners('finish');
  assert.equal(whole(response, '"whole"'), true);
  assert.match(await odd.end(), /"whole"$/);
  const client = rawClient(one.port, PLAIN);
  const next = await nth(one, 1);
  assert.equal(whole(next, '{}'), false);
  plain(next, '"plain"');
  await client.has('"plain"');
});

test('the proxy answers so, one after the other and three at once', async (t) => {
  const taken: boolean[] = [];
  const { endWhole } = WholeAnswer.prototype;
  type Given = Parameters<typeof endWhole>;
  t.mock.method(WholeAnswer.prototype, 'endWhole', function (this: WholeAnswer, ...args: Given) {
    taken.push(endWhole.apply(this, args));
    return taken.at(-1);
  });
  const answers: Scripted[] = Array.from({ length: 9 }, (_, n) => completion(`answer ${n}.`));
  const { proxy, provider, requests, requestLine } = await road(t, { answers });
  const asking = rawPost('/openai/chat/completions', chat('x'));
  const client = rawClient(proxy.port);
  for (let n = 0; n < 6; n++) {
    client.write(asking);
    await client.has(`answer ${n}.`);
  }
  assert.deepEqual(taken, Array(6).fill(true));
  client.write(asking.repeat(3));
  await until(() => client.statuses.length === 9);
  assert.deepEqual(client.statuses, Array(9).fill(200));
  assert.equal(provider.received.length, 9);
  await requestLine(9);
  assert.ok(
    requests().every(({ status, bytes_out: bytes }) => status === 200 && Number(bytes) > 0),
  );
  assert.match(client.text, /\r\nconnection: keep-alive\r\nkeep-alive: timeout=75\r\n\r\n/i);
  client.socket.destroy();
});
