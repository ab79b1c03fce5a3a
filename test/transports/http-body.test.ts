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
