/**
 * What does a provider answer? The fields of chat completions that are read (WIRE.md §D).
 *
 * Every field is `unknown`, because providers deviate in all of them: the readers decide.
 */

/** A chunk of a stream, or a whole completion. */
export interface ChatChunk {
  readonly choices?: unknown;
  readonly usage?: unknown;
  readonly error?: unknown;
}

export interface ChatChoice {
  readonly index?: unknown;
  /** In a stream. */
  readonly delta?: unknown;
  /** In a whole completion; some providers also stream under this name. */
  readonly message?: unknown;
  readonly finish_reason?: unknown;
  readonly usage?: unknown;
  readonly error?: unknown;
}

export interface ChatDelta {
  /** A string, null, or parts of type `text`. */
  readonly content?: unknown;
  readonly refusal?: unknown;
  /** Z.ai, DeepSeek, vLLM. */
  readonly reasoning_content?: unknown;
  /** Cerebras, OpenRouter, newer vLLM. */
  readonly reasoning?: unknown;
  /** OpenRouter, MiniMax: `[{text}]`. */
  readonly reasoning_details?: unknown;
  readonly tool_calls?: unknown;
  /** The form before `tool_calls`. */
  readonly function_call?: unknown;
}

/** One entry of `tool_calls`: the whole call, or a piece of one. */
export interface ToolCallFragment {
  readonly index?: unknown;
  readonly id?: unknown;
  readonly function?: unknown;
}

export interface FunctionFragment {
  readonly name?: unknown;
  /** JSON as text; an object where a provider's own schema says so (Z.ai). */
  readonly arguments?: unknown;
}

export interface ChatUsage {
  readonly prompt_tokens?: unknown;
  readonly completion_tokens?: unknown;
  /** `{cached_tokens}` */
  readonly prompt_tokens_details?: unknown;
  /** `{reasoning_tokens}` */
  readonly completion_tokens_details?: unknown;
  /** DeepSeek's name for cached tokens. */
  readonly prompt_cache_hit_tokens?: unknown;
  /** Moonshot's. */
  readonly cached_tokens?: unknown;
}
