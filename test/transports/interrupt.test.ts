/** Does every transport pause, abort and fall silent alike? */
import assert from 'node:assert/strict';
import type { Socket } from 'node:net';
import type { Transport } from '../../lib/transports/types.ts';
import { onRequests } from '../support/raw-server.ts';
import { type Row, runRows, type Use } from '../support/transport-rows.ts';
import { faultOf, originOf, outcome, Recorder, requestTo, until } from '../support/upstream.ts';

const MIB = 1024 * 1024;
const OK = 'HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok';
const PART = 'HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nhel';

const PAUSING: readonly Row[] = [
  {
    name: 'a pause stalls the sender, and nothing is lost',
    run: async (transport, use) => {
      const body = Buffer.alloc(64 * MIB, 'x');
      const server = await use.http((_request, response) => void response.end(body));
      const answer = await transport.send(requestTo(originOf(server.port))).answer;
      const reader = new Recorder();
      reader.afterData = () => answer.pause();
      answer.read(reader);
      const left = await stalled(server.sockets[0] as Socket);
      assert.ok(left > 32 * MIB, `${left} bytes are still with the sender`);
      const held = reader.bytes;
      assert.ok(held > 0 && held < MIB, `${held} bytes came before the pause took hold`);
      reader.afterData = () => {};
      answer.resume();
      await reader.settled;
      assert.equal(reader.bytes, body.length);
    },
  },
  {
    name: 'the idle limit does not run during a pause',
    run: async (transport, use) => {
      const server = await use.raw((socket) => onRequests(socket, () => socket.write(PART)));
      const origin = originOf(server.port, { idleTimeoutMs: 150 });
      const answer = await transport.send(requestTo(origin)).answer;
      const reader = new Recorder();
      reader.afterData = () => answer.pause();
      answer.read(reader);
      await until(() => reader.text === 'hel');
      await new Promise((resolve) => setTimeout(resolve, 400));
      assert.deepEqual(reader.events, ['data']);
      reader.afterData = () => {};
      server.sockets[0]?.write('lo you');
      answer.resume();
      await reader.settled;
      assert.equal(reader.text, 'hello you');
      assert.deepEqual(reader.events, ['data', 'end']);
    },
  },
  {
    name: 'a pause from outside holds what comes after it',
    run: async (transport, use) => {
      const server = await use.raw((socket) => onRequests(socket, () => socket.write(PART)));
      const answer = await transport.send(requestTo(originOf(server.port))).answer;
      const reader = new Recorder();
      answer.read(reader);
      await until(() => reader.text === 'hel');
      answer.pause();
      server.sockets[0]?.write('lo you');
      await new Promise((resolve) => setTimeout(resolve, 50));
      assert.equal(reader.text, 'hel');
      answer.resume();
      answer.pause();
      await new Promise((resolve) => setTimeout(resolve, 20));
      answer.resume();
      await reader.settled;
      assert.equal(reader.text, 'hello you');
    },
  },
  {
    name: 'the idle limit runs again after a pause',
    run: async (transport, use) => {
      const server = await use.raw((socket) => onRequests(socket, () => socket.write(PART)));
      const origin = originOf(server.port, { idleTimeoutMs: 60 });
      const answer = await transport.send(requestTo(origin)).answer;
      const reader = new Recorder();
      answer.pause();
      answer.read(reader);
      answer.resume();
      await reader.settled;
      assert.deepEqual(reader.events, ['data', '!idle-timeout']);
    },
  },
  {
    name: 'an answer that nobody reads yet is not idle',
    run: async (transport, use) => {
      const server = await use.raw((socket) => onRequests(socket, () => socket.write(PART)));
      const origin = originOf(server.port, { idleTimeoutMs: 150 });
      const answer = await transport.send(requestTo(origin)).answer;
      await new Promise((resolve) => setTimeout(resolve, 300));
      server.sockets[0]?.write('lo you');
      const reader = new Recorder();
      answer.read(reader);
      await reader.settled;
      assert.equal(reader.text, 'hello you');
    },
  },
  {
    name: 'paused before read: no data until resume',
    run: async (transport, use) => {
      const server = await use.raw((socket) => onRequests(socket, () => socket.write(OK)));
      const answer = await transport.send(requestTo(originOf(server.port))).answer;
      const reader = new Recorder();
      answer.pause();
      answer.pause();
      answer.read(reader);
      await new Promise((resolve) => setTimeout(resolve, 20));
      assert.deepEqual(reader.events, []);
      answer.resume();
      answer.resume();
      await reader.settled;
      assert.equal(reader.text, 'ok');
      answer.pause();
      answer.resume();
    },
  },
];

/** Waits until the peer has taken nothing for a while; returns what is left to send. */
async function stalled(socket: Socket): Promise<number> {
  let last = -1;
  let still = 0;
  await until(() => {
    still = socket.writableLength === last ? still + 1 : 0;
    last = socket.writableLength;
    return still === 40;
  });
  return last;
}

