/**
 * What did a passed-through OpenAI answer cost?
 *
 * Must stay true: the last report counts, never a sum (some providers report on every chunk); a
 * report of zeros is none; without a report the numbers are estimates and say so. Chat completions
 * and embeddings speak of prompt and completion tokens, `/responses` of input and output (WIRE.md
 * §D).
 */
import type { Usage } from '../translator.ts';

/** Claude Code's own fallback is the same. */
const BYTES_PER_TOKEN = 4;
/** Of a chunk's `choices`, what stands around the text:
 *  `[{"index":0,"delta":{"content":""},"finish_reason":null}]`. */
const EMPTY_CHOICES_BYTES = 57;

type Json = Readonly<Record<string, unknown>>;

export class UsageReader {
  readonly #estimatedInputTokens: number;
  #estimatedOutputTokens = 0;
  #reported: Usage | null = null;

  constructor(estimatedInputTokens: number) {
    this.#estimatedInputTokens = estimatedInputTokens;
  }

  /** Counts the `choices` of one chunk, for the estimate: a token at least. */
  addChoices(bytes: number): void {
    const tokens = Math.ceil((bytes - EMPTY_CHOICES_BYTES) / BYTES_PER_TOKEN);
    this.#estimatedOutputTokens += Math.max(1, tokens);
  }

  /** Reads a `usage` member. */
  take(value: unknown): void {
    this.#reported = usageIn(value) ?? this.#reported;
  }

  get usage(): Usage {
    if (this.#reported !== null) return { ...this.#reported };
    return {
      promptTokens: this.#estimatedInputTokens,
      cachedTokens: 0,
      outputTokens: this.#estimatedOutputTokens,
      reasoningTokens: 0,
      reported: false,
    };
  }
}

function usageIn(value: unknown): Usage | null {
  const usage = record(value);
  const promptTokens = count(usage.prompt_tokens) || count(usage.input_tokens);
  const outputTokens = count(usage.completion_tokens) || count(usage.output_tokens);
  if (promptTokens + outputTokens === 0) return null;
  const prompt = record(usage.prompt_tokens_details ?? usage.input_tokens_details);
  const output = record(usage.completion_tokens_details ?? usage.output_tokens_details);
  return {
    promptTokens,
    cachedTokens: Math.min(promptTokens, count(prompt.cached_tokens)),
    outputTokens,
    reasoningTokens: count(output.reasoning_tokens),
    reported: true,
  };
}

function record(value: unknown): Json {
  return typeof value === 'object' && value !== null ? (value as Json) : {};
}

function count(value: unknown): number {
  return typeof value === 'number' && Number.isFinite(value) && value > 0 ? Math.floor(value) : 0;
}
