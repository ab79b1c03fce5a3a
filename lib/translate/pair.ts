/**
 * What the pipeline knows of a pair of protocols: how a client's request is read, and how one
 * attempt at it is put in the words of the provider. The routes put the pairs together.
 */
import type {
  StreamTranslator,
  TranslatedAnswer,
  TranslationContext,
  UpstreamFault,
} from './translator.ts';

/** A client's request, read and checked once. */
export interface ClientRequest {
  /** The model asked for. */
  readonly model: string;
  readonly stream: boolean;
  /** Output tokens asked for; 0 = none named. */
  readonly maxTokens: number;
  /** The client has turned thinking off: no reasoning prompt is injected. */
  readonly thinkingDisabled: boolean;
  /** Prompt tokens, uncorrected estimate. */
  estimateTokens(): number;
  /** Makes an attempt for a provider that speaks `openai` or `anthropic`. Throws INVALID_REQUEST or
   *  PROMPT_TOO_LONG where the provider could not take it. */
  attempt(upstream: 'openai' | 'anthropic', context: TranslationContext): Attempt;
  /** Whether `attempt` is built for that protocol. */
  speaks(upstream: 'openai' | 'anthropic'): boolean;
}

/** One request in the provider's words, and the makers of what relays its answer. */
export interface Attempt {
  /** Appended to the provider's endpoint. */
  readonly path: string;
  readonly payload: Buffer | string;
  /** Output tokens that the payload allows; 0 = it names none. */
  readonly maxTokens: number;
  /** Whether frames are whole, so that a ping may stand between two of them. */
  readonly wholeFrames: boolean;
  stream(): StreamTranslator;
  json(bytes: Buffer): TranslatedAnswer | UpstreamFault;
}
