/** Do chunks written past the response arrive as those that go through it? Real sockets. */
import assert from 'node:assert/strict';
import { createServer, type ServerResponse } from 'node:http';
import { connect, type Socket } from 'node:net';
import { type TestContext, test } from 'node:test';
import { ChunkWriter } from '../lib/chunk-writer.ts';
import { MAX_COPIED_CHUNK_BYTES } from '../lib/limits.ts';
import { listening } from './support/raw-server.ts';
import { until } from './support/upstream.ts';

const LARGE = Buffer.alloc(3 * MAX_COPIED_CHUNK_BYTES, 'large ');
const PIECES: readonly (string | Buffer)[] = [
  'data: one\n\n',
  'data: æøå 你好 👩‍💻\n\n',
  Buffer.from('data: ÿ bytes\n\n'),
  LARGE,
  LARGE.toString(),
  Buffer.from([0x80, 0xff, 0x00]),
];
const ALL = Buffer.concat(PIECES.map((piece) => Buffer.from(piece)));

interface Rig {
  readonly client: Socket;
  /** What the client has got. */
  readonly got: () => string;
  readonly responses: readonly ServerResponse[];
}

/** A server whose responses the test writes, and one connection to it. `slow`: it does not read. */
async function rig(t: TestContext, slow = false): Promise<Rig> {
  const responses: ServerResponse[] = [];
  const server = await listening(createServer((_, response) => responses.push(response)));
  const client = connect(server.port, '127.0.0.1');
  let got = '';
  client.on('error', () => client.destroy());
  if (!slow) client.on('data', (bytes) => (got += bytes.toString('latin1')));
  t.after(async () => {
    client.destroy();
    await server.close();
  });
  return { client, got: () => got, responses };
}

const ask = (method = 'POST', version = '1.1') => `${method} / HTTP/${version}\r\nhost: x\r\n\r\n`;

async function nth({ responses }: Rig, index: number): Promise<ServerResponse> {
  await until(() => responses.length > index);
  return responses[index] as ServerResponse;
}

function opened(response: ServerResponse): ChunkWriter {
  response.writeHead(200, { 'content-type': 'text/event-stream' });
  response.flushHeaders();
  return new ChunkWriter(response);
}

/** The chunks of a body (RFC 9112 §7.1), as latin1; throws where it is none. */
function dechunked(body: string): string {
  let at = 0;
  let data = '';
  for (;;) {
    const line = body.indexOf('\r\n', at);
    const size = body.slice(at, line);
    assert.match(size, /^[0-9a-f]+$/);
    const from = line + 2;
    const to = from + Number.parseInt(size, 16);
    assert.equal(body.slice(to, to + 2), '\r\n');
    if (to === from) return data;
    data += body.slice(from, to);
    at = to + 2;
  }
}

const bodyOf = (answer: string) => answer.slice(answer.indexOf('\r\n\r\n') + 4);
const END = '0\r\n\r\n';

test('texts and bytes of every size arrive whole, and the connection is used again', async (t) => {
  const one = await rig(t);
  for (let round = 0; round < 3; round++) {
    const before = one.got().length;
    one.client.write(ask());
    const response = await nth(one, round);
    const writer = opened(response);
    for (const piece of PIECES) {
      assert.equal(writer.write(piece), Buffer.byteLength(piece));
      await new Promise((resolve) => setImmediate(resolve));
    }
    response.end();
    await until(() => one.got().endsWith(END));
    assert.equal(dechunked(bodyOf(one.got().slice(before))), ALL.toString('latin1'));
  }
});

test('what goes through the response and what does not stand in order', async (t) => {
  const one = await rig(t);
  one.client.write(ask());
  const response = await nth(one, 0);
  const writer = opened(response);
  response.write('a');
  writer.write('b');
  writer.write('c');
  response.write('d');
  writer.write('e');
  response.end('f');
  await until(() => one.got().endsWith(END));
  assert.equal(dechunked(bodyOf(one.got())), 'abcdef');
});

test('pipelined requests: the second answer waits for the end of the first', async (t) => {
  const one = await rig(t);
  one.client.write(ask() + ask());
  const [first, second] = [await nth(one, 0), await nth(one, 1)];
  const writers = [opened(first), opened(second)] as const;
  writers[1].write('second, early; ');
  writers[0].write('first; ');
  writers[1].write(Buffer.from('second, bytes; '));
  writers[0].write('first, late');
  assert.equal(second.socket, null);
  first.end();
  await until(() => second.socket !== null);
  writers[1].write('second, late');
  second.end();
  await until(() => one.got().split(END).length === 3);
  const [a = '', b = ''] = one.got().split(END);
  assert.equal(dechunked(bodyOf(a) + END), 'first; first, late');
  assert.equal(dechunked(bodyOf(b) + END), 'second, early; second, bytes; second, late');
});

