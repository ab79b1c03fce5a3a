/** Is nothing given out before content, and what is no event stream never? */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { MAX_ERROR_BODY_BYTES } from '../../lib/limits.ts';
import { RelayStream } from '../../lib/translate/relay-stream.ts';
import { type FrameData, textOf } from '../../lib/translate/sse-frames.ts';
import type { Usage } from '../../lib/translate/translator.ts';
import { fault } from '../../lib/translate/upstream-fault.ts';
import { run } from '../support/passthrough.ts';

/** `1` is content, `2` the last event, `3` an error; anything else is relayed. */
class Numbers extends RelayStream {
  readonly usage: Usage = {
    promptTokens: 0,
    cachedTokens: 0,
    outputTokens: 0,
    reasoningTokens: 0,
    reported: false,
  };

  protected override frame(data: FrameData): void {
    const text = data.lines === 0 ? '' : textOf(data);
    if (text === '3') {
      this.fail(fault('error', 'three'));
      return;
    }
    if (text === '1') this.begun = true;
    if (text === '2') this.relayLast();
    else this.relay();
  }

  protected override close(): void {
    this.fail(fault('cut', ''));
  }
}

const events = (...numbers: string[]) => numbers.map((number) => `data: ${number}\n\n`).join('');

for (const { name, input, out, ...state } of [
  {
    name: 'content',
    input: events('0', '1', '0', '2'),
    out: events('0', '1', '0', '2'),
    begun: true,
    ended: true,
    kind: null,
  },
  {
    name: 'an end without content',
    input: events('0', '2'),
    out: events('0', '2'),
    begun: true,
    ended: true,
    kind: null,
  },
  {
    name: 'behind the end',
    input: events('2', '1', '3'),
    out: events('2'),
    begun: true,
    ended: true,
    kind: null,
  },
  {
    name: 'an early error',
    input: events('0', '3', '1'),
    out: '',
    begun: false,
    ended: false,
    kind: 'error',
  },
  {
    name: 'a late error',
    input: events('1', '0', '3', '2'),
    out: events('1', '0'),
    begun: true,
    ended: false,
    kind: 'error',
  },
  {
    name: 'an early end',
    input: events('0', '0'),
    out: '',
    begun: false,
    ended: false,
    kind: 'cut',
  },
  {
    name: 'a late end',
    input: events('1', '0'),
    out: events('1', '0'),
    begun: true,
    ended: false,
    kind: 'cut',
  },
  { name: 'nothing', input: '', out: '', begun: false, ended: false, kind: 'cut' },
  {
    name: 'blank lines first',
    input: `\n \n${events('1', '2')}`,
    out: events('1', '2'),
    begun: true,
    ended: true,
    kind: null,
  },
  {
    name: 'half an object at the end',
    input: `${events('1')}data: {"a`,
    out: events('1'),
    begun: true,
    ended: false,
    kind: 'cut',
  },
  {
    name: 'half a field at the end',
    input: `${events('1')}event: a`,
    out: events('1'),
    begun: true,
    ended: false,
    kind: 'cut',
  },
  {
    name: 'a JSON error',
    input: '\n{\n"error":{"code":"1302"}}',
    out: '',
    begun: false,
    ended: false,
    kind: 'error',
  },
  {
    name: 'JSON that is no error',
    input: '[1]',
    out: '',
    begun: false,
    ended: false,
    kind: 'nonsense',
  },
  {
    name: 'HTML',
    input: '<html>\n\n</html>',
    out: '',
    begun: false,
    ended: false,
    kind: 'nonsense',
  },
  {
    name: 'endless JSON',
    input: `[${'1,'.repeat(MAX_ERROR_BODY_BYTES / 2)}`,
    out: '',
    begun: false,
    ended: false,
    kind: 'nonsense',
  },
]) {
  test(`relayed: ${name}`, () => {
    const bytes = Buffer.from(input);
    for (const size of [1, 2, 3, 7, 16, Math.max(1, bytes.length)]) {
      const stream = new Numbers();
      assert.equal(run(stream, bytes, size), out, `in pieces of ${size}`);
      const { begun, ended, fault: failed } = stream;
      assert.deepEqual({ begun, ended, kind: failed?.kind ?? null }, state);
      assert.equal(stream.push(Buffer.from(events('1'))).length + stream.finish().length, 0);
    }
  });
}
