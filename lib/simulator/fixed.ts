/** Which constant answers were ordered? Made once; a bench's request costs a lookup and a write. */
import { DONE_FRAME, type Envelope, Frames, jsonAnswer } from './answers.ts';
import type { Reply } from './reply.ts';
import type { FixedAnswers, SimulatorDialect } from './types.ts';

export interface FixedBodies {
  readonly json: Buffer;
  readonly frames: readonly string[];
  /** All frames in one. */
  readonly stream: Buffer;
}

const DEFAULT_BYTES = 1_024;
const DEFAULT_EVENTS = 100;

const said = (content: string, tokens: number): Reply => ({
  reasoning: '',
  content,
  calls: [],
  finish: 'stop',
  reasoningTokens: 0,
  completionTokens: tokens,
});

/** Throws a RangeError where `bytes` is less than an answer without text takes. */
export function fixedBodies(fixed: FixedAnswers, dialect: SimulatorDialect): FixedBodies {
  const { bytes = DEFAULT_BYTES, events = DEFAULT_EVENTS } = fixed;
  const envelope: Envelope = {
    dialect,
    id: 'chatcmpl-fixed',
    createdS: 1_760_000_000,
    model: 'simulated',
    promptTokens: 100,
    cachedTokens: 0,
    usage: true,
    toolStream: false,
  };
  const frame = Buffer.byteLength(jsonAnswer(said('', 100), envelope));
  if (bytes < frame) throw new RangeError(`fixed.bytes: an answer has at least ${frame} bytes`);
  const json = Buffer.from(jsonAnswer(said('x'.repeat(bytes - frame), 100), envelope));
  const source = new Frames(said('word'.repeat(events), events), envelope);
  const frames = [...source.deltas(), source.finish(), DONE_FRAME];
  return { json, frames, stream: Buffer.from(frames.join('')) };
}
