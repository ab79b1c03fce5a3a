/** With its tools known a request becomes, byte for byte, what it becomes without. */
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { test } from 'node:test';
import { GatewayError } from '../../../lib/errors.ts';
import {
  MAX_KNOWN_TOOL_BYTES,
  MAX_KNOWN_TOOL_PLANS,
  MAX_KNOWN_TOOL_SET_BYTES,
  MAX_KNOWN_TOOL_SETS,
  MAX_TRIES_FOR_TOOLS,
  SKIPPED_FOR_A_TRY,
} from '../../../lib/limits.ts';
import { PRESETS } from '../../../lib/providers/index.ts';
import type { Preset } from '../../../lib/providers/types.ts';
import { messages } from '../../../lib/routes/messages.ts';
import { type KnownPlan, KnownTools } from '../../../lib/translate/anthropic-openai/known-tools.ts';
import { readMessages } from '../../../lib/translate/anthropic-openai/parse.ts';
import {
  choiceOf,
  planToKeep,
  toChatCompletion,
} from '../../../lib/translate/anthropic-openai/request.ts';
import { ToolNames } from '../../../lib/translate/anthropic-openai/tool-names.ts';
import { type ContextOptions, contextOf } from '../../support/contexts.ts';
import { goldenCases } from '../../support/golden.ts';
import { seeded } from '../../support/seeded.ts';

const NAMES = Object.keys(PRESETS) as Preset['name'][];

/** Makes a body large enough for what is remembered to be looked for. */
const FILLER = `"filler":"${'x'.repeat(9_000)}",`;
const LONG_NAME = `mcp__${'very_'.repeat(20)}long__name`;
const WORDS = 'Reads what is asked for, "quoted" and é. '.repeat(40);

const TOOLS = [
  {
    name: 'Read',
    description: WORDS,
    input_schema: { type: 'object', properties: { path: { type: 'string', pattern: '^/' } } },
  },
  { name: LONG_NAME, description: 'Long.', input_schema: { type: 'object' } },
  { type: 'web_search_20250305', name: 'web_search' },
];

const HISTORY = [
  { role: 'user', content: [{ type: 'text', text: 'Hi' }] },
  {
    role: 'assistant',
    content: [
      { type: 'tool_use', id: 't1', name: LONG_NAME, input: { at: 1 } },
      { type: 'tool_use', id: 't2', name: `gone.${LONG_NAME}`, input: {} },
    ],
  },
  { role: 'user', content: [{ type: 'tool_result', tool_use_id: 't1', content: WORDS }] },
];

function bodyOf(more: object = {}): string {
  const body = { model: 'm', max_tokens: 99, tools: TOOLS, messages: HISTORY, ...more };
  return `{${FILLER}${JSON.stringify(body).slice(1)}`;
}

/** Payload and memory for the answer, or the words of the refusal. */
function made(body: string, known: KnownTools | null, options: ContextOptions): unknown {
  const bytes = Buffer.from(body);
  const context = contextOf(options);
  try {
    const { request, longTexts, tools } = readMessages(bytes, true, known);
    const plan = tools?.planFor(context.chat, choiceOf(request)) ?? null;
    if (known !== null && plan === null) return made(body, null, options);
    const chat = toChatCompletion(request, context, longTexts, plan);
    return { payload: longTexts.fill(chat.body, plan?.tail).toString(), memo: chat.memo };
  } catch (thrown) {
    assert.ok(thrown instanceof GatewayError, String(thrown));
    return thrown.message;
  }
}

/** What knows the tools of this body, with a plan for it; undefined where it cannot be. */
function learned(body: string, options: ContextOptions): KnownTools | undefined {
  const known = new KnownTools();
  const bytes = Buffer.from(body);
  const { request, longTexts } = readMessages(bytes, true);
  known.cameBefore(bytes);
  const tools = known.cameBefore(bytes);
  if (tools === null) return undefined;
  known.addPlan(known.add(tools, 7), planToKeep(request, contextOf(options), longTexts));
  return known;
}

