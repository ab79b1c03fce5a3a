/** Is a body that is taken past the stream the one that was sent? Real sockets. The first test is
 *  what lets the others take bodies. */
import assert from 'node:assert/strict';
import { createServer, type ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { type TestContext, test } from 'node:test';
import { type BodyTaker, TakenBody } from '../lib/taken-body.ts';
import { type RawClient, rawClient, rawGet, rawPost } from './support/raw-client.ts';
import { listening } from './support/raw-server.ts';
import { until } from './support/upstream.ts';

/** Keeps what it is told. */
class Taker implements BodyTaker {
  readonly request: TakenBody;
  readonly response: ServerResponse;
  readonly taken: boolean;
  readonly told: string[] = [];
  body = '';

  constructor(request: TakenBody, response: ServerResponse, take: boolean) {
    this.request = request;
    this.response = response;
    request.on('error', () => this.told.push('error'));
    this.taken = take && request.takeBody(this);
  }

  onData(piece: Buffer): void {
    this.body += piece.toString('latin1');
  }

  onEnd(): void {
    this.told.push('end');
  }

  onGone(): void {
    this.told.push('gone');
  }
}

interface Rig {
  readonly port: number;
  readonly takers: readonly Taker[];
}

/** A server that takes bodies, or leaves them to the test. */
async function rig(t: TestContext, take = true): Promise<Rig> {
  const takers: Taker[] = [];
  const server = createServer({ IncomingMessage: TakenBody }, (request, response) => {
    takers.push(new Taker(request, response, take));
  });
  const { port, close } = await listening(server);
  t.after(close);
  return { port, takers };
}

async function nth({ takers }: Rig, index: number): Promise<Taker> {
  await until(() => takers.length > index);
  return takers[index] as Taker;
}

async function whole(one: Rig, index: number): Promise<string> {
  const taker = await nth(one, index);
  await until(() => taker.told.length > 0);
  assert.deepEqual(taker.told, ['end']);
  return taker.body;
}

const POST = rawPost('/', 'the body');
const chunked = (...pieces: string[]) =>
  `POST / HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\ntrailer: x-t\r\n\r\n${pieces
    .map((piece) => `${piece.length.toString(16)}\r\n${piece}\r\n`)
    .join('')}0\r\nx-t: 1\r\n\r\n`;

test('none is taken before a body has come the way that is expected', async (t) => {
  const one = await rig(t);
  const client = rawClient(one.port, POST);
  const first = await nth(one, 0);
  assert.equal(first.taken, false);
  let body = '';
  first.request.on('data', (piece) => (body += piece));
  await until(() => first.request.readableEnded);
  assert.equal(body, 'the body');
  first.response.end();
  client.write(POST);
  const second = await nth(one, 1);
  assert.equal(second.taken, true);
  assert.equal(await whole(one, 1), 'the body');
  client.socket.destroy();
});

for (const { name, sent, body } of [
  { name: 'with a length', sent: POST, body: 'the body' },
  { name: 'in chunks, with trailers', sent: chunked('the ', 'bo', 'dy'), body: 'the body' },
  { name: 'of no length', sent: rawPost('/', ''), body: '' },
  { name: 'of a GET', sent: rawGet('/'), body: '' },
  { name: 'of megabytes', sent: rawPost('/', 'x'.repeat(5e6)), body: 'x'.repeat(5e6) },
]) {
  test(`a body ${name}, again and again`, async (t) => {
    const one = await rig(t);
    const client = rawClient(one.port);
    for (let n = 0; n < 5; n++) {
      client.write(sent);
      assert.equal(await whole(one, n), body);
      const { request, response, taken } = await nth(one, n);
      assert.equal(taken, true);
      assert.equal(request.complete, true);
      response.end(`"answer ${n}"`);
      await client.has(`"answer ${n}"`);
    }
    const { socket } = (one.takers[0] as Taker).request;
    for (const event of ['close', 'end', 'data', 'drain', 'error']) {
      assert.ok(socket.listenerCount(event) < 5, `no listeners for ${event} pile up`);
    }
    client.socket.destroy();
  });
}

test('a body that comes byte for byte', async (t) => {
  const one = await rig(t);
  const client = rawClient(one.port);
  for (const byte of chunked('the ', 'body')) {
    client.write(byte);
    await new Promise((resolve) => setImmediate(resolve));
  }
  assert.equal(await whole(one, 0), 'the body');
  client.socket.destroy();
});

test('three at once: each has its own, and its answer', async (t) => {
  const one = await rig(t);
  const bodies = ['one', 'two', 'three'];
  const client = rawClient(one.port, bodies.map((body) => rawPost('/', body)).join(''));
  for (const [n, body] of bodies.entries()) assert.equal(await whole(one, n), body);
  for (const n of [2, 0, 1]) (await nth(one, n)).response.end(`"answer ${n}"`);
  await client.has('"answer 2"');
  client.socket.destroy();
});

test('what is let go of flows on through the stream', async (t) => {
  const one = await rig(t);
  const client = rawClient(one.port);
  const [first, last] = ['f'.repeat(1_000), 'l'.repeat(200_000)];
  client.write(rawPost('/', first + last).slice(0, -last.length));
  const taker = await nth(one, 0);
  await until(() => taker.body === first);
  taker.request.letBodyGo();
  let rest = '';
  taker.request.on('data', (piece) => (rest += piece));
  client.write(last);
  await until(() => taker.request.readableEnded);
  assert.equal(rest, last);
  assert.deepEqual(taker.told, []);
  taker.response.end('"answer"');
  await client.has('"answer"');
  client.socket.destroy();
});

test('an answer before the end of a body: the rest of it is not lost', async (t) => {
  const one = await rig(t);
  const client = rawClient(one.port, POST.slice(0, -4));
  const taker = await nth(one, 0);
  await until(() => taker.body === 'the ');
  taker.response.end('"early"');
  await client.has('"early"');
  client.write(`body${POST}`);
  assert.equal(await whole(one, 0), 'the body');
  assert.equal(await whole(one, 1), 'the body');
  client.socket.destroy();
});

for (const { name, leave } of [
  { name: 'resets', leave: ({ socket }: RawClient) => socket.resetAndDestroy() },
  { name: 'closes', leave: ({ socket }: RawClient) => socket.destroy() },
  { name: 'sends nothing more', leave: ({ socket }: RawClient) => socket.end() },
]) {
  test(`a client that ${name} in the middle of a body: that is told once`, async (t) => {
    const one = await rig(t);
    const client = rawClient(one.port, `${POST}${POST.slice(0, -4)}`);
    const before = await nth(one, 0);
    const taker = await nth(one, 1);
    await until(() => taker.body === 'the ');
    leave(client);
    await until(() => taker.told.includes('gone'));
    await until(() => taker.request.destroyed && before.request.destroyed);
    assert.deepEqual(
      taker.told.filter((event) => event !== 'error'),
      ['gone'],
    );
    assert.deepEqual(
      before.told.filter((event) => event !== 'error'),
      ['end'],
    );
    assert.equal(before.body, 'the body');
  });
}

test('what has begun as a stream, or is over, is not taken', async (t) => {
  const one = await rig(t, false);
  const client = rawClient(one.port, POST.slice(0, -4));
  const { request } = await nth(one, 0);
  request.resume();
  const taker = new Taker(request, (await nth(one, 0)).response, true);
  assert.equal(taker.taken, false);
  client.write(`body${POST}`);
  const second = await nth(one, 1);
  await until(() => second.request.complete);
  assert.equal(second.request.takeBody(second), false);
  const { socket }: { socket: Socket } = second.request;
  socket.destroy();
});
