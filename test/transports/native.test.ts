/** What only the native client promises: fewer pieces, nothing lost by a reader that fails, and no
 *  reset taken for an end. */

import assert from 'node:assert/strict';
import type { Socket } from 'node:net';
import { describe, test } from 'node:test';
import { createServer } from 'node:tls';
import { nativeTransport } from '../../lib/transports/native.ts';
import type { Answer, Origin } from '../../lib/transports/types.ts';
import { kept } from '../support/kept.ts';
import { listening, onRequests, rawServer, type TestServer } from '../support/raw-server.ts';
import { TEST_CA, TEST_TLS } from '../support/tls.ts';
import { originOf, outcome, Recorder, requestTo } from '../support/upstream.ts';

const OK = 'HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok';
const PART = 'HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nhel';
const CHUNKED = 'HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n';

const answering = async (text: string) =>
  kept(await rawServer((socket) => onRequests(socket, () => socket.write(text))));

test('chunks that came together are one piece', async () => {
  const chunks = Array.from({ length: 100 }, (_, nth) => `4;a=${nth}\r\n${1000 + nth}\r\n`);
  const server = await answering(`${CHUNKED}${chunks.join('')}0\r\n\r\n`);
  const answer = await kept(nativeTransport()).send(requestTo(originOf(server.port))).answer;
  const reader = new Recorder();
  answer.read(reader);
  await reader.settled;
  assert.equal(reader.text, chunks.map((_, nth) => 1000 + nth).join(''));
  assert.equal(reader.chunks.length, 1);
});

test('a piece stays as it was when the next ones come', async () => {
  const transport = kept(nativeTransport());
  const server = kept(
    await rawServer((socket) =>
      onRequests(socket, (_head, nth) => {
        socket.write(CHUNKED);
        for (let part = 0; part < 5; part++) {
          setTimeout(
            () => socket.write(`3\r\n${nth}-${part}\r\n${part === 4 ? '0\r\n\r\n' : ''}`),
            5 * part,
          );
        }
      }),
    ),
  );
  const texts = Array.from({ length: 3 }, () =>
    outcome(transport, requestTo(originOf(server.port))),
  );
  for (const text of await Promise.all(texts)) assert.equal(text, '200 0-00-10-20-30-4');
});

for (const { name, text, text2, sockets } of [
  { name: 'of a whole answer', text: OK, text2: '', sockets: 1 },
  { name: 'of an answer that goes on', text: PART, text2: '', sockets: 2 },
  { name: 'of the second piece', text: PART, text2: 'lo', sockets: 2 },
]) {
  test(`what fails in a reader ${name} ends its call, and the next one is well`, async () => {
    const transport = kept(nativeTransport());
    const server = kept(
      await rawServer((socket, nth) =>
        onRequests(socket, (_head, call) => socket.write(nth + call === 0 ? text : OK)),
      ),
    );
    const reader = new Recorder();
    reader.afterData = () => {
      if (reader.text === 'hel' && text2 !== '') server.sockets[0]?.write(text2);
      else throw new Error('of the reader');
    };
    (await transport.send(requestTo(originOf(server.port))).answer).read(reader);
    await reader.settled;
    assert.deepEqual(reader.events, ['data', '!cut']);
    assert.equal(await outcome(transport, requestTo(originOf(server.port))), '200 ok');
    assert.equal(server.sockets.length, sockets);
  });
}

test('a whole answer lets its connection go before anybody reads it', async () => {
  const transport = kept(nativeTransport());
  const server = await answering(OK);
  const request = requestTo(originOf(server.port));
  const answers = [await transport.send(request).answer, await transport.send(request).answer];
  assert.equal(server.sockets.length, 1);
  for (const answer of answers) {
    assert.equal(answer.whole?.toString(), 'ok');
    const reader = new Recorder();
    answer.read(reader);
    assert.equal(answer.whole, undefined);
    assert.deepEqual(reader.events, []);
    await reader.settled;
    assert.equal(reader.text, 'ok');
  }
});

