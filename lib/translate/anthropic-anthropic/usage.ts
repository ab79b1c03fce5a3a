/**
 * What did a passed-through Messages answer cost? (WIRE.md §A.3, §A.4)
 *
 * Must stay true: counts are totals, a later report overrides an earlier one where it names a
 * number; the prompt here includes cache reads and cache writes, on the wire it does not. Only the
 * final report (`message_delta`, or a whole message) makes the numbers reported: the opening one
 * names one token of output, whatever follows.
 */
import type { Usage } from '../translator.ts';

/** Claude Code's own fallback is the same. */
const BYTES_PER_TOKEN = 4;
/** What stands around the text of a `content_block_delta`. */
const EMPTY_DELTA_BYTES = 78;

type Json = Readonly<Record<string, unknown>>;

export class MessageUsageReader {
  readonly #estimatedInputTokens: number;
  #input = 0;
  #cacheRead = 0;
  #cacheWritten = 0;
  #output = 0;
  #thinking = 0;
  #estimatedOutput = 0;
  #reported = false;

  constructor(estimatedInputTokens: number) {
    this.#estimatedInputTokens = estimatedInputTokens;
  }

  /** Counts one delta, for the estimate: a token at least. */
  addDelta(bytes: number): void {
    const tokens = Math.ceil((bytes - EMPTY_DELTA_BYTES) / BYTES_PER_TOKEN);
    this.#estimatedOutput += Math.max(1, tokens);
  }

  /** Reads a `usage` member; `final` when nothing is to follow it. */
  take(value: unknown, final: boolean): void {
    const usage = record(value);
    this.#input = count(usage.input_tokens) ?? this.#input;
    this.#cacheRead = count(usage.cache_read_input_tokens) ?? this.#cacheRead;
    this.#cacheWritten = count(usage.cache_creation_input_tokens) ?? this.#cacheWritten;
    this.#thinking = count(record(usage.output_tokens_details).thinking_tokens) ?? this.#thinking;
    const output = count(usage.output_tokens);
    this.#output = output ?? this.#output;
    this.#reported ||= final && output !== undefined;
  }

  get usage(): Usage {
    const prompt = this.#input + this.#cacheRead + this.#cacheWritten;
    return {
      promptTokens: prompt === 0 ? this.#estimatedInputTokens : prompt,
      cachedTokens: this.#cacheRead,
      outputTokens: this.#reported ? this.#output : Math.max(this.#output, this.#estimatedOutput),
      reasoningTokens: this.#thinking,
      reported: this.#reported,
    };
  }
}

function record(value: unknown): Json {
  return typeof value === 'object' && value !== null ? (value as Json) : {};
}

function count(value: unknown): number | undefined {
  return typeof value === 'number' && Number.isFinite(value) && value >= 0
    ? Math.floor(value)
    : undefined;
}
