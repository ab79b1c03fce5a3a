/** SSE READER. Bytes -> the data of events, whole reads and reads that cut every event in two. */
import assert from 'node:assert/strict';
import { SseReader } from '../../lib/translate/sse.ts';
import type { Case } from '../case.ts';
import { EVENTS, STREAM, STREAM_BYTES } from '../surroundings.ts';

function count(chunks: readonly Buffer[]): number {
  let events = 0;
  const reader = new SseReader({ event: () => void events++ });
  for (const chunk of chunks) reader.feed(chunk);
  reader.end();
  return events;
}

const halves = STREAM.flatMap((frame) => {
  const middle = frame.length >> 1;
  return [frame.subarray(0, middle), frame.subarray(middle)];
});

const row = (variant: string, chunks: readonly Buffer[]): Case => ({
  name: `sse reader: ${variant}`,
  unit: 'event',
  operations: EVENTS,
  bytes: Math.round(STREAM_BYTES / EVENTS),
  setup: () => () => count(chunks),
  check: (result) => assert.equal(result, STREAM.length),
});

export const cases: readonly Case[] = [
  row('an event a read', STREAM),
  row('every event cut in two', halves),
  row('all in one read', [Buffer.concat(STREAM)]),
];
