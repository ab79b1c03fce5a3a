/** What holds for any stream a provider may send? Seeded; a failure names its seed. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { MessageStream } from '../../../lib/translate/anthropic-openai/stream.ts';
import type { ContentBlock, MessageEvent } from '../../../lib/wire/anthropic-response.ts';
import { pieces } from '../../support/golden.ts';
import { contextOf, memoOf, type Options } from './setting.ts';

const RUNS = 400;

/** Numbers in [0, bound) from a seed (mulberry32). */
function dice(seed: number): (bound: number) => number {
  let state = seed;
  return (bound) => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return Math.floor((((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32) * bound);
  };
}

type Dice = ReturnType<typeof dice>;

function pick<T>(roll: Dice, from: readonly T[]): T {
  return from[roll(from.length)] as T;
}

function forSeeds(body: (roll: Dice) => void): void {
  for (let seed = 1; seed <= RUNS; seed++) {
    try {
      body(dice(seed));
    } catch (error) {
      throw new Error(`seed ${seed}: ${(error as Error).message}`, { cause: error });
    }
  }
}

function translate(chunks: readonly Buffer[], options: Options): [string, MessageStream] {
  const stream = new MessageStream(memoOf(options), contextOf(options));
  let out = '';
  for (const chunk of chunks) out += stream.push(chunk);
  return [out + stream.finish(), stream];
}

/** Cuts at random places. */
function shred(roll: Dice, bytes: Buffer): Buffer[] {
  const chunks: Buffer[] = [];
  for (let at = 0; at < bytes.length; ) {
    const size = 1 + roll(pick(roll, [3, 40, 400]));
    chunks.push(bytes.subarray(at, at + size));
    at += size;
  }
  return chunks;
}

interface Seen {
  readonly blocks: ContentBlock[];
  readonly events: MessageEvent[];
}

/** Reads frames as a strict client does and puts the blocks together. */
function replay(out: string, ended: boolean): Seen {
  const events = out
    .split('\n\n')
    .slice(0, -1)
    .map((frame) => {
      const [, name, data] = /^event: (\w+)\ndata: ([^\n]*)$/.exec(frame) ?? [];
      const event = JSON.parse(data ?? '') as MessageEvent;
      assert.equal(event.type, name);
      return event;
    });
  const blocks: ContentBlock[] = [];
  let json = '';
  let open = false;
  for (const [at, event] of events.entries()) {
    assert.equal(event.type === 'message_start', at === 0, 'one message_start, first');
    if (event.type === 'content_block_start') {
      assert.equal(open, false, 'blocks do not overlap');
      assert.equal(event.index, blocks.length, 'indexes are contiguous');
      blocks.push({ ...event.content_block });
      open = true;
      json = '';
    } else if (event.type === 'content_block_delta') {
      assert.ok(open && event.index === blocks.length - 1, 'a delta is for the open block');
      const { delta } = event;
      const block = blocks.at(-1) as ContentBlock;
      if (delta.type === 'text_delta') extend(block, 'text', delta.text);
      if (delta.type === 'thinking_delta') extend(block, 'thinking', delta.thinking);
      if (delta.type === 'signature_delta') extend(block, 'signature', delta.signature);
      if (delta.type === 'input_json_delta') json += delta.partial_json;
    } else if (event.type === 'content_block_stop') {
      assert.ok(open && event.index === blocks.length - 1, 'only the open block is closed');
      open = false;
      const block = blocks.at(-1);
      if (block?.type === 'tool_use') Object.assign(block, { input: json });
      if (block?.type === 'thinking') assert.match(block.signature, /^cdp1\.[0-9a-f]{8}$/);
    }
  }
  const ends = events.filter((event) => event.type === 'message_stop').length;
  assert.equal(ends, ended ? 1 : 0);
  if (ended) {
    assert.equal(open, false, 'every block is closed');
    assert.deepEqual(
      events.slice(-2).map((event) => event.type),
      ['message_delta', 'message_stop'],
    );
  }
  return { blocks, events };
}

function extend(block: ContentBlock, field: string, piece: string): void {
  const record = block as unknown as Record<string, string>;
  assert.equal(typeof record[field], 'string', `${field} belongs to this block`);
  record[field] += piece;
}

const TEXTS = [
  'Hello',
  ' world',
  '\n',
  'é你👩‍💻',
  '<',
  '<b>',
  ' "q" \\ ',
  '\u0000\u2028',
  'E',
  'END',
  '<think',
];
const TOOLS = ['Read', 'Grep', 'Bash'];

function frame(delta: unknown, more: object = {}): string {
  return `data: ${JSON.stringify({ choices: [{ index: 0, delta, ...more }] })}\n\n`;
}

interface Sample {
  readonly sse: string;
  readonly text: string;
  readonly thinking: string;
  readonly calls: readonly { readonly name: string; readonly json: string }[];
}

/** A lawful answer in random order and pieces: text and thinking, then calls, interleaved. */
function lawful(roll: Dice): Sample {
  let sse = '';
  let text = '';
  let thinking = '';
  for (let left = roll(8); left > 0; left--) {
    const piece = pick(roll, TEXTS);
    if (roll(2) === 0) {
      sse += frame({ content: piece });
      text += piece;
    } else {
      sse += frame({ [pick(roll, ['reasoning', 'reasoning_content'])]: piece });
      thinking += piece;
    }
    if (roll(4) === 0) sse += pick(roll, [': ping\n\n', frame({}), frame({ content: null }), '\n']);
  }
  const calls = Array.from({ length: roll(4) }, () => ({
    name: pick(roll, TOOLS),
    json: JSON.stringify({ [pick(roll, TEXTS)]: [pick(roll, TEXTS), { n: roll(99) }] }),
  }));
  sse += callFrames(roll, calls);
  const finish = pick(roll, ['stop', 'tool_calls']);
  sse += frame({}, { finish_reason: finish });
  return { sse: sse + pick(roll, ['', 'data: [DONE]\n\n', 'data: [DONE]']), text, thinking, calls };
}

/** The fragments of every call in order, those of different calls shuffled into each other. */
function callFrames(roll: Dice, calls: Sample['calls']): string {
  const queues = calls.map(({ name, json }, index) => {
    const first = { index, id: `id${index}`, function: { name, arguments: '' } };
    const size = 1 + roll(json.length);
    const rest = json.match(new RegExp(`[^]{1,${size}}`, 'g')) ?? [];
    return [first, ...rest.map((piece) => ({ index, function: { arguments: piece } }))];
  });
  const together = roll(2) === 0;
  let sse = '';
  for (let waiting = queues.filter((queue) => queue.length > 0); waiting.length > 0; ) {
    const queue = together ? pick(roll, waiting) : waiting[0];
    sse += frame({ tool_calls: [queue?.shift()] });
    waiting = queues.filter((one) => one.length > 0);
  }
  return sse;
}

/** White space of text between other things may be left out; what can be seen may not. */
const visible = (text: string): string => text.replace(/\s/g, '');

test('lawful answers come through whole', () => {
  forSeeds((roll) => {
    const sample = lawful(roll);
    const [out, stream] = translate(shred(roll, Buffer.from(sample.sse)), { tools: TOOLS });
    assert.equal(stream.fault, null);
    const { blocks } = replay(out, true);
    const text = blocks.map((block) => (block.type === 'text' ? block.text : '')).join('');
    const thought = blocks
      .map((block) => (block.type === 'thinking' ? block.thinking : ''))
      .join('');
    const calls = blocks.flatMap((block) => (block.type === 'tool_use' ? [block] : []));
    assert.equal(visible(text), visible(sample.text));
    assert.equal(visible(thought), visible(sample.thinking));
    // Calls are shown in the order in which they began.
    const byName = (
      a: { name: string; json: string },
      b: { name: string; json: string },
    ): number => (`${a.name}${a.json}` < `${b.name}${b.json}` ? -1 : 1);
    assert.deepEqual(
      calls.map(({ name, input }) => ({ name, json: String(input) })).sort(byName),
      [...sample.calls].sort(byName),
    );
    assert.equal(new Set(calls.map(({ id }) => id)).size, calls.length);
    assert.equal(stream.stopReason, calls.length > 0 ? 'tool_use' : 'end_turn');
    assert.equal(stream.empty, !blocks.some((block) => block.type !== 'thinking'));
  });
});

const VALUES: readonly unknown[] = [
  null,
  0,
  -1,
  1e308,
  '',
  'x',
  'stop',
  true,
  [],
  {},
  [null],
  ['x', { text: 'y' }],
  { text: 7 },
  '<think>a',
  '</think>b',
  '<tool_call>Read',
  '<tool_call>{"name":"Grep"}</tool_call>',
  '<arg_key>a</arg_key><arg_value>1</arg_value>',
  '</tool_call>',
  '{"a":1}',
  '"{}"',
  '}',
];
const FIELDS = [
  'content',
  'reasoning',
  'reasoning_content',
  'reasoning_details',
  'refusal',
  'tool_calls',
  'function_call',
  'role',
] as const;

function odd(roll: Dice): unknown {
  return roll(5) === 0
    ? Object.fromEntries(FIELDS.slice(0, roll(4)).map((name) => [name, odd(roll)]))
    : pick(roll, VALUES);
}

function oddCall(roll: Dice): unknown {
  if (roll(6) === 0) return odd(roll);
  return {
    ...(roll(3) > 0 ? { index: pick(roll, [0, 0, 1, 2, -1, null, 'x', 1.5]) } : {}),
    ...(roll(2) === 0 ? { id: pick(roll, ['a', 'b', '', null, 7]) } : {}),
    function:
      roll(8) === 0
        ? odd(roll)
        : {
            name: pick(roll, ['Read', 'read', 'Re', 'ad', '', null, 5, 'Grep']),
            arguments: pick(roll, [
              '',
              '{',
              '}',
              '{}',
              '"a":1',
              '{"a":"}',
              '[1]',
              null,
              { b: 2 },
              'x',
            ]),
          },
  };
}

function oddEvent(roll: Dice): string {
  const kind = roll(20);
  if (kind === 0)
    return pick(roll, ['data: {oops\n\n', 'data: [DONE]\n\n', 'stray\n', '{"a":1}\n\n']);
  if (kind === 1) return `data: ${JSON.stringify(odd(roll))}\n\n`;
  if (kind === 2) return `data: ${JSON.stringify({ choices: odd(roll), usage: odd(roll) })}\n\n`;
  if (kind === 3) return frame({}, { finish_reason: odd(roll) });
  if (kind < 8) return frame({ tool_calls: Array.from({ length: roll(3) }, () => oddCall(roll)) });
  if (kind < 12) return frame({ [pick(roll, FIELDS)]: odd(roll) }, { usage: odd(roll) });
  return frame({ [pick(roll, ['content', 'reasoning'])]: pick(roll, TEXTS) });
}

test('odd events throw nothing and keep the order of blocks, however they are cut', () => {
  forSeeds((roll) => {
    let sse = '';
    for (let left = 1 + roll(25); left > 0; left--) sse += oddEvent(roll);
    const options: Options = {
      tools: TOOLS.slice(0, roll(4)),
      stopSequences: roll(2) === 0 ? ['END', 'o w'] : [],
      extractReasoning: roll(2) === 0,
      thinkingDisabled: roll(4) === 0,
    };
    const bytes = Buffer.from(sse);
    const [whole, stream] = translate([bytes], options);
    assert.equal(stream.ended, stream.fault === null);
    if (whole !== '') replay(whole, stream.ended);
    for (const chunks of [shred(roll, bytes), pieces(bytes, 1)]) {
      const [out, other] = translate(chunks, options);
      assert.equal(out, whole);
      assert.deepEqual(other.fault, stream.fault);
      assert.deepEqual(other.usage, stream.usage);
    }
  });
});

test('random bytes throw nothing', () => {
  forSeeds((roll) => {
    const sample = Buffer.from(lawful(roll).sse);
    for (let hits = 1 + roll(20); hits > 0; hits--) sample[roll(sample.length)] = roll(256);
    const [whole, stream] = translate([sample], { tools: TOOLS });
    if (whole !== '') replay(whole, stream.ended);
    const [out] = translate(shred(roll, sample), { tools: TOOLS });
    assert.equal(out, whole);
  });
});
