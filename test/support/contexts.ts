/** What an attempt knows, as tests of the translation need it. */
import { PRESETS } from '../../lib/providers/index.ts';
import type { ModelFacts, Preset } from '../../lib/providers/types.ts';
import type { TranslationContext } from '../../lib/translate/translator.ts';

export interface ContextOptions {
  readonly preset?: Preset['name'];
  /** A model of the preset. Default: `glm-4.6` where the preset knows it, else `m`, of unknown
   *  size. */
  readonly model?: string;
  readonly vision?: boolean;
  readonly facts?: Partial<ModelFacts>;
  readonly injectPrompt?: string;
  readonly estimatedInputTokens?: number;
}

export function contextOf(options: ContextOptions = {}): TranslationContext {
  const preset = PRESETS[options.preset ?? 'generic'];
  const model = modelOf(preset, options.model ?? 'glm-4.6');
  const vision = options.vision ?? model.vision;
  return {
    chat: preset.chat,
    model: { ...model, vision, ...options.facts },
    askedModel: 'asked',
    uniqueId: 'abcdefghijklmnop',
    injectPrompt: options.injectPrompt ?? null,
    extractReasoning: false,
    estimatedInputTokens: options.estimatedInputTokens ?? 10,
  };
}

function modelOf(preset: Preset, id: string): ModelFacts {
  const found = [...preset.models, ...preset.known].find((model) => model.id === id);
  return found ?? { id: 'm', upstream: 'm', contextWindow: 0, maxOutputTokens: 0, vision: false };
}
