/** Is this a stream of Messages events as a strict client reads them? */
import assert from 'node:assert/strict';

interface Event {
  readonly type: string;
  readonly index?: number;
  readonly delta?: { readonly type?: string };
  readonly content_block?: { readonly type?: string };
}

/** Which block a delta is for. */
const BLOCK_OF_DELTA: Readonly<Record<string, string>> = {
  text_delta: 'text',
  thinking_delta: 'thinking',
  signature_delta: 'thinking',
  input_json_delta: 'tool_use',
};

/**
 * One message_start, first; blocks one at a time with contiguous indexes, each closed by its stop;
 * deltas of the open block's kind; message_delta and message_stop last, and only when it `ended`.
 * Gives the types of the events, repeated ones once.
 */
export function assertMessageEvents(out: string, ended: boolean): string {
  const events = framesOf(out);
  let open = '';
  let blocks = 0;
  for (const [at, { type, index, delta, content_block: block }] of events.entries()) {
    assert.equal(type === 'message_start', at === 0, 'one message_start, first');
    if (type === 'content_block_start') {
      assert.equal(open, '', 'blocks do not overlap');
      assert.equal(index, blocks, 'indexes are contiguous');
      open = block?.type ?? 'none';
      blocks += 1;
    } else if (type === 'content_block_delta') {
      assert.equal(index, blocks - 1, 'a delta is for the open block');
      assert.equal(BLOCK_OF_DELTA[delta?.type ?? ''], open, `${delta?.type} in ${open}`);
    } else if (type === 'content_block_stop') {
      assert.notEqual(open, '', 'only an open block is closed');
      assert.equal(index, blocks - 1);
      open = '';
    }
  }
  const types = events.map(({ type }) => type);
  if (ended) {
    assert.equal(open, '', 'every block is closed');
    assert.deepEqual(types.slice(-2), ['message_delta', 'message_stop']);
  }
  assert.equal(types.filter((type) => type === 'message_stop').length, ended ? 1 : 0);
  return types.filter((type, at) => type !== types[at - 1]).join();
}

function framesOf(out: string): Event[] {
  if (out === '') return [];
  assert.ok(out.endsWith('\n\n'), 'frames are whole');
  return out
    .slice(0, -2)
    .split('\n\n')
    .map((frame) => {
      const [, name, data] = /^event: (\w+)\ndata: ([^\n\r]*)$/.exec(frame) ?? [];
      const event = JSON.parse(data ?? '') as Event;
      assert.equal(event.type, name);
      return event;
    });
}
