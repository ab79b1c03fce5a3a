/** Providers' streams, in pieces of every kind, through every translator and reader. */
import assert from 'node:assert/strict';
import { relayMessage } from '../../lib/translate/anthropic-anthropic/response.ts';
import { MessagesPassthrough } from '../../lib/translate/anthropic-anthropic/stream.ts';
import { toMessage } from '../../lib/translate/anthropic-openai/response.ts';
import { MessageStream } from '../../lib/translate/anthropic-openai/stream.ts';
import { RawPassthrough } from '../../lib/translate/openai-openai/raw-stream.ts';
import { relayJson } from '../../lib/translate/openai-openai/response.ts';
import { ChatPassthrough } from '../../lib/translate/openai-openai/stream.ts';
import type { StreamTranslator, Usage } from '../../lib/translate/translator.ts';
import { goldenCases, pieces } from '../support/golden.ts';
import { seeded } from '../support/seeded.ts';
import { contextOf, memoOf } from '../translate/anthropic-openai/setting.ts';
import { fuzzWhenStarted } from './main.ts';
import { assertMessageEvents } from './message-events.ts';
import { type FuzzTarget, seedOf, shred } from './target.ts';

const GOLDEN = ['streams', 'passthrough', 'responses'].flatMap((folder) => goldenCases(folder));

const CHUNK = (delta: string, more = '') =>
  `data: {"id":"c","object":"chat.completion.chunk","model":"m","choices":[{"index":0,"delta":${delta}${more}}]}\n\n`;

const CHAT = `${CHUNK('{"role":"assistant","content":""}')}${CHUNK('{"reasoning_content":"hm"}')}\
${CHUNK('{"content":"Hello <think>"}')}${CHUNK(
  '{"tool_calls":[{"index":0,"id":"a","type":"function","function":{"name":"Read","arguments":"{"}}]}',
)}${CHUNK('{"tool_calls":[{"index":1,"id":"b","function":{"name":"Grep","arguments":"{}"}}]}')}\
${CHUNK('{"tool_calls":[{"index":0,"function":{"arguments":"}"}}]}')}\
${CHUNK('{}', ',"finish_reason":"tool_calls"')}data: {"choices":[],"usage":{"prompt_tokens":5,\
"completion_tokens":7}}\n\ndata: [DONE]\n\n`;

const MESSAGE = `event: message_start\ndata: {"type":"message_start","message":{"id":"m","model":"x",\
"usage":{"input_tokens":3}}}\n\nevent: content_block_start\ndata: {"type":"content_block_start",\
"index":0,"content_block":{"type":"text","text":""}}\n\ndata: {"type":"content_block_delta","index":\
0,"delta":{"type":"text_delta","text":"Hi"}}\n\nevent: content_block_stop\ndata: {"type":\
"content_block_stop","index":0}\n\nevent: message_delta\ndata: {"type":"message_delta","delta":\
{"stop_reason":"end_turn"},"usage":{"output_tokens":2}}\n\nevent: message_stop\ndata: {"type":\
"message_stop"}\n\n`;

const WORDS = [
  ...[
    'data: ',
    'data:',
    'event: ',
    'id: ',
    'retry: ',
    ': ',
    '\n\n',
    '\r\n\r\n',
    '\r',
    '\r\r',
    '\n',
  ],
  ...['data: [DONE]\n\n', '[DONE]', '\ufeff', 'data: {"error":{"message":"x","code":500}}\n\n'],
  ...['"choices"', '"delta"', '"content"', '"reasoning_content"', '"reasoning"', '"tool_calls"'],
  ...[
    '"index"',
    '"id"',
    '"function"',
    '"name"',
    '"arguments"',
    '"finish_reason"',
    '"stop"',
    'null',
  ],
  ...['"length"', '"tool_calls"', '"content_filter"', '"usage"', '"prompt_tokens"', '"error"', '{'],
  ...[
    '"completion_tokens"',
    '"prompt_tokens_details"',
    '"cached_tokens"',
    '"refusal"',
    '}',
    '[',
    ']',
  ],
  ...['<think>', '</think>', '<reasoning_content>', '</reasoning_content>', '<tool_call>', 'Read'],
  ...['</tool_call>', '<arg_key>', '</arg_key>', '<arg_value>', '</arg_value>', 'STOP', '"Read"'],
  ...[
    '\\ud83d',
    '\\ude00',
    '\\u0000',
    '\\"',
    '\\\\',
    '\u00e9',
    '\ud83d\ude00',
    '"',
    ',',
    ':',
    '1e999',
  ],
  ...[
    'event: error\n',
    'event: ping\ndata: {"type":"ping"}\n\n',
    '"message_start"',
    '"text_delta"',
  ],
  ...[
    '"content_block_start"',
    '"content_block_delta"',
    '"message_delta"',
    '"stop_reason"',
    '"model"',
  ],
  ...[
    '{"choices":[{"message":{"content":"x"},"finish_reason":"stop"}]}',
    '<html>',
    '"message":"x"',
  ],
];

