/** Anthropic's own Messages API, and endpoints that speak it. Requests go through as they came. */
import { generic } from './openai.ts';
import type { ModelFacts, Preset } from './types.ts';

const claude = (id: string, contextWindow: number, maxOutputTokens: number): ModelFacts => ({
  id,
  upstream: id,
  contextWindow,
  maxOutputTokens,
  vision: true,
});

export const anthropic: Preset = {
  name: 'anthropic',
  hosts: ['api.anthropic.com'],
  endpoint: 'https://api.anthropic.com',
  protocol: 'anthropic',
  models: [
    claude('claude-opus-5-5', 200_000, 128_000),
    claude('claude-sonnet-5-5', 200_000, 128_000),
    claude('claude-haiku-5-5', 200_000, 64_000),
  ],
  known: [
    claude('claude-sonnet-4-5', 200_000, 64_000),
    claude('claude-haiku-4-5', 200_000, 64_000),
    claude('claude-opus-4-5', 200_000, 64_000),
  ],
  tiers: undefined,
  chat: generic.chat, // never used: the protocol is not chat completions
  headers: { 'anthropic-version': '2023-06-01' },
  rateLimiting: 'headers',
  keyVariable: undefined,
  continuousRefill: true,
  reservationCapTokens: 0,
  errors: [],
};