/** Asserts that tools are known in `body`, or are not, and that it makes no difference. */
function assertSame(body: string, known: KnownTools, isKnown: boolean, options = {}): void {
  const { tools, request } = readMessages(Buffer.from(body), true, known);
  assert.equal(tools !== null, isKnown, 'known');
  if (isKnown) assert.equal(request.tools, undefined, 'taken out');
  assert.deepEqual(made(body, known, options), made(body, null, options));
}

for (const { file, title, fences } of goldenCases('requests')) {
  test(`${file}: ${title}`, () => {
    const options = JSON.parse(fences.get('options') ?? '{}') as ContextOptions;
    const input = (fences.get('in') ?? '').trim().replace('{', `{${FILLER}`);
    const many = `[{"name":"more","description":${JSON.stringify(WORDS)}},`;
    const body = input.replace(/"tools":\s*\[(?=\s*\{)/, (start) => start.slice(0, -1) + many);
    if (typeof made(body, null, options) === 'string') return; // refused
    const known = learned(body, options);
    assert.equal(known !== undefined, body !== input, 'there are tools, or none');
    if (known !== undefined) assertSame(body, known, true, options);
  });
}

const FIXTURES = new URL('../../fixtures/', import.meta.url);
for (const name of readdirSync(FIXTURES).filter((file) => file.endsWith('.json'))) {
  test(`captured: ${name}`, () => {
    const body = readFileSync(new URL(name, FIXTURES), 'utf8');
    for (const preset of NAMES) {
      const known = learned(body, { preset });
      if (known !== undefined) assertSame(body, known, true, { preset });
      else assert.match(name, /^(?:07|10)/, 'these have none, or next to none');
    }
  });
}

for (const choice of [
  undefined,
  { type: 'auto' },
  { type: 'any', disable_parallel_tool_use: true },
  { type: 'none' },
  { type: 'tool', name: LONG_NAME },
]) {
  test(`a choice is a plan of its own: ${JSON.stringify(choice)}`, () => {
    const body = bodyOf({ tool_choice: choice, stream: true });
    for (const preset of NAMES) {
      assertSame(body, learned(body, { preset }) as KnownTools, true, { preset });
      const other = learned(bodyOf({ tool_choice: { type: 'auto', name: 'x' } }), { preset });
      const { request, tools } = readMessages(Buffer.from(body), true, other);
      assert.equal(tools?.planFor(PRESETS[preset].chat, choiceOf(request)), null);
    }
  });
}

const TOOLS_TEXT = JSON.stringify(TOOLS);
const INSIDE = [
  { role: 'user', content: 'Hi' },
  {
    role: 'assistant',
    content: [{ type: 'tool_use', id: 'a', name: 'b', input: { tools: TOOLS } }],
  },
];
const CALL_FIRST = `{${FILLER}${JSON.stringify({ model: 'm', messages: INSIDE, tools: TOOLS }).slice(1)}`;

for (const [name, isKnown, body] of [
  ['another place', true, `{"tools":${TOOLS_TEXT},${bodyOf({ tools: undefined }).slice(1)}`],
  ['blanks around', true, bodyOf().replace('"tools":', '"tools" :\n\t ')],
  ['beside other fields', true, bodyOf({ metadata: { user_id: 'u' }, system: WORDS })],
  ['an escaped key', false, bodyOf().replace('"tools"', '"tool\\u0073"')],
  ['a byte more', false, bodyOf().replace('"Long."', '"Long.."')],
  ['a byte changed', false, bodyOf().replace('"Long."', '"Lang."')],
  ['blanks inside', false, bodyOf().replace('"tools":[', '"tools":[ ')],
  ['one tool more', false, bodyOf({ tools: [...TOOLS, { name: 'more' }] })],
  ['one tool less', false, bodyOf({ tools: TOOLS.slice(0, 2) })],
  ['in the input of a call', false, bodyOf({ tools: [], messages: INSIDE })],
  ['and in the input of a call', true, bodyOf({ messages: INSIDE })],
  ['in the input of a call before', false, CALL_FIRST],
  ['twice', false, bodyOf().replace(/}$/, `,"tools":${TOOLS_TEXT}}`)],
  ['twice, others first', true, `{"tools":[],${bodyOf().slice(1)}`],
  ['twice, others last', false, bodyOf().replace(/}$/, ',"tools":[]}')],
  ['as a text', false, bodyOf({ tools: undefined, system: `"tools":${TOOLS_TEXT}` })],
  ['none', false, bodyOf({ tools: undefined })],
  ['what looks like the mark', false, bodyOf({ system: '~\u0010tools' })],
  ['the mark instead', false, bodyOf({ tools: '~\u0010tools' })],
] as const) {
  test(`known tools: ${name}`, () => {
    const known = learned(bodyOf(), {}) as KnownTools;
    try {
      assertSame(body, known, isKnown);
    } catch (thrown) {
      if (!(thrown instanceof GatewayError)) throw thrown;
      assert.equal(made(body, known, {}), made(body, null, {}));
    }
  });
}

