/** Does a body end exactly once, whatever comes in which order? */
import assert from 'node:assert/strict';
import { PassThrough } from 'node:stream';
import { test } from 'node:test';
import { ownError } from '../../lib/transports/faults.ts';
import { HttpBody } from '../../lib/transports/http-body.ts';
import { Watch } from '../../lib/transports/watch.ts';
import { originOf, Recorder } from '../support/upstream.ts';

interface Row {
  readonly name: string;
  readonly run: (body: HttpBody, reader: Recorder, source: PassThrough) => void;
  readonly want: readonly string[];
}

const cut = () => ownError('cut', originOf(1));

const ROWS: readonly Row[] = [
  {
    name: 'data, then the end',
    run: (body, reader, source) => {
      body.read(reader);
      source.end('a');
    },
    want: ['data', 'end'],
  },
  {
    name: 'a fault before there is a reader waits for it',
    run: (body, reader) => {
      body.fail(cut());
      body.read(reader);
      assert.deepEqual(reader.events, [], 'not before read() has returned');
    },
    want: ['!cut'],
  },
  {
    name: 'a fault drops what had not been read',
    run: (body, reader, source) => {
      source.write('a');
      body.read(reader);
      body.fail(cut());
    },
    want: ['!cut'],
  },
  {
    name: 'muted between a fault and its telling',
    run: (body, reader) => {
      body.fail(cut());
      body.read(reader);
      body.mute();
    },
    want: [],
  },
  {
    name: 'muted with data at hand',
    run: (body, reader, source) => {
      source.end('a');
      body.read(reader);
      body.mute();
      body.resume();
    },
    want: [],
  },
  {
    name: 'paused and resumed before there is a reader',
    run: (body, reader, source) => {
      body.pause();
      body.resume();
      source.end('a');
      body.read(reader);
    },
    want: ['data', 'end'],
  },
];

for (const { name, run, want } of ROWS) {
  test(`body: ${name}`, async () => {
    const source = new PassThrough();
    const watch = new Watch(() => assert.fail('no limit is met here'));
    const reader = new Recorder();
    run(new HttpBody(200, {}, source, watch, 10_000), reader, source);
    for (let turn = 0; turn < 5; turn++) await new Promise(setImmediate);
    watch.stop();
    assert.deepEqual(reader.events, want);
  });
}

const turns = async (count = 5) => {
  for (let turn = 0; turn < count; turn++) await new Promise(setImmediate);
};

function held() {
  const source = new PassThrough();
  const body = new HttpBody(200, {}, source, new Watch(() => assert.fail()), 10_000);
  return { source, body, reader: new Recorder() };
}

test('body: what has come before there is a reader is whole, and can be read', async () => {
  const { source, body, reader } = held();
  assert.equal(body.whole, undefined);
  source.write('a');
  await turns();
  source.end('b');
  await turns();
  assert.equal(String(body.whole), 'ab');
  body.pause();
  body.read(reader);
  assert.equal(body.whole, undefined, 'somebody reads it');
  await turns();
  assert.deepEqual(reader.events, []);
  body.resume();
  assert.deepEqual(reader.events, [], 'not before resume() has returned');
  await turns();
  assert.equal(reader.text, 'ab');
  assert.deepEqual(reader.events, ['data', 'end']);
});

test('body: an empty one is whole, and ends', async () => {
  const { source, body, reader } = held();
  source.end();
  await turns();
  assert.equal(body.whole?.length, 0);
  body.read(reader);
  await turns();
  assert.deepEqual(reader.events, ['end']);
});

test('body: what is held without a reader is bounded', async () => {
  const { source, body, reader } = held();
  const sent = Array.from({ length: 64 }, () => Buffer.alloc(16_384, 'x'));
  for (const piece of sent) source.write(piece);
  source.end();
  await turns();
  assert.equal(source.isPaused(), true);
  assert.ok(source.readableLength + source.writableLength > 48 * 16_384);
  body.read(reader);
  await turns(20);
  assert.equal(reader.text.length, sent.length * 16_384);
  assert.equal(reader.events.at(-1), 'end');
});

test('body: whole and given up: nothing is told, the source is let alone', async () => {
  const { source, body, reader } = held();
  source.end('a');
  await turns();
  body.mute();
  body.read(reader);
  await turns();
  assert.equal(body.whole, undefined);
  assert.deepEqual(reader.events, []);
});
