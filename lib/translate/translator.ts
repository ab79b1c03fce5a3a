/**
 * The seam between the pipeline and a pair of protocols (client - upstream).
 *
 * A translator is made per attempt and shares nothing. Must stay true: any chunking of the
 * upstream's bytes gives the same output; `push` and `finish` never throw on what a provider sends;
 * nothing is emitted before the answer has content, so that until `begun` another attempt is
 * possible.
 */
import type { ChatDialect, ModelFacts } from '../providers/types.ts';

/** What is fixed for one attempt. */
export interface TranslationContext {
  /** The provider's words. */
  readonly chat: ChatDialect;
  readonly model: ModelFacts;
  /** What the client asked for; echoed in the answer. */
  readonly askedModel: string;
  /** Unique over all requests of this process and its successors, `[A-Za-z0-9]{16,24}`: the
   *  translator derives `msg_…` and `toolu_…` ids from it (a repeated tool id sends Claude Code
   *  into an endless loop: CLIENTS.md §2). */
  readonly uniqueId: string;
  /** The reasoning prompt to inject, or null. */
  readonly injectPrompt: string | null;
  /** Whether `<reasoning_content>` blocks are taken out of text (a `<think>` at its start always
   *  is). */
  readonly extractReasoning: boolean;
  /** Estimated prompt tokens: `message_start`, and usage when the provider never reports any. */
  readonly estimatedInputTokens: number;
}

export interface Usage {
  /** Whole prompt, cached tokens included. */
  promptTokens: number;
  cachedTokens: number;
  /** Output, reasoning included. */
  outputTokens: number;
  reasoningTokens: number;
  /** False: the provider said nothing and the numbers are estimates. */
  reported: boolean;
}

/** What a provider's stream (or body with status 200) said instead of an answer. */
export interface UpstreamFault {
  /** `error`: an error object came; `cut`: the end came too early; `nonsense`: not the protocol. */
  readonly kind: 'error' | 'cut' | 'nonsense';
  /** Status named in the error object (`status_code`), else 0. */
  readonly status: number;
  /** The error body as text, for the error table. */
  readonly text: string;
  /** True: the client has the provider's own error event already; nothing is to be added to it. */
  readonly told?: boolean;
}

/** A whole answer that was not shown, because asking once more can do better. */
export interface Again {
  readonly kind: 'again';
  readonly usage: Usage;
}

/** One answer on its way to the client, as SSE. */
export interface StreamTranslator {
  /** Takes bytes of the upstream's body, gives complete frames for the client ('' = none yet). */
  push(chunk: Buffer): string | Buffer;
  /** The upstream's body ended. Gives the last frames, or sets `fault`. */
  finish(): string | Buffer;
  /** True once content has been given out: from then on there is no second attempt. */
  readonly begun: boolean;
  /** True once the final frame has been given out; what still comes is ignored. */
  readonly ended: boolean;
  /** Set when the upstream failed; no further frame is given out. The caller tells the client. */
  readonly fault: UpstreamFault | null;
  readonly usage: Usage;
  /** Whether the answer, as far as it came, holds neither text nor a tool call. */
  readonly empty: boolean;
  /** The stop reason told (or about to be told) to the client; null before it is known. */
  readonly stopReason: string | null;
}

/** One JSON answer, whole. */
export interface TranslatedAnswer {
  /** Serialised JSON for the client. */
  readonly body: string | Buffer;
  readonly usage: Usage;
  /** Why it ended, in Anthropic's words; '' where nobody has looked. */
  readonly stopReason: string;
  /** No text and no tool call: worth one more try while nothing was shown (WIRE.md §G). */
  readonly empty: boolean;
}
