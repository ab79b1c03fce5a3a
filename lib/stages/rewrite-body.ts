/** REWRITE BODY. The client's request -> x.attempt, in the words of the provider chosen. */
import type { ProviderConfig } from '../config/types.ts';
import type { Exchange } from '../exchange.ts';
import { type Candidate, outputWanted } from '../model-table.ts';
import type { ModelFacts } from '../providers/types.ts';
import type { ClientRequest } from '../translate/pair.ts';
import type { TranslationContext } from '../translate/translator.ts';

/** Keeps the payload while only the key changes. Throws PROMPT_TOO_LONG or INVALID_REQUEST. */
export function rewriteBody(x: Exchange): void {
  if (x.attempt !== null && x.rewrittenFor === x.candidate) return;
  const asked = x.asked as ClientRequest;
  const candidate = x.candidate as Candidate;
  const provider = x.gateway.config.providers[candidate.provider];
  if (provider === undefined) throw new Error('rewriteBody before selectKey');
  const model = sizedModel(x, candidate, provider);
  x.attempt = asked.attempt(provider.protocol, contextOf(x, asked, candidate, model));
  x.rewrittenFor = candidate;
  announceSize(x, asked, candidate, x.attempt.maxTokens);
}

/**
 * The model with the output maximum of this attempt. A provider that reserves the whole maximum up
 * front (FIELD-NOTES F3) gets no more than it reserves at most: the rest would only keep other
 * requests out. A provider's own word on what fits goes first.
 */
function sizedModel(x: Exchange, { model }: Candidate, provider: ProviderConfig): ModelFacts {
  const { preset, outputSizing } = provider;
  const cap = outputSizing === 'auto' && !x.wantsFullOutput ? preset.reservationCapTokens : 0;
  const maxOutputTokens = smaller(smaller(model.maxOutputTokens, cap), x.maxOutputTokens);
  return maxOutputTokens === model.maxOutputTokens ? model : { ...model, maxOutputTokens };
}

/** Of two maxima; 0 is none. */
function smaller(one: number, other: number): number {
  if (one <= 0) return Math.max(0, other);
  return other > 0 && other < one ? other : one;
}

/** Says so where less was sent than the client asked for and the model could give. */
function announceSize(x: Exchange, asked: ClientRequest, { model }: Candidate, sent: number): void {
  x.sizedBelowAsked = sent > 0 && sent < outputWanted(model, asked.maxTokens);
  x.reply.announceSize(x.sizedBelowAsked ? sent : 0);
}

function contextOf(
  x: Exchange,
  asked: ClientRequest,
  candidate: Candidate,
  model: ModelFacts,
): TranslationContext {
  const { config } = x.gateway;
  const { enabled, models, promptTemplate } = config.reasoningInjection;
  const injects = enabled && models.includes(candidate.model.id.toLowerCase());
  const chat = x.gateway.providers[candidate.provider]?.chat;
  if (chat === undefined) throw new Error('no such provider');
  return {
    chat,
    model,
    askedModel: asked.model,
    uniqueId: x.uniqueId,
    injectPrompt: injects && !asked.thinkingDisabled ? promptTemplate : null,
    extractReasoning: injects,
    estimatedInputTokens: x.promptTokens,
  };
}
