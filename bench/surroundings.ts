/** What do micro cases work on? A captured Claude Code turn, a provider's stream, an attempt. */
import { readFileSync } from 'node:fs';
import { PRESETS } from '../lib/providers/index.ts';
import { fixedBodies } from '../lib/simulator/fixed.ts';
import type { TranslationContext } from '../lib/translate/translator.ts';

/** A turn of Claude Code with parallel tool results, 50 KB. */
export const TURN = readFileSync(
  new URL('../test/fixtures/02-glm-turn3-parallel-results.json', import.meta.url),
);

const model = {
  id: 'glm-4.6',
  upstream: 'zai-glm-4.6',
  contextWindow: 131_072,
  maxOutputTokens: 40_960,
  vision: false,
};

export const CONTEXT: TranslationContext = {
  chat: PRESETS.cerebras.chat,
  model,
  askedModel: 'claude-sonnet-5',
  uniqueId: 'Abc123Abc123Abc1',
  injectPrompt: null,
  extractReasoning: false,
  estimatedInputTokens: 10,
};

/** Content deltas in `STREAM`. */
export const EVENTS = 1_000;

const { frames } = fixedBodies({ events: EVENTS }, 'cerebras');
export const STREAM: readonly Buffer[] = frames.map((frame) => Buffer.from(frame));
export const STREAM_BYTES = STREAM.reduce((sum, { length }) => sum + length, 0);

/** An OpenAI request of exactly `bytes` bytes, `model` in front or at the end. */
export function chatBody(bytes: number, modelAt: 'front' | 'end'): Buffer {
  const named = '"model":"glm-4.6"';
  const [front, end] = modelAt === 'front' ? [`${named},`, ''] : ['', `,${named}`];
  const build = (text: string) =>
    `{${front}"messages":[{"role":"user","content":${JSON.stringify(text)}}]${end}}`;
  return Buffer.from(build(''.padEnd(bytes - build('').length, 'word ')));
}
