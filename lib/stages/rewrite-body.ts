/** REWRITE BODY. The client's request -> x.attempt, in the words of the provider chosen. */
import type { Exchange } from '../exchange.ts';
import type { Candidate } from '../model-table.ts';
import type { ClientRequest } from '../translate/pair.ts';
import type { TranslationContext } from '../translate/translator.ts';

/** Keeps the payload while only the key changes. Throws PROMPT_TOO_LONG or INVALID_REQUEST. */
export function rewriteBody(x: Exchange): void {
  if (x.attempt !== null && x.rewrittenFor === x.candidate) return;
  const asked = x.asked as ClientRequest;
  const candidate = x.candidate as Candidate;
  const provider = x.gateway.config.providers[candidate.provider];
  if (provider === undefined) throw new Error('rewriteBody before selectKey');
  x.attempt = asked.attempt(provider.protocol, contextOf(x, asked, candidate));
  x.rewrittenFor = candidate;
}

function contextOf(x: Exchange, asked: ClientRequest, candidate: Candidate): TranslationContext {
  const { config } = x.gateway;
  const { enabled, models, promptTemplate } = config.reasoningInjection;
  const injects = enabled && models.includes(candidate.model.id.toLowerCase());
  const chat = config.providers[candidate.provider]?.preset.chat;
  if (chat === undefined) throw new Error('no such provider');
  return {
    chat,
    model:
      x.maxOutputTokens === 0
        ? candidate.model
        : { ...candidate.model, maxOutputTokens: x.maxOutputTokens },
    askedModel: asked.model,
    uniqueId: x.uniqueId,
    injectPrompt: injects && !asked.thinkingDisabled ? promptTemplate : null,
    extractReasoning: injects,
    estimatedInputTokens: x.promptTokens,
  };
}
