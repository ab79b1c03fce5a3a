/**
 * What did an answer cost? The provider's counts, or estimates where it said nothing (WIRE.md §G).
 *
 * Must stay true: the last report counts, never a sum (some providers report on every chunk); a
 * report of zeros is none; cached tokens are part of the prompt here and apart from it on the wire.
 */
import type { MessageUsage } from '../../wire/anthropic-response.ts';
import type { ChatUsage } from '../../wire/openai-response.ts';
import type { Usage } from '../translator.ts';
import { asRecord, countOf } from './loose.ts';

/** Claude Code's own fallback is the same. */
const CHARS_PER_TOKEN = 4;

export class UsageMeter {
  readonly #estimatedInputTokens: number;
  /** Characters of output seen so far, thinking and arguments included. */
  #chars = 0;
  #promptTokens: number | undefined;
  #outputTokens: number | undefined;
  #cachedTokens = 0;
  #reasoningTokens = 0;

  constructor(estimatedInputTokens: number) {
    this.#estimatedInputTokens = estimatedInputTokens;
  }

  /** Counts output, for the estimate. */
  addOutput(text: string): void {
    this.#chars += text.length;
  }

  /** Reads a `usage` field; true when it said something. */
  take(value: unknown): boolean {
    const usage: ChatUsage | undefined = asRecord(value);
    if (usage === undefined) return false;
    const prompt = countOf(usage.prompt_tokens);
    const output = countOf(usage.completion_tokens);
    if ((prompt ?? 0) + (output ?? 0) === 0) return false;
    this.#promptTokens = prompt;
    this.#outputTokens = output;
    this.#cachedTokens =
      countOf(asRecord(usage.prompt_tokens_details)?.cached_tokens) ??
      countOf(usage.prompt_cache_hit_tokens) ??
      countOf(usage.cached_tokens) ??
      0;
    const details = asRecord(usage.completion_tokens_details);
    this.#reasoningTokens = countOf(details?.reasoning_tokens) ?? 0;
    return true;
  }

  /** What is known now. */
  snapshot(): Usage {
    const promptTokens = this.#promptTokens ?? this.#estimatedInputTokens;
    return {
      promptTokens,
      cachedTokens: Math.min(this.#cachedTokens, promptTokens),
      outputTokens: this.#outputTokens ?? Math.max(1, Math.ceil(this.#chars / CHARS_PER_TOKEN)),
      reasoningTokens: this.#reasoningTokens,
      reported: this.#promptTokens !== undefined || this.#outputTokens !== undefined,
    };
  }
}

/** The usage of `message_start`: a provider reports at the end, so the prompt is estimated. */
export function startUsage(estimatedInputTokens: number): MessageUsage {
  return {
    input_tokens: estimatedInputTokens,
    cache_creation_input_tokens: 0,
    cache_read_input_tokens: 0,
    output_tokens: 1,
  };
}

/** The final usage; it overrides that of `message_start` in every client. */
export function finalUsage(usage: Usage): MessageUsage {
  return {
    input_tokens: usage.promptTokens - usage.cachedTokens,
    cache_creation_input_tokens: 0,
    cache_read_input_tokens: usage.cachedTokens,
    output_tokens: usage.outputTokens,
    ...(usage.reasoningTokens === 0
      ? {}
      : { output_tokens_details: { thinking_tokens: usage.reasoningTokens } }),
  };
}
