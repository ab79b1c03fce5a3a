/** Is reasoning found in text, however it is cut? */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ReasoningExtractor } from '../../lib/reasoning/extract.ts';

type Run = [kind: 'text' | 'thinking', run: string];

/** The runs of a text, neighbours of one kind joined. */
function extract(parts: readonly string[], reasoningBlocks: boolean): Run[] {
  const runs: Run[] = [];
  const add = (kind: Run[0], run: string): void => {
    assert.notEqual(run, '', 'no empty run');
    const last = runs.at(-1);
    if (last?.[0] === kind) last[1] += run;
    else runs.push([kind, run]);
  };
  const extractor = new ReasoningExtractor(
    { text: (run) => add('text', run), thinking: (run) => add('thinking', run) },
    reasoningBlocks,
  );
  for (const part of parts) extractor.take(part);
  extractor.flush();
  return runs;
}

function cut(text: string, size: number): string[] {
  const parts: string[] = [];
  for (let at = 0; at < text.length; at += size) parts.push(text.slice(at, at + size));
  return parts;
}

const R = 'reasoning_content';

const CASES: { name: string; text: string; on?: boolean; runs: Run[] }[] = [
  { name: 'plain', text: 'a < b', runs: [['text', 'a < b']] },
  { name: 'nothing', text: '', runs: [] },
  { name: 'white space only', text: ' \n', runs: [['text', ' \n']] },
  {
    name: 'think at the start',
    text: '<think>a</think>b',
    runs: [
      ['thinking', 'a'],
      ['text', 'b'],
    ],
  },
  {
    name: 'white space around it',
    text: '\n <think> a </think>\n\n b',
    runs: [
      ['thinking', ' a '],
      ['text', 'b'],
    ],
  },
  { name: 'think later', text: 'x <think>a</think>', runs: [['text', 'x <think>a</think>']] },
  {
    name: 'a second think block',
    text: '<think>a</think>b<think>c',
    runs: [
      ['thinking', 'a'],
      ['text', 'b<think>c'],
    ],
  },
  {
    name: 'think right after think',
    text: '<think>a</think><think>b',
    runs: [
      ['thinking', 'a'],
      ['text', '<think>b'],
    ],
  },
  { name: 'unclosed', text: '<think>a </thin', runs: [['thinking', 'a </thin']] },
  {
    name: 'closing tags of the other kind',
    text: `<think>a</${R}>b</think>c`,
    on: true,
    runs: [
      ['thinking', `a</${R}>b`],
      ['text', 'c'],
    ],
  },
  { name: 'almost', text: '<thinking>a', runs: [['text', '<thinking>a']] },
  { name: 'held at the end', text: '<thi', runs: [['text', '<thi']] },
  { name: 'white space and held at the end', text: ' <thi', runs: [['text', ' <thi']] },
  { name: 'empty block', text: '<think></think>b', runs: [['text', 'b']] },
  { name: 'only a block', text: '<think>a</think>\n', runs: [['thinking', 'a']] },
  { name: 'two brackets', text: '<<think>a', runs: [['text', '<<think>a']] },
  {
    name: 'reasoning at the start',
    text: `<${R}>a</${R}>\nb`,
    on: true,
    runs: [
      ['thinking', 'a'],
      ['text', 'b'],
    ],
  },
  {
    name: 'reasoning anywhere',
    text: `x <${R}>a</${R}> y`,
    on: true,
    runs: [
      ['text', 'x '],
      ['thinking', 'a'],
      ['text', ' y'],
    ],
  },
  {
    name: 'reasoning twice',
    text: `<${R}>a</${R}> <${R}>b</${R}>c`,
    on: true,
    runs: [
      ['thinking', 'ab'],
      ['text', 'c'],
    ],
  },
  { name: 'reasoning switched off', text: `<${R}>a</${R}>`, runs: [['text', `<${R}>a</${R}>`]] },
  {
    name: 'reasoning after think',
    text: `<think>a</think><${R}>b</${R}>c`,
    on: true,
    runs: [
      ['thinking', 'ab'],
      ['text', 'c'],
    ],
  },
  {
    name: 'brackets in reasoning',
    text: `<${R}>if a < b <c> </${R}>d`,
    on: true,
    runs: [
      ['thinking', 'if a < b <c> '],
      ['text', 'd'],
    ],
  },
  { name: 'box marks', text: '<|begin_of_box|>42<|end_of_box|>.', runs: [['text', '42.']] },
  {
    name: 'box marks after think',
    text: '<think>a</think>\n<|begin_of_box|>\n42',
    runs: [
      ['thinking', 'a'],
      ['text', '42'],
    ],
  },
  { name: 'half a box mark', text: 'a <|begin_of', runs: [['text', 'a <|begin_of']] },
];

for (const { name, text, on = false, runs } of CASES) {
  test(`reasoning: ${name}`, () => {
    for (let size = 1; size <= Math.max(1, text.length); size++) {
      assert.deepEqual(extract(cut(text, size), on), runs, `cut at every ${size}`);
    }
  });
}

test('reasoning: nothing certain is held back', () => {
  let shown = '';
  const sink = {
    text: (run: string) => (shown += run),
    thinking: () => assert.fail('no thinking'),
  };
  const extractor = new ReasoningExtractor(sink, true);
  for (const [piece, sure] of [
    ['a', 'a'],
    ['b <', 'ab '],
    ['i', 'ab <i'],
    [' <reas', 'ab <i '],
    ['on>', 'ab <i <reason>'],
  ] as const) {
    extractor.take(piece);
    assert.equal(shown, sure);
  }
});

test('reasoning: a flush in the middle hands over what was held and goes on', () => {
  const runs: Run[] = [];
  const sink = {
    text: (run: string) => runs.push(['text', run]),
    thinking: (run: string) => runs.push(['thinking', run]),
  };
  const extractor = new ReasoningExtractor(sink, false);
  extractor.take('<thi');
  extractor.flush();
  extractor.take('nk>a');
  assert.deepEqual(runs, [
    ['text', '<thi'],
    ['text', 'nk>a'],
  ]);
});
