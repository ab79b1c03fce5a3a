/** Does a stream with a template say what a stream read in full would say? */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { DeltaTemplate } from '../../../lib/translate/anthropic-openai/delta-template.ts';
import { MessageStream } from '../../../lib/translate/anthropic-openai/stream.ts';
import { seeded } from '../../support/seeded.ts';
import { contextOf, memoOf, type Options } from './setting.ts';

type Json = Readonly<Record<string, unknown>>;

const content = (text: string): Json => ({ content: text });
const reasoning = (text: string): Json => ({ content: null, reasoning_content: text });
const argument = (text: string): Json => ({
  tool_calls: [{ index: 0, function: { arguments: text } }],
});

function chunk(delta: Json, more: Json = {}, top: Json = {}): Json {
  const choices = [{ index: 0, delta, finish_reason: null, ...more }];
  return { id: 'x', model: 'glm-4.6', choices, ...top };
}

const frame = (value: unknown) =>
  `data: ${typeof value === 'string' ? value : JSON.stringify(value)}\n\n`;

function learned(value: Json): DeltaTemplate {
  const template = new DeltaTemplate();
  template.learn(JSON.stringify(value), value);
  return template;
}

/** Length of `text` when the frame fits a template learned from `from`, else -1. */
function match(from: Json, text: string): number {
  return learned(from).match(Buffer.from(text), 0);
}

for (const make of [content, reasoning, argument]) {
  const first = chunk(make('first'));
  for (const { name, bytes, fits = true } of [
    { name: 'another text', bytes: frame(chunk(make('second one'))) },
    {
      name: 'escapes, and more than ASCII',
      bytes: frame(chunk(make('"\\\n\u0001 é你👩‍💻\ud800'))),
    },
    { name: 'a backslash at the end', bytes: frame(chunk(make('x\\'))) },
    { name: 'no text', bytes: frame(chunk(make(''))), fits: false },
    {
      name: 'another finish',
      bytes: frame(chunk(make('x'), { finish_reason: 'stop' })),
      fits: false,
    },
    { name: 'a usage', bytes: frame(chunk(make('x'), {}, { usage: {} })), fits: false },
    { name: 'another id', bytes: frame({ ...chunk(make('x')), id: 'y' }), fits: false },
    { name: 'a cut frame', bytes: frame(chunk(make('x'))).slice(0, -1), fits: false },
    {
      name: 'another end of lines',
      bytes: frame(chunk(make('x'))).replaceAll('\n', '\r\n'),
      fits: false,
    },
    {
      name: 'a raw line end in the text',
      bytes: frame(chunk(make('a~b'))).replace('~', '\n'),
      fits: false,
    },
    {
      name: 'an unknown escape',
      bytes: frame(chunk(make('a~b'))).replace('~', '\\q'),
      fits: false,
    },
    {
      name: 'a text that never ends',
      bytes: `${frame(chunk(make('x~'))).split('~')[0]}`,
      fits: false,
    },
    { name: 'the end', bytes: frame('[DONE]'), fits: false },
  ]) {
    test(`template of ${Object.keys(make('')).at(-1)}: ${name}`, () => {
      assert.equal(match(first, bytes), fits ? Buffer.byteLength(bytes) : -1);
    });
  }
}

for (const { name, value } of [
  { name: 'an empty text', value: chunk(content('')) },
  { name: 'two things', value: chunk({ ...content('a'), reasoning: 'b' }) },
  { name: 'a text and a call', value: chunk({ ...content('a'), ...argument('b') }) },
  { name: 'two calls', value: chunk({ tool_calls: [1, 2].map((index) => ({ index })) }) },
  { name: 'a call without arguments', value: chunk({ tool_calls: [{ index: 0 }] }) },
  { name: 'an old function call', value: chunk({ function_call: { arguments: '{' } }) },
  { name: 'a refusal', value: chunk({ ...content('a'), refusal: 'b' }) },
  { name: 'a finish', value: chunk(content('a'), { finish_reason: 'stop' }) },
  { name: 'a usage', value: chunk(content('a'), {}, { usage: { prompt_tokens: 1 } }) },
  { name: 'a usage in the choice', value: chunk(content('a'), { usage: { prompt_tokens: 1 } }) },
  { name: 'an error', value: chunk(content('a'), {}, { error: 'b' }) },
  { name: 'another choice', value: chunk(content('a'), { index: 1 }) },
  { name: 'a text that is a key as well', value: chunk(content('model')) },
  { name: 'a text that is another value as well', value: chunk(content('glm-4.6')) },
])
  test(`nothing is learned from ${name}`, () => {
    assert.equal(match(value, frame(value)), -1);
  });

test('nothing is learned from data of several lines, or of a text in other escapes', () => {
  const value = chunk(content('é'));
  for (const data of [
    JSON.stringify(value, null, 1),
    JSON.stringify(value).replace('é', '\\u00e9'),
  ]) {
    const template = new DeltaTemplate();
    template.learn(data, value);
    assert.equal(template.match(Buffer.from(frame(JSON.stringify(value))), 0), -1);
  }
});

