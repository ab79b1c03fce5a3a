/**
 * Is the memory of a request's body left alone once its call says `sent`? Whoever lent it then puts
 * the next body there (lib/body-memory.ts), so whatever is read of it later is wrong.
 */
import assert from 'node:assert/strict';
import type { Socket } from 'node:net';
import { describe, test } from 'node:test';
import { createServer } from 'node:tls';
import type { Call, Origin, RequestBody, Transport } from '../../lib/transports/types.ts';
import { kept } from '../support/kept.ts';
import { listening, rawServer } from '../support/raw-server.ts';
import { TEST_CA, TEST_TLS } from '../support/tls.ts';
import { OWN_CONNECTIONS, originOf, Recorder, requestTo, until } from '../support/upstream.ts';

/** More than the buffers of two sockets hold: the rest of it waits in this process. */
const BODY_BYTES = 12 * 1024 * 1024;
const EARLY_BYTES = 1024 * 1024;
const OK = 'HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok';
const REFUSED = 'HTTP/1.1 413 Too Large\r\ncontent-length: 2\r\n\r\nno';
const BEGUN = 'HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\r\nok\r\n';
const LAST_CHUNK = '0\r\n\r\n';

/** Every four bytes say of which body they are, and where. */
function fill(memory: Buffer, nth: number): Buffer {
  const cells = new Uint32Array(memory.buffer, memory.byteOffset, memory.length / 4);
  for (let at = 0; at < cells.length; at++) cells[at] = at * 16 + nth;
  return memory;
}

const bodyOf = (nth: number): Buffer => fill(Buffer.allocUnsafeSlow(BODY_BYTES), nth);

/** One request as its server has seen it so far. The path says which body it should have. */
class Seen {
  readonly path: string;
  bytes = 0;
  pieces = 0;
  readonly #wanted: Buffer;
  #right = true;

  constructor(path: string) {
    this.path = path;
    this.#wanted = bodyOf(Number(path.slice(1)));
  }

  get whole(): boolean {
    return this.bytes === BODY_BYTES;
  }

  /** `2`, `2 cut`, `2 wrong`. */
  get told(): string {
    return `${this.path.slice(1)}${this.#right ? '' : ' wrong'}${this.whole ? '' : ' cut'}`;
  }

  take(piece: Buffer): void {
    const end = this.bytes + piece.length;
    this.#right &&= this.#wanted.subarray(this.bytes, end).equals(piece);
    this.bytes = end;
    this.pieces++;
  }
}

interface Peer {
  readonly socket: Socket;
  /** Number of the connection. */
  readonly nth: number;
  reset(): void;
}

/** What a server does after each piece of a request. */
type Act = (seen: Seen, peer: Peer) => void;

async function serving(protocol: Origin['protocol'], act: Act) {
  const requests: Seen[] = [];
  let count = 0;
  const onSocket = (socket: Socket) => {
    const nth = count++;
    const reset = () => (server.sockets[nth] as Socket).resetAndDestroy();
    let seen: Seen | undefined;
    socket.on('error', () => socket.destroy());
    socket.on('data', (bytes) => {
      const end = seen === undefined ? bytes.indexOf('\r\n\r\n') + 4 : 0;
      if (seen === undefined) {
        seen = new Seen(bytes.toString('latin1', 0, end).split(' ')[1] ?? '');
        requests.push(seen);
      }
      seen.take(bytes.subarray(end));
      act(seen, { socket, nth, reset });
      if (seen.whole) seen = undefined;
    });
  };
  const tls = protocol === 'https:';
  const starting = tls ? listening(createServer(TEST_TLS, onSocket)) : rawServer(onSocket);
  const server = kept(await starting);
  const told = () => requests.map((each) => each.told);
  return { origin: originOf(server.port, { protocol }), sockets: server.sockets, told };
}

/** Reads on in the next turn, so that the client has to wait. */
function dawdle(socket: Socket): void {
  socket.pause();
  setImmediate(() => socket.resume());
}

const inPieces = (body: Buffer): Buffer[] =>
  [0, 1, 2].map((third) => body.subarray((third * BODY_BYTES) / 3, ((third + 1) * BODY_BYTES) / 3));

/** The end of a call, as its reader hears of it. From the answer on, the next body is put into the
 *  memory of this one as soon as that is allowed. */