const OPTIONS = {
  tools: ['Read', 'Grep', 'Bash'],
  toolNames: { short_name: 'a.very.long.name' },
  stopSequences: ['STOP', 'o w'],
  extractReasoning: true,
};

interface Kind {
  readonly name: string;
  readonly make: () => StreamTranslator;
  /** Whether what comes out is made by us, and so must be in order. */
  readonly ours: boolean;
}

const PASSING = { askedModel: 'asked', estimatedInputTokens: 10 };
const KINDS: readonly Kind[] = [
  {
    name: 'translated',
    ours: true,
    make: () => new MessageStream(memoOf(OPTIONS), contextOf(OPTIONS)),
  },
  {
    name: 'translated plainly',
    ours: true,
    make: () => new MessageStream(memoOf({ thinkingDisabled: true }), contextOf({})),
  },
  {
    name: 'chat',
    ours: false,
    make: () => new ChatPassthrough({ ...PASSING, stripUsage: true }),
  },
  { name: 'messages', ours: false, make: () => new MessagesPassthrough(PASSING) },
  { name: 'raw', ours: false, make: () => new RawPassthrough(PASSING) },
];

interface Told {
  readonly out: string;
  readonly state: object;
}

/** All that one translator says of the bytes. */
function tell(translator: StreamTranslator, chunks: readonly Buffer[]): Told {
  const out: Buffer[] = [];
  for (const chunk of chunks) {
    const given = Buffer.from(translator.push(Buffer.from(chunk)));
    assert.ok(given.length === 0 || translator.begun, 'nothing is given out before it began');
    out.push(given);
  }
  out.push(Buffer.from(translator.finish()));
  const { begun, ended, empty, stopReason, usage, fault } = translator;
  assert.ok(ended || fault !== null, 'an end or a fault');
  assertUsage(usage);
  const state = { begun, ended, empty, stopReason, usage: { ...usage }, fault: fault?.kind };
  assert.equal(translator.push(Buffer.from('data: x\n\n')).length, 0, 'after the end nothing');
  return { out: Buffer.concat(out).toString('latin1'), state };
}

function assertUsage(usage: Usage): void {
  const { promptTokens, cachedTokens, outputTokens, reasoningTokens } = usage;
  for (const count of [promptTokens, cachedTokens, outputTokens, reasoningTokens]) {
    assert.ok(Number.isFinite(count) && count >= 0, `usage ${JSON.stringify(usage)}`);
  }
  assert.ok(cachedTokens <= promptTokens, `usage ${JSON.stringify(usage)}`);
}

function checkStream({ name, make, ours }: Kind, input: Buffer): string {
  const whole = tell(make(), [input]);
  const chance = seeded(seedOf(input));
  for (const chunks of [shred(input, chance), shred(input, chance), pieces(input, 1)]) {
    assert.deepEqual(tell(make(), chunks), whole, `${name}: in ${chunks.length} pieces`);
  }
  const { ended } = whole.state as { ended: boolean };
  const text = Buffer.from(whole.out, 'latin1').toString();
  const shape = ours ? assertMessageEvents(text, ended) : String(text.length === input.length);
  return `${shape} ${JSON.stringify(whole.state).replace(/\d+/g, '0')}`;
}

/** The same bytes as a whole body. */
function checkBodies(input: Buffer): string {
  const answers = [
    toMessage(input, memoOf(OPTIONS), contextOf(OPTIONS)),
    relayJson(input, PASSING),
    relayMessage(input, PASSING),
  ];
  return answers
    .map((answer, at) => {
      if ('kind' in answer) return answer.kind;
      assertUsage(answer.usage);
      const body = String(answer.body);
      if (at === 0) JSON.parse(body);
      return `${answer.stopReason} ${answer.empty}`;
    })
    .join();
}

export const sse: FuzzTarget = {
  name: 'sse',
  seeds: [CHAT, MESSAGE, ...GOLDEN.map(({ fences }) => `${fences.get('in') ?? ''}\n\n`)],
  words: WORDS,
  maxBytes: 8 * 1024,
  maxCaseMs: 1_000,
  start: () => ({
    check: (input) =>
      [...KINDS.map((kind) => checkStream(kind, input)), checkBodies(input)].join(' | '),
  }),
};

await fuzzWhenStarted(import.meta.url, sse);
