/** The fixed surroundings of a translated answer, for tests. */
import { zhipu } from '../../../lib/providers/zhipu.ts';
import type { RequestMemo } from '../../../lib/translate/anthropic-openai/memo.ts';
import type { TranslationContext } from '../../../lib/translate/translator.ts';

export interface Options {
  readonly tools?: readonly string[];
  readonly toolNames?: Readonly<Record<string, string>>;
  readonly stopSequences?: readonly string[];
  readonly extractReasoning?: boolean;
  readonly thinkingDisabled?: boolean;
  readonly estimatedInputTokens?: number;
  readonly askedModel?: string;
  /** Nothing is put behind the last line of `in`: the bytes end inside an event. */
  readonly raw?: boolean;
}

export function memoOf(options: Options): RequestMemo {
  return {
    stream: true,
    toolNames: new Map(Object.entries(options.toolNames ?? {})),
    toolNameSet: new Set(options.tools ?? []),
    stopSequences: options.stopSequences ?? [],
    askedMaxTokens: 32_000,
    sentMaxTokens: 32_000,
    thinkingDisabled: options.thinkingDisabled ?? false,
  };
}

export function contextOf(options: Options): TranslationContext {
  return {
    chat: zhipu.chat,
    model: {
      id: 'glm-4.6',
      upstream: 'glm-4.6',
      contextWindow: 200_000,
      maxOutputTokens: 128_000,
      vision: false,
    },
    askedModel: options.askedModel ?? 'claude-sonnet-5',
    uniqueId: 'Abc123Abc123Abc1',
    injectPrompt: null,
    extractReasoning: options.extractReasoning ?? false,
    estimatedInputTokens: options.estimatedInputTokens ?? 10,
  };
}