for (const { name, piece } of [
  { name: 'text', piece: 'data: æøå\n\n' },
  { name: 'bytes', piece: Buffer.from('data: ÿ bytes\n\n') },
  { name: 'large bytes', piece: LARGE },
]) {
  for (const version of ['1.1', '1.0']) {
    test(`HTTP/${version}, ${name}: head and first chunk in one, the end behind`, async (t) => {
      const one = await rig(t);
      one.client.write(ask('POST', version).repeat(version === '1.1' ? 2 : 1));
      const first = await nth(one, 0);
      const responses = version === '1.1' ? [first, await nth(one, 1)] : [first];
      for (const response of responses) {
        response.writeHead(200, { 'content-type': 'text/event-stream' });
        const writer = new ChunkWriter(response);
        assert.equal(writer.writeFirst(piece), Buffer.byteLength(piece));
        assert.equal(response.socket?.writableCorked ?? 0, 0);
        writer.write('more');
        response.end();
      }
      const whole = Buffer.concat([Buffer.from(piece as string), Buffer.from('more')]);
      const latin1 = whole.toString('latin1');
      if (version === '1.0') {
        await until(() => one.client.readableEnded);
        assert.equal(bodyOf(one.got()), latin1);
      } else {
        await until(() => one.got().split(END).length === 3);
        for (const answer of one.got().split(END).slice(0, 2)) {
          assert.match(answer, /^HTTP\/1\.1 200 OK\r\n/);
          assert.equal(dechunked(bodyOf(answer) + END), latin1);
        }
      }
    });
  }
}

test('HTTP/1.0: no chunks, the end of the connection is the end of the answer', async (t) => {
  const one = await rig(t);
  one.client.write(ask('POST', '1.0'));
  const response = await nth(one, 0);
  const writer = opened(response);
  for (const piece of PIECES) writer.write(piece);
  response.end();
  await until(() => one.client.readableEnded);
  assert.equal(bodyOf(one.got()), ALL.toString('latin1'));
});

test('HEAD: nothing but headers', async (t) => {
  const one = await rig(t);
  one.client.write(ask('HEAD'));
  const response = await nth(one, 0);
  opened(response).write('data: x\n\n');
  response.end();
  await until(() => one.got().endsWith('\r\n\r\n'));
  assert.equal(bodyOf(one.got()), '');
});

test('a client that reads slowly: what waits is counted, and then taken', async (t) => {
  const one = await rig(t, true);
  one.client.write(ask());
  const response = await nth(one, 0);
  const writer = opened(response);
  let bytes = 0;
  for (let n = 0; n < 2_000 && writer.waitingBytes < 1e6; n++) bytes += writer.write(LARGE);
  assert.ok(writer.waitingBytes >= 1e6);
  let drained = false;
  writer.onDrain(() => {
    drained = true;
  });
  let read = 0;
  one.client.on('data', (chunk) => (read += chunk.length));
  await until(() => drained);
  assert.equal(writer.waitingBytes, 0);
  response.end();
  await until(() => read > bytes);
});

test('HTTP/1.0 and a slow reader: the response itself tells when it is drained', async (t) => {
  const one = await rig(t, true);
  one.client.write(ask('POST', '1.0'));
  const writer = opened(await nth(one, 0));
  for (let n = 0; n < 2_000 && writer.waitingBytes < 1e6; n++) writer.write(LARGE);
  let drained = false;
  writer.onDrain(() => {
    drained = true;
  });
  one.client.resume();
  await until(() => drained);
});

for (const { name, leave } of [
  { name: 'resets', leave: (client: Socket) => client.resetAndDestroy() },
  { name: 'closes', leave: (client: Socket) => client.destroy() },
  { name: 'says that it is done', leave: (client: Socket) => client.end() },
]) {
  test(`a client that ${name} while chunks are written harms nobody`, async (t) => {
    const one = await rig(t);
    one.client.write(ask());
    const response = await nth(one, 0);
    const writer = opened(response);
    writer.write('data: 1\n\n');
    await until(() => one.got().includes('data: 1'));
    let closed = false;
    response.once('close', () => {
      closed = true;
    });
    leave(one.client);
    for (let n = 0; n < 1_000 && !closed; n++) {
      writer.write('data: more\n\n');
      await new Promise((resolve) => setImmediate(resolve));
    }
    writer.write(LARGE);
    response.end();
    await until(() => closed);
  });
}