test('what is not the whole of an answer, or not alone, is not called whole', async () => {
  const transport = kept(nativeTransport());
  for (const text of [PART, `${OK}more`, `${CHUNKED}3\r\nhel\r\n`, `${CHUNKED}3\r\nhel\r\nx`]) {
    const server = await answering(text);
    const answer = await transport.send(requestTo(originOf(server.port))).answer;
    assert.equal(answer.whole, undefined, text);
  }
});

test('an answer before the request has been taken ends the connection', async () => {
  const transport = kept(nativeTransport());
  const server = kept(
    await rawServer((socket) => {
      socket.once('readable', () => socket.write(OK));
    }),
  );
  const body = Buffer.alloc(16 * 1024 * 1024);
  assert.equal(await outcome(transport, requestTo(originOf(server.port), { body })), '200 ok');
  assert.equal(await outcome(transport, requestTo(originOf(server.port))), '200 ok');
  assert.equal(server.sockets.length, 2);
});

const UNTIL_CLOSE = 'HTTP/1.1 200 OK\r\n\r\n';

/** An end in the same poll of the event loop as the bytes before it. */
interface EndRow {
  readonly name: string;
  /** What the server writes first, and what just before the end. */
  readonly pieces: readonly [string, string];
  readonly lateMs?: number;
  readonly afterData?: (answer: Answer) => void;
  readonly text: string;
}

const WHOLE = ['', `${UNTIL_CLOSE}hello`] as const;

const ENDS: readonly EndRow[] = [
  { name: 'with head and body', pieces: WHOLE, text: 'hello' },
  { name: 'with the rest of the body', pieces: [`${UNTIL_CLOSE}hel`, 'lo'], text: 'hello' },
  { name: 'with the head alone', pieces: ['', UNTIL_CLOSE], text: '' },
  { name: 'behind the head', pieces: [UNTIL_CLOSE, ''], text: '' },
  { name: 'before there is a reader', pieces: WHOLE, lateMs: 20, text: 'hello' },
  {
    name: 'with a pause of no length',
    pieces: WHOLE,
    afterData: (answer) => {
      answer.pause();
      answer.resume();
    },
    text: 'hello',
  },
  {
    name: 'with a pause',
    pieces: WHOLE,
    afterData: (answer) => {
      answer.pause();
      setTimeout(() => answer.resume(), 20);
    },
    text: 'hello',
  },
];

/** Answers with the pieces of a row, then resets or closes the connection. */
async function endingServer({ pieces }: EndRow, tls: boolean, reset: boolean): Promise<TestServer> {
  const onSocket = (socket: Socket) =>
    onRequests(socket.setNoDelay(), () => {
      socket.write(pieces[0]);
      setTimeout(() => {
        socket.write(pieces[1]);
        if (reset) (server.sockets[0] as Socket).resetAndDestroy();
        else socket.end();
      }, 10);
    });
  const server = await (tls ? listening(createServer(TEST_TLS, onSocket)) : rawServer(onSocket));
  return kept(server);
}

async function readToEnd(row: EndRow, port: number, protocol: Origin['protocol']) {
  const transport = kept(nativeTransport({ ca: TEST_CA }));
  const answer = await transport.send(requestTo(originOf(port, { protocol }))).answer;
  const reader = new Recorder();
  reader.afterData = () => row.afterData?.(answer);
  if (row.lateMs !== undefined) await new Promise((resolve) => setTimeout(resolve, row.lateMs));
  answer.read(reader);
  await reader.settled;
  return { text: reader.text, end: reader.events.at(-1) };
}

for (const protocol of ['http:', 'https:'] as const) {
  describe(`a body that lasts until its connection ends, ${protocol}`, () => {
    for (const row of ENDS) {
      for (const [how, end] of [
        ['reset', '!cut'],
        ['closed', 'end'],
      ] as const) {
        test(`${how} ${row.name}`, async () => {
          const server = await endingServer(row, protocol === 'https:', how === 'reset');
          assert.deepEqual(await readToEnd(row, server.port, protocol), { text: row.text, end });
        });
      }
    }
  });
}