test('after eight chunks that fit nothing no more is learned; a match starts anew', () => {
  const template = new DeltaTemplate();
  const random = (n: number) => ({ ...chunk(content('a')), obfuscation: `${n}` });
  const learn = (value: Json) => template.learn(JSON.stringify(value), value);
  const fits = (value: Json) => template.match(Buffer.from(frame(value)), 0) !== -1;
  for (let n = 0; n < 7; n++) learn(random(n));
  assert.ok(fits(random(6)));
  for (let n = 0; n < 7; n++) learn(random(n));
  assert.ok(fits(random(6)));
  for (let n = 0; n < 9; n++) learn(random(n));
  for (let n = 0; n < 9; n++) assert.ok(!fits(random(n)));
});

const TEXTS = [
  'Hello',
  ' world',
  ' ',
  '\n',
  'é你👩‍💻',
  '<',
  '<b>',
  ' "q" \\ ',
  '\u0000',
  'END',
  '<think>',
];
const TAGS = [
  '</think>',
  '<reasoning_content>',
  '</reasoning_content>',
  '<tool_call>Read</tool_call>',
  'E',
  'ND',
  '',
];
const RUNS = 300;

/** Runs of chunks that are alike, and between them others, now and then broken ones. */
function sampleOf(random: () => number): string {
  const pick = <T>(from: readonly T[]): T => from[Math.floor(random() * from.length)] as T;
  let sse = '';
  for (let runs = 1 + random() * 5; runs > 0; runs--) {
    const make = pick([content, content, reasoning, argument]);
    const top = random() < 0.2 ? { usage: null } : {};
    for (let left = random() * 8; left > 0; left--) {
      const text = pick(random() < 0.8 ? TEXTS : TAGS);
      sse += frame(chunk(make(text), {}, top));
    }
    if (random() < 0.3) {
      const name = pick(['Read', 'Grep', 'functions.Read']);
      const call = {
        index: Math.floor(random() * 2),
        id: `c${random()}`,
        function: { name, arguments: '' },
      };
      sse += frame(chunk({ tool_calls: [call] }));
    }
    if (random() < 0.1)
      sse += pick([': ping\n\n', '\n', 'event: x\n\n', frame('{oops'), frame({ error: 'x' })]);
  }
  if (random() < 0.9)
    sse += frame(chunk({}, { finish_reason: pick(['stop', 'tool_calls', 'length']) }));
  return (
    sse +
    pick([
      '',
      frame('[DONE]'),
      frame(chunk({}, {}, { usage: { prompt_tokens: 3, completion_tokens: 4 } })),
    ])
  );
}

function translate(chunks: readonly Buffer[], options: Options): unknown[] {
  const stream = new MessageStream(memoOf(options), contextOf(options));
  const out = chunks.map((bytes) => stream.push(bytes)).join('') + stream.finish();
  return [out, stream.fault?.kind, stream.usage, stream.stopReason, stream.empty, stream.begun];
}

/** Whole, one event a piece, and cut anywhere. */
function cuts(sse: string, random: () => number): Buffer[][] {
  const bytes = Buffer.from(sse);
  const shredded: Buffer[] = [];
  for (let at = 0; at < bytes.length; ) {
    const end = at + 1 + Math.floor(random() * 600);
    shredded.push(bytes.subarray(at, end));
    at = end;
  }
  const events = sse.split(/(?<=\n\n)/).map((event) => Buffer.from(event));
  return [[bytes], events, shredded];
}

test(`${RUNS} random streams come to the same with a template and without`, (t) => {
  const matched = t.mock.method(DeltaTemplate.prototype, 'match');
  const hits = () => matched.mock.calls.filter(({ result }) => Number(result) >= 0).length;
  let all = 0;
  for (let seed = 1; seed <= RUNS; seed++) {
    const random = seeded(seed);
    const sse = sampleOf(random);
    const options: Options = {
      tools: random() < 0.5 ? ['Read', 'Grep'] : [],
      stopSequences: random() < 0.3 ? ['END', 'o w'] : [],
      extractReasoning: random() < 0.5,
      thinkingDisabled: random() < 0.2,
    };
    const before = hits();
    const inFull = translate([Buffer.from(sse.replaceAll('data: ', 'data:'))], options);
    assert.equal(hits(), before, 'no template fits a stream without the space');
    for (const chunks of cuts(sse, random)) {
      assert.deepEqual(translate(chunks, options), inFull, `seed ${seed}`);
    }
    all += hits() - before;
    matched.mock.resetCalls();
  }
  assert.ok(all > 5 * RUNS, `only ${all} events fitted`);
});

test('a chunk is not held after it was pushed, nor by its text', () => {
  const template = learned(chunk(content('first')));
  template.match(
    Buffer.from(frame(chunk(content('a text of some length, a slice of the chunk')))),
    0,
  );
  template.forgetChunk();
  assert.deepEqual(template.said, { kind: 1, text: '' });
});