test('a faulty body is refused in the same words', () => {
  const known = learned(bodyOf(), {}) as KnownTools;
  for (const more of [{ messages: [] }, { model: 7 }, { tool_choice: { type: 'x' } }]) {
    const body = bodyOf(more);
    assert.equal(typeof made(body, null, {}), 'string');
    assert.equal(made(body, known, {}), made(body, null, {}));
  }
  const random = seeded(31);
  const start = FILLER.length;
  for (let round = 0; round < 400; round++) {
    const bytes = Buffer.from(bodyOf());
    const at = start + Math.floor(random() * (bytes.length - start));
    bytes[at] = '"\\{}[],:x'.charCodeAt(round % 9);
    const body = bytes.toString();
    assert.deepEqual(made(body, known, {}), made(body, null, {}), `round ${round}, at ${at}`);
  }
});

test('values beside the tools are counted, and so are those of the tools', () => {
  const known = learned(bodyOf(), {}) as KnownTools;
  for (const [count, isTaken] of [
    [499_000, true],
    [499_990, false],
  ] as const) {
    const many = `"many":[${'{},'.repeat(count)}{}],`;
    const body = bodyOf().replace('{', `{${many}`);
    assert.equal(typeof made(body, null, {}), isTaken ? 'object' : 'string');
    assert.deepEqual(made(body, known, {}), made(body, null, {}));
  }
});

test('the first time only a mark is kept, and nothing of odd sizes', () => {
  const known = new KnownTools();
  const sized = (chars: number) =>
    Buffer.from(bodyOf({ tools: [{ name: 'n', description: 'd'.repeat(chars) }] }));
  for (const chars of [10, MAX_KNOWN_TOOL_SET_BYTES]) {
    for (let time = 0; time < 3; time++) assert.equal(known.cameBefore(sized(chars)), null);
  }
  assert.equal(known.cameBefore(sized(2_000)), null);
  assert.equal(known.size, 0);
  const tools = known.cameBefore(sized(2_000));
  assert.deepEqual(JSON.parse(String(tools))[0].name, 'n');
  for (const body of ['[]', '{"tools":7}', '{"tools":', '']) {
    assert.equal(known.cameBefore(Buffer.from(body)), null, body);
  }
  const signed = Buffer.from(bodyOf({ tools: [{ ...TOOLS[0], name: 'u0010' }] }));
  for (let time = 0; time < 3; time++) assert.equal(known.cameBefore(signed), null);
});

test('tools that are never the same are hardly looked at, until others are known again', () => {
  const known = new KnownTools();
  const changing = (at: number) =>
    Buffer.from(bodyOf({ tools: [{ name: 'n', description: `${at}`.padEnd(2_000, 'x') }] }));
  for (let at = 0; at < MAX_TRIES_FOR_TOOLS; at++) known.cameBefore(changing(at));
  let times = 1;
  while (known.cameBefore(changing(0)) === null && times < 99) times += 1;
  assert.equal(times, SKIPPED_FOR_A_TRY, 'the mark of the first is still there');
  known.add(Buffer.from('[1]'), 1);
  for (let time = 0; time < 2; time++) known.find(Buffer.from('[1]'), 0);
  assert.equal(known.cameBefore(changing(200)), null);
  assert.notEqual(known.cameBefore(changing(200)), null);
});

