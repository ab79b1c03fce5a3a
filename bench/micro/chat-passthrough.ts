/** CHAT PASSTHROUGH. A provider's chunks -> the same chunks with the model the client asked for. */
import assert from 'node:assert/strict';
import { ChatPassthrough } from '../../lib/translate/openai-openai/stream.ts';
import type { Case } from '../case.ts';
import { EVENTS, STREAM, STREAM_BYTES } from '../surroundings.ts';

function relay(chunks: readonly Buffer[], askedModel: string): number {
  const stream = new ChatPassthrough({ askedModel, estimatedInputTokens: 10, stripUsage: false });
  let bytes = 0;
  for (const chunk of chunks) bytes += stream.push(chunk).length;
  bytes += stream.finish().length;
  return stream.ended ? bytes : -1;
}

const UPSTREAM = 'simulated';
const whole = [Buffer.concat(STREAM)];

/** Every chunk but `[DONE]` names the model once. */
const lengthFor = (asked: string) =>
  STREAM_BYTES + (asked.length - UPSTREAM.length) * (STREAM.length - 1);

const row = (variant: string, chunks: readonly Buffer[], asked: string): Case => ({
  name: `chat passthrough: ${variant}`,
  unit: 'event',
  operations: EVENTS,
  bytes: Math.round(STREAM_BYTES / EVENTS),
  setup: () => () => relay(chunks, asked),
  check: (result) => assert.equal(result, lengthFor(asked)),
});

export const cases: readonly Case[] = [
  row('model renamed, an event a read', STREAM, 'claude-sonnet-5'),
  row('model renamed, all in one read', whole, 'claude-sonnet-5'),
  row('model kept, an event a read', STREAM, UPSTREAM),
];
