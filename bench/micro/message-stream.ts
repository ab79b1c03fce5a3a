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

export const cases: readonly Case[] = [
  {
    name: 'message stream: translate, an event a read',
    unit: 'event',
    operations: EVENTS,
    bytes: Math.round(STREAM_BYTES / EVENTS),
    setup: () => () => translate(STREAM),
    check,
  },
  {
    name: 'message stream: translate, all in one read',
    unit: 'event',
    operations: EVENTS,
    bytes: Math.round(STREAM_BYTES / EVENTS),
    setup: () => () => translate(whole),
    check,
  },
];