const ABORTING: readonly Row[] = [
  {
    name: 'abort at once',
    run: async (transport, use) => {
      const server = await use.raw(() => {});
      const call = transport.send(requestTo(originOf(server.port)));
      call.abort();
      call.abort();
      assert.equal(await call.answer.catch(faultOf), 'aborted');
      assert.equal(await outcomeOfNext(transport, use), '200 ok');
      // From Node 24 on a connection that nothing was sent on is kept for the next call.
      await until(() => server.sockets.every((socket) => socket.closed || socket.bytesRead === 0));
    },
  },
  {
    name: 'abort at once, with an idle connection at hand',
    run: async (transport, use) => {
      let asked = 0;
      const server = await use.raw((socket) =>
        onRequests(socket, () => {
          asked++;
          socket.write(OK);
        }),
      );
      assert.equal(await outcome(transport, requestTo(originOf(server.port))), '200 ok');
      await new Promise(setImmediate); // the pool takes a connection back after the callback
      const call = transport.send(requestTo(originOf(server.port)));
      call.abort();
      assert.equal(await call.answer.catch(faultOf), 'aborted');
      assert.equal(await outcome(transport, requestTo(originOf(server.port))), '200 ok');
      assert.equal(asked, 2);
    },
  },
  {
    name: 'abort while waiting for the headers',
    run: async (transport, use) => {
      let asked = 0;
      const server = await use.raw((socket) => onRequests(socket, () => asked++));
      const call = transport.send(requestTo(originOf(server.port)));
      await until(() => asked === 1);
      call.abort();
      assert.equal(await call.answer.catch(faultOf), 'aborted');
      await until(() => server.sockets[0]?.closed === true);
    },
  },
  {
    name: 'abort before the body is read',
    run: async (transport, use) => {
      const server = await use.raw((socket) => onRequests(socket, () => socket.write(PART)));
      const call = transport.send(requestTo(originOf(server.port)));
      const answer = await call.answer;
      call.abort();
      const reader = new Recorder();
      answer.read(reader);
      await until(() => server.sockets[0]?.closed === true);
      assert.deepEqual(reader.events, []);
    },
  },
  ...[false, true].map((paused) => ({
    name: `abort inside the body${paused ? ', paused' : ''}`,
    run: async (transport: Transport, use: Use) => {
      const server = await use.raw((socket) => onRequests(socket, () => socket.write(PART)));
      const call = transport.send(requestTo(originOf(server.port)));
      const answer = await call.answer;
      const reader = new Recorder();
      if (paused) reader.afterData = () => answer.pause();
      answer.read(reader);
      await until(() => reader.text === 'hel');
      call.abort();
      answer.resume();
      await until(() => server.sockets[0]?.closed === true);
      await new Promise(setImmediate);
      assert.deepEqual(reader.events, ['data']);
    },
  })),
  {
    name: 'abort from inside onData: no further callback',
    run: async (transport, use) => {
      const server = await use.http((_request, response) => void response.end(Buffer.alloc(MIB)));
      const call = transport.send(requestTo(originOf(server.port)));
      const reader = new Recorder();
      let chunks = 0;
      reader.afterData = () => {
        chunks++;
        call.abort();
      };
      (await call.answer).read(reader);
      await until(() => server.sockets[0]?.closed === true);
      await new Promise(setImmediate);
      assert.deepEqual([chunks, reader.events], [1, ['data']]);
    },
  },
  {
    name: 'abort after the end does nothing',
    run: async (transport, use) => {
      const server = await use.raw((socket) => onRequests(socket, () => socket.write(OK)));
      const call = transport.send(requestTo(originOf(server.port)));
      const reader = new Recorder();
      (await call.answer).read(reader);
      await reader.settled;
      call.abort();
      await new Promise(setImmediate);
      assert.equal(await outcome(transport, requestTo(originOf(server.port))), '200 ok');
      assert.equal(server.sockets.length, 1);
      assert.deepEqual(reader.events, ['data', 'end']);
    },
  },
  {
    name: 'a cut before the body is read is told to the reader',
    run: async (transport, use) => {
      const server = await use.raw((socket) => onRequests(socket, () => socket.write(PART)));
      const answer = await transport.send(requestTo(originOf(server.port))).answer;
      server.sockets[0]?.resetAndDestroy();
      await new Promise((resolve) => setTimeout(resolve, 20));
      const reader = new Recorder();
      answer.read(reader);
      await reader.settled;
      assert.equal(reader.events.at(-1), '!cut');
    },
  },
];

/** The transport still works, and everything before had its turn. */
async function outcomeOfNext(transport: Transport, use: Use): Promise<string> {
  const server = await use.raw((socket) => onRequests(socket, () => socket.write(OK)));
  return await outcome(transport, requestTo(originOf(server.port)));
}

runRows([...PAUSING, ...ABORTING]);
