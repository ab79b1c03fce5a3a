/** OpenAI itself, and the plain subset of it that every compatible endpoint is expected to know. */
import type { ChatDialect, ModelFacts, Preset, ThinkingWish } from './types.ts';

const COMMON_FIELDS = [
  'model',
  'messages',
  'temperature',
  'top_p',
  'stop',
  'seed',
  'stream',
  'stream_options',
  'tools',
  'tool_choice',
  'parallel_tool_calls',
  'response_format',
] as const;

/** Only o- and gpt-5-like models reason; others refuse `reasoning_effort`. */
function reasoning(upstreamModel: string, wish: ThinkingWish): Record<string, unknown> {
  if (!/^(o\d|gpt-5)/.test(upstreamModel)) return {};
  if (wish.enabled === false) return { reasoning_effort: 'low' };
  if (wish.effort === undefined) return {};
  const effort = wish.effort === 'xhigh' || wish.effort === 'max' ? 'high' : wish.effort;
  return { reasoning_effort: effort };
}

const openaiChat: ChatDialect = {
  fields: new Set([
    ...COMMON_FIELDS,
    'max_completion_tokens',
    'reasoning_effort',
    'prompt_cache_key',
  ]),
  maxTokensField: 'max_completion_tokens',
  reasoningField: 'none',
  toolChoice: 'full',
  maxTools: 128,
  droppedSchemaKeywords: new Set(['$schema']),
  emptyContent: null,
  responseFormat: 'json_schema',
  formatWithTools: true,
  streamUsage: true,
  toolStream: false,
  userField: 'prompt_cache_key',
  maxTemperature: 2,
  reasoning,
};

const vision = (id: string, contextWindow: number, maxOutputTokens: number): ModelFacts => ({
  id,
  upstream: id,
  contextWindow,
  maxOutputTokens,
  vision: true,
});

export const openai: Preset = {
  name: 'openai',
  hosts: ['api.openai.com'],
  endpoint: 'https://api.openai.com/v1',
  protocol: 'openai',
  models: [vision('gpt-5', 400_000, 128_000), vision('gpt-5-mini', 400_000, 128_000)],
  known: [vision('gpt-4o', 128_000, 16_384), vision('gpt-4.1', 1_047_576, 32_768)],
  tiers: undefined,
  chat: openaiChat,
  headers: {},
  rateLimiting: 'headers',
  keyVariable: undefined,
  continuousRefill: true,
  reservationCapTokens: 0,
  errors: [],
};

/** Any OpenAI-compatible endpoint: vLLM, llama.cpp, Ollama, OpenRouter, a gateway. */
export const generic: Preset = {
  name: 'generic',
  hosts: [],
  endpoint: undefined,
  protocol: 'openai',
  models: [],
  known: [],
  tiers: undefined,
  chat: {
    ...openaiChat,
    fields: new Set([...COMMON_FIELDS, 'max_tokens']),
    maxTokensField: 'max_tokens',
    maxTools: 0,
    userField: 'none',
    reasoning: () => ({}),
  },
  headers: {},
  rateLimiting: 'headers',
  keyVariable: undefined,
  continuousRefill: false,
  reservationCapTokens: 0,
  errors: [],
};
