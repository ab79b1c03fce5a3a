/** POST {openai}/chat/completions: relayed as the client spelled it, model and key replaced. */
import type { Endpoint } from '../exchange.ts';
import { estimateBytes } from '../quotas/estimate-tokens.ts';
import { type RawRequest, readChatRequest, rewrite } from '../translate/openai-openai/request.ts';
import { relayJson } from '../translate/openai-openai/response.ts';
import { ChatPassthrough } from '../translate/openai-openai/stream.ts';
import type { Attempt, ClientRequest } from '../translate/pair.ts';
import type { TranslationContext } from '../translate/translator.ts';

export const chatCompletions: Endpoint = {
  dialect: 'openai',
  read: (bytes, _rest) => readChat(readChatRequest(bytes)),
};

function readChat(raw: RawRequest): ClientRequest {
  return {
    model: raw.model,
    stream: raw.stream,
    maxTokens: raw.maxTokens ?? 0,
    thinkingDisabled: true, // nothing is injected into what passes through
    estimateTokens: () => estimateBytes(raw.bytes.length),
    speaks: (upstream) => upstream === 'openai', // the other pair of dialects is not built
    attempt: (_upstream, context) => attempt(raw, context),
  };
}

/** Usage is asked for where the provider understands it, and taken out again for the client. */
function attempt(raw: RawRequest, context: TranslationContext): Attempt {
  const addUsage = raw.stream && !raw.includeUsage && context.chat.streamUsage;
  return {
    path: '/chat/completions',
    payload: rewrite(raw, context.model.upstream, addUsage),
    maxTokens: raw.maxTokens ?? 0,
    wholeFrames: true,
    stream: () => new ChatPassthrough({ ...context, stripUsage: addUsage }),
    json: (bytes) => relayJson(bytes, context),
  };
}
