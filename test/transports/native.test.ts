/** What only the native client promises: fewer pieces, nothing lost by a reader that fails. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { nativeTransport } from '../../lib/transports/native.ts';
import { kept } from '../support/kept.ts';
import { onRequests, rawServer } from '../support/raw-server.ts';
import { originOf, outcome, Recorder, requestTo, until } from '../support/upstream.ts';

const OK = 'HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok';
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

test('what fails in a reader ends its call, and the next one is well', async () => {
  const transport = kept(nativeTransport());
  const server = await answering(OK);
  const reader = new Recorder();
  reader.afterData = () => {
    throw new Error('of the reader');
  };
  (await transport.send(requestTo(originOf(server.port))).answer).read(reader);
  await reader.settled;
  assert.deepEqual(reader.events, ['data', '!cut']);
  await until(() => server.sockets[0]?.closed === true);
  assert.equal(await outcome(transport, requestTo(originOf(server.port))), '200 ok');
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