async function lend(call: Call, memory: Buffer, nextNth: number): Promise<string> {
  const answer = await call.answer;
  const reader = new Recorder();
  let over = false;
  void reader.settled.then(() => {
    over = true;
  });
  answer.read(reader);
  let lent = false;
  for (let turn = 0; turn < 1_000_000 && !(over && (lent || call.sent !== true)); turn++) {
    if (call.sent === true && !lent) fill(memory, nextNth);
    lent ||= call.sent === true;
    await new Promise(setImmediate);
  }
  return `${answer.status} ${reader.text} ${reader.events.at(-1)}${lent ? ', lent' : ''}`;
}

interface Row {
  readonly name: string;
  /** `http` goes on sending what nobody reads any more, and keeps the connection. */
  readonly onlyNative?: boolean;
  readonly run: (transport: Transport, protocol: Origin['protocol']) => Promise<void>;
}

const asks = (transport: Transport, origin: Origin) => (nth: number, body: RequestBody) =>
  transport.send(requestTo(origin, { path: `/${nth}`, body }));

const ROWS: readonly Row[] = [
  {
    name: 'a kept-alive connection that dies in the middle of a body',
    run: async (transport, protocol) => {
      const server = await serving(protocol, (seen, { socket, nth, reset }) => {
        if (nth === 0 && seen.path === '/2' && seen.bytes > EARLY_BYTES) reset();
        else if (seen.whole) socket.write(OK);
        else dawdle(socket);
      });
      const send = asks(transport, server.origin);
      const memory = bodyOf(1);
      assert.equal(await lend(send(1, memory), memory, 2), '200 ok end, lent');
      assert.equal(await lend(send(2, memory), memory, 3), '200 ok end, lent');
      assert.equal(await lend(send(3, inPieces(memory)), memory, 4), '200 ok end, lent');
      assert.deepEqual(server.told(), ['1', '2 cut', '2', '3']);
    },
  },
  {
    name: 'a kept-alive connection that dies behind a body, and an early answer on the next',
    run: async (transport, protocol) => {
      const server = await serving(protocol, (seen, { socket, nth, reset }) => {
        if (nth === 1 && seen.pieces === 1) socket.write(BEGUN);
        if (!seen.whole) dawdle(socket);
        else if (nth === 1) socket.write(LAST_CHUNK);
        else if (seen.path === '/1') socket.write(OK);
        else reset();
      });
      const send = asks(transport, server.origin);
      const memory = bodyOf(1);
      assert.equal(await lend(send(1, memory), memory, 2), '200 ok end, lent');
      assert.equal(await lend(send(2, memory), memory, 3), '200 ok end, lent');
      assert.deepEqual(server.told(), ['1', '2', '2']);
    },
  },
  {
    name: 'a refusal before the body was read',
    onlyNative: true,
    run: async (transport, protocol) => {
      const server = await serving(protocol, (seen, { socket }) => {
        dawdle(socket);
        if (seen.path === '/1' && seen.pieces === 1) socket.write(REFUSED);
        if (seen.path === '/2' && seen.whole) socket.write(OK);
      });
      const send = asks(transport, server.origin);
      const [memory, other] = [bodyOf(1), bodyOf(2)];
      const refused = send(1, memory);
      assert.equal(await lend(refused, memory, 3), '413 no end');
      assert.equal(await lend(send(2, inPieces(other)), other, 4), '200 ok end, lent');
      await until(() => server.sockets[0]?.closed === true);
      assert.equal(refused.sent, false);
      assert.deepEqual(server.told(), ['1 cut', '2']);
    },
  },
  {
    name: 'an answer that begins before the body was read',
    run: async (transport, protocol) => {
      const server = await serving(protocol, (seen, { socket }) => {
        if (seen.pieces === 1) socket.write(BEGUN);
        if (seen.whole) socket.write(LAST_CHUNK);
        dawdle(socket);
      });
      const send = asks(transport, server.origin);
      const memory = bodyOf(1);
      assert.equal(await lend(send(1, memory), memory, 2), '200 ok end, lent');
      assert.equal(await lend(send(2, inPieces(memory)), memory, 3), '200 ok end, lent');
      assert.deepEqual(server.told(), ['1', '2']);
    },
  },
];

for (const { name: transportName, make } of OWN_CONNECTIONS) {
  for (const protocol of ['http:', 'https:'] as const) {
    describe(`${transportName}, ${protocol}`, { timeout: 60_000 }, () => {
      for (const { name, run, onlyNative = false } of ROWS) {
        if (onlyNative && transportName !== 'native') continue;
        test(name, () => run(kept(make(TEST_CA)), protocol));
      }
    });
  }
}
