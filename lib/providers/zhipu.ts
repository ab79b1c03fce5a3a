/** Zhipu (open.bigmodel.cn) and Z.ai (api.z.ai): one API under two hosts (WIRE.md §F). */

import type { ChatDialect, ModelFacts, Preset, ThinkingWish } from './types.ts';
import { zhipuErrors } from './zhipu-errors.ts';

const FIELDS = [
  'model',
  'messages',
  'max_tokens',
  'temperature',
  'top_p',
  'stop',
  'stream',
  'stream_options',
  'tools',
  'tool_choice',
  'tool_stream',
  'response_format',
  'thinking',
  'reasoning_effort',
  'user_id',
] as const;

/** glm-5.3 and later think always and know three efforts; 5.2 takes any; older ones only a
 *  switch. */
function reasoning(upstreamModel: string, wish: ThinkingWish): Record<string, unknown> {
  const version = Number(/^glm-(\d+(?:\.\d+)?)/.exec(upstreamModel)?.[1] ?? '0');
  if (version >= 5.3) {
    if (wish.enabled === false) return { thinking: { type: 'enabled' }, reasoning_effort: 'low' };
    return wish.effort === undefined ? {} : { reasoning_effort: threeSteps(wish.effort) };
  }
  if (wish.enabled === false) return { thinking: { type: 'disabled' } };
  if (wish.enabled === undefined) return {};
  const effort =
    version >= 5.2 && wish.effort !== undefined ? { reasoning_effort: wish.effort } : {};
  return { thinking: { type: 'enabled' }, ...effort };
}

function threeSteps(effort: NonNullable<ThinkingWish['effort']>): string {
  if (effort === 'xhigh') return 'max';
  return effort === 'medium' ? 'low' : effort;
}

export const chat: ChatDialect = {
  fields: new Set(FIELDS),
  maxTokensField: 'max_tokens',
  reasoningField: 'reasoning_content',
  toolChoice: 'auto',
  maxTools: 128,
  droppedSchemaKeywords: new Set(['$schema']),
  emptyContent: '',
  responseFormat: 'json_object',
  formatWithTools: true,
  // Not documented, harmless, and the only way to ask; the last chunk has usage anyway.
  streamUsage: true,
  toolStream: true,
  userField: 'user_id',
  maxTemperature: 1,
  reasoning,
};

const model = (id: string, windowK: number, outputK: number, vision = false): ModelFacts => ({
  id,
  upstream: id,
  contextWindow: windowK * 1_000,
  maxOutputTokens: outputK * 1_024,
  vision,
});

const models: readonly ModelFacts[] = [
  model('glm-5.3', 1_000, 128),
  model('glm-5.3-flash', 1_000, 128, true),
  model('glm-5.2', 1_000, 128),
  model('glm-5.1', 200, 128),
  model('glm-5', 200, 128),
  model('glm-5-turbo', 200, 128),
  model('glm-5v-turbo', 200, 128, true),
  model('glm-4.7', 200, 128),
  model('glm-4.7-flash', 200, 128),
  model('glm-4.6', 200, 128),
  model('glm-4.6v', 128, 32, true),
  model('glm-4.5', 128, 96),
  model('glm-4.5-air', 128, 96),
  model('glm-4.5-flash', 128, 96),
  model('glm-4.5v', 64, 16, true),
];

const known: readonly ModelFacts[] = [
  model('glm-4-32b-0414-128k', 128, 16),
  model('glm-4-flash', 128, 4),
  model('glm-4-air', 128, 4),
  model('glm-4-airx', 8, 4),
];

export const zhipu: Preset = {
  name: 'zhipu',
  hosts: ['open.bigmodel.cn'],
  endpoint: 'https://open.bigmodel.cn/api/paas/v4',
  protocol: 'openai',
  models,
  known,
  tiers: { haiku: 'glm-4.5-air', sonnet: 'glm-4.6', opus: 'glm-4.6' },
  chat,
  chatElsewhere: { toolStream: false, userField: 'none' },
  headers: { 'accept-language': 'en-US,en' },
  rateLimiting: 'headers',
  keyVariable: 'ZHIPU_API_KEY',
  continuousRefill: false,
  reservationCapTokens: 0,
  errors: zhipuErrors,
};

export const zai: Preset = {
  ...zhipu,
  name: 'zai',
  hosts: ['api.z.ai'],
  endpoint: 'https://api.z.ai/api/paas/v4',
  keyVariable: 'ZAI_API_KEY',
};
