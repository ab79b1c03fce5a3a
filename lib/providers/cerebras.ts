/** Cerebras Inference (WIRE.md §E). Strict: an unknown field anywhere in the body is a 400. */
import { cerebrasErrors } from './cerebras-errors.ts';
import type { ChatDialect, ModelFacts, Preset, ThinkingWish } from './types.ts';

const FIELDS = [
  'model',
  'messages',
  'max_completion_tokens',
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
  'reasoning_effort',
  'prompt_cache_key',
  'user',
] as const;

/** gpt-oss cannot stop thinking; the others can. Effort above `high` is not known to any of
 *  them. */
function reasoning(upstreamModel: string, wish: ThinkingWish): Record<string, unknown> {
  if (wish.enabled === false) {
    return { reasoning_effort: upstreamModel.startsWith('gpt-oss') ? 'low' : 'none' };
  }
  if (wish.effort === undefined) return {};
  const effort = wish.effort === 'xhigh' || wish.effort === 'max' ? 'high' : wish.effort;
  return { reasoning_effort: effort };
}

export const chat: ChatDialect = {
  fields: new Set(FIELDS),
  maxTokensField: 'max_completion_tokens',
  reasoningField: 'reasoning',
  toolChoice: 'full',
  maxTools: 0,
  // WIRE.md §E.5 and FIELD-NOTES 16: refused by name, "Unsupported JSON schema fields".
  droppedSchemaKeywords: new Set([
    '$schema',
    '$anchor',
    'pattern',
    'format',
    'minItems',
    'maxItems',
    'minLength',
    'maxLength',
    'minProperties',
    'maxProperties',
  ]),
  emptyContent: null,
  responseFormat: 'json_schema',
  formatWithTools: false,
  streamUsage: true,
  toolStream: false,
  userField: 'prompt_cache_key',
  maxTemperature: 1.5,
  reasoning,
};

const model = (id: string, vision: boolean): ModelFacts => ({
  id,
  upstream: id,
  contextWindow: 131_072,
  maxOutputTokens: 40_960,
  vision,
});

export const cerebras: Preset = {
  name: 'cerebras',
  hosts: ['api.cerebras.ai'],
  endpoint: 'https://api.cerebras.ai/v1',
  protocol: 'openai',
  models: [model('gpt-oss-120b', false), model('qwen-3.8-27b', true)],
  // Left the shared endpoints on 2026-01-20 and 2026-08-17; dedicated endpoints serve them on.
  known: ['zai-glm-4.6', 'zai-glm-4.7', 'glm-4.6', 'glm-4.7', 'glm-4.5-air'].map((id) =>
    model(id, false),
  ),
  tiers: { haiku: 'gpt-oss-120b', sonnet: 'gpt-oss-120b', opus: 'gpt-oss-120b' },
  chat,
  headers: {},
  rateLimiting: 'per_key_cerebras_headers',
  keyVariable: 'CEREBRAS_API_KEY',
  continuousRefill: true,
  reservationCapTokens: 16_384,
  errors: cerebrasErrors,
};
