/** Do provider streams become the frames they should, however their bytes are cut? */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { MessageStream } from '../../../lib/translate/anthropic-openai/stream.ts';
import type { UpstreamFault } from '../../../lib/translate/translator.ts';
import { type GoldenCase, goldenCases, pieces } from '../../support/golden.ts';
import { contextOf, memoOf, type Options } from './setting.ts';

interface Run {
  readonly out: string;
  readonly fault: UpstreamFault | null;
}

function run(chunks: readonly Buffer[], options: Options): Run {
  const stream = new MessageStream(memoOf(options), contextOf(options));
  let out = '';
  for (const chunk of chunks) {
    const frames = stream.push(chunk);
    assert.ok(frames === '' || frames.endsWith('\n\n'), 'only whole frames are given out');
    out += frames;
    assert.equal(stream.begun, out !== '', 'begun says whether something was given out');
  }
  out += stream.finish();
  assert.equal(stream.ended, out.endsWith('{"type":"message_stop"}\n\n'));
  assert.equal(stream.ended, stream.fault === null, 'a stream ends or fails');
  assert.equal(stream.push(Buffer.from('data: {"choices":[]}\n\n')), '', 'deaf after the end');
  return { out, fault: stream.fault };
}

function inputOf({ fences }: GoldenCase, options: Options): Buffer {
  return Buffer.from((fences.get('in') ?? '') + (options.raw ? '' : '\n\n'));
}

function optionsOf({ fences }: GoldenCase): Options {
  return JSON.parse(fences.get('options') ?? '{}') as Options;
}

for (const golden of goldenCases('streams')) {
  test(`stream: ${golden.title} (${golden.file})`, () => {
    const options = optionsOf(golden);
    const bytes = inputOf(golden, options);
    const whole = run([bytes], options);
    assert.equal(whole.out.trimEnd(), (golden.fences.get('out') ?? '').trimEnd());
    const fault = golden.fences.get('fault');
    assert.deepEqual(whole.fault, fault === undefined ? null : JSON.parse(fault));
    for (let size = 1; size < bytes.length; size++) {
      assert.deepEqual(run(pieces(bytes, size), options), whole, `cut at every ${size} bytes`);
    }
  });
}