const plan = (choice: string, bytes: number): KnownPlan => ({
  dialect: PRESETS.generic.chat,
  choice,
  tail: Buffer.alloc(bytes),
  hasTools: true,
  hint: '',
  offered: new Set(),
  names: new ToolNames([]),
});

test('what is kept is bounded: in sets, in plans, in bytes', () => {
  const known = new KnownTools();
  const text = (index: number, bytes: number) =>
    Buffer.from(`["${String(index).padEnd(bytes - 4, 'x')}"]`);
  for (let index = 0; index <= MAX_KNOWN_TOOL_SETS; index++) known.add(text(index, 100), 1);
  assert.equal(known.size, MAX_KNOWN_TOOL_SETS * 100);
  assert.equal(known.find(text(0, 100), 0), null, 'the oldest is forgotten');
  const first = known.find(text(1, 100), 0);
  assert.ok(first !== null, 'the next is not, and is now the newest');
  known.add(text(99, 100), 1);
  assert.equal(known.find(text(1, 100), 0), first);
  for (let index = 0; index < 20; index++) known.addPlan(first, plan(String(index), 10));
  assert.equal(first.plans.length, MAX_KNOWN_TOOL_PLANS);
  assert.equal(first.planFor(PRESETS.generic.chat, '0'), null);
  assert.equal(first.planFor(PRESETS.generic.chat, '19'), first.plans[0]);
  const half = MAX_KNOWN_TOOL_BYTES / 2;
  known.addPlan(first, plan('large', half));
  known.add(text(100, half), 1);
  assert.ok(known.size <= MAX_KNOWN_TOOL_BYTES);
  assert.equal(known.find(text(1, 100), 0), null, 'it was too large together');
  const { size } = known;
  known.addPlan(first, plan('late', 10));
  assert.equal(known.size, size, 'what is forgotten does not count');
});

test('what is kept is a copy', () => {
  const bytes = Buffer.from(bodyOf());
  const known = learned(bytes.toString(), {}) as KnownTools;
  const at = bytes.indexOf('[{"name"');
  const set = known.find(bytes, at);
  assert.ok(set !== null);
  const tools = bytes.subarray(at, at + set.bytes.length);
  assert.equal(known.add(tools, 1), set, 'nothing is kept twice');
  const copied = new KnownTools().add(tools, 1);
  bytes.fill(0);
  assert.deepEqual(copied.bytes, set.bytes);
});

/** An answer that calls every tool of the history, by the names that the provider was told. */
function answerTo(payload: string): Buffer {
  const { messages: told } = JSON.parse(payload) as { messages: { tool_calls?: object[] }[] };
  const calls = told.flatMap(({ tool_calls: some = [] }) => some);
  const choices = [{ message: { tool_calls: calls }, finish_reason: 'tool_calls' }];
  return Buffer.from(JSON.stringify({ choices }));
}

test('turn by turn: the same payload, the same answer, the same estimate', () => {
  for (const preset of NAMES) {
    const context = contextOf({ preset });
    const turn = () => {
      const asked = messages.read(Buffer.from(bodyOf()), '');
      const tokens = asked.estimateTokens();
      const attempt = asked.attempt('openai', context);
      const payload = attempt.payload.toString();
      return { payload, tokens, answer: attempt.json(answerTo(payload)) };
    };
    const first = turn();
    for (let later = 0; later < 4; later++) assert.deepEqual(turn(), first);
    assert.ok(JSON.stringify(first.answer).includes(LONG_NAME), 'names are mapped back');
    const sent = JSON.parse(first.payload) as Record<string, unknown>;
    assert.ok(Array.isArray(sent.tools) && sent.model === context.model.upstream);
  }
  const upstream = () => messages.read(Buffer.from(bodyOf({ x: 1 })), '');
  const [{ payload }, estimate] = [
    upstream().attempt('anthropic', contextOf()),
    upstream().estimateTokens(),
  ];
  for (let later = 0; later < 3; later++) {
    assert.equal(upstream().estimateTokens(), estimate);
    assert.deepEqual(upstream().attempt('anthropic', contextOf()).payload, payload);
  }
});
