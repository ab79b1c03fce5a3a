/** MESSAGE STREAM. A provider's chunks -> Anthropic frames, one chunk a read and many a read. */
import assert from 'node:assert/strict';
import type { RequestMemo } from '../../lib/translate/anthropic-openai/memo.ts';
import { MessageStream } from '../../lib/translate/anthropic-openai/stream.ts';
import type { Case } from '../case.ts';
import { CONTEXT, EVENTS, STREAM, STREAM_BYTES } from '../surroundings.ts';

const MEMO: RequestMemo = {
  stream: true,
  toolNames: new Map(),
  toolNameSet: new Set(),
  stopSequences: [],
  askedMaxTokens: 32_000,
  sentMaxTokens: 32_000,
  thinkingDisabled: false,
};

function translate(chunks: readonly Buffer[]): number {
  const stream = new MessageStream(MEMO, CONTEXT);
  let chars = 0;
  for (const chunk of chunks) chars += stream.push(chunk).length;
  chars += stream.finish().length;
  return stream.ended ? chars : -1;
}

/** 104 chars a delta, and the frames around them. */
const check = (result: unknown) => assert.ok(Number(result) > EVENTS * 100, String(result));
const whole = [Buffer.concat(STREAM)];

/** The same chunks, each event's text put in another way; `nth` counts from 0. */
function rewritten(rewrite: (frame: string, nth: number) => string): Buffer[] {
  return STREAM.map((frame, nth) => Buffer.from(rewrite(frame.toString(), nth)));
}

const thinking = rewritten((frame) => frame.replace('"content":', '"reasoning":'));
const escaped = rewritten((frame) => frame.replace('word', '\\n wörd'));
const called = rewritten((frame, nth) => {
  const [name, text] = nth < 2 ? ['"name":"Read",', '{\\"a\\":\\"'] : ['', 'x\\\\n = \\\\\\"y'];
  const call = `[{"index":0,"function":{${name}"arguments":"${text}"}}]`;
  return frame.replace('"content":"word"', `"tool_calls":${call}`);
});
/** As OpenAI does: a random string in each chunk, so that none is like the one before. */
const unlike = rewritten((frame, nth) => frame.replace('{', `{"obfuscation":"${nth}",`));

const row = (variant: string, chunks: readonly Buffer[]): Case => ({
  name: `message stream: ${variant}`,
  unit: 'event',
  operations: EVENTS,
  bytes: Math.round(STREAM_BYTES / EVENTS),
  setup: () => () => translate(chunks),
  check,
});

export const cases: readonly Case[] = [
  row('translate, an event a read', STREAM),
  row('translate, all in one read', whole),
  row('thinking, an event a read', thinking),
  row('escapes and no ASCII, an event a read', escaped),
  row('tool arguments, an event a read', called),
  row('every chunk another, an event a read', unlike),
];
