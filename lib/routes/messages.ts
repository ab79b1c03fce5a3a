/** POST {anthropic}/v1/messages: the Messages API, for providers of either protocol. */
import { isUtf8 } from 'node:buffer';
import type { Endpoint } from '../exchange.ts';
import { estimateMessages } from '../quotas/estimate-tokens.ts';
import { rewrite } from '../translate/anthropic-anthropic/request.ts';
import { relayMessage } from '../translate/anthropic-anthropic/response.ts';
import { MessagesPassthrough } from '../translate/anthropic-anthropic/stream.ts';
import { type ReadMessages, readMessages } from '../translate/anthropic-openai/parse.ts';
import { clientDisablesThinking, toChatCompletion } from '../translate/anthropic-openai/request.ts';
import { toMessage } from '../translate/anthropic-openai/response.ts';
import { MessageStream } from '../translate/anthropic-openai/stream.ts';
import type { Attempt, ClientRequest } from '../translate/pair.ts';
import type { TranslationContext } from '../translate/translator.ts';

export const messages: Endpoint = {
  dialect: 'anthropic',
  read: (bytes, _rest) => clientRequest(bytes),
};

/** The parsed request is let go of with the first attempt, and read again for another one: those
 *  are rare, and what lives on while a provider thinks is copied by the garbage collector. */
function clientRequest(bytes: Buffer): ClientRequest {
  const read = (): ReadMessages => readMessages(bytes, isUtf8(bytes));
  let latest: ReadMessages | null = read();
  const { model, stream, max_tokens: maxTokens } = latest.request;
  return {
    model,
    stream: stream === true,
    maxTokens: maxTokens ?? 0,
    thinkingDisabled: clientDisablesThinking(latest.request),
    estimateTokens() {
      const { request, longTexts } = latest ?? read();
      return estimateMessages(request, longTexts);
    },
    speaks: () => true,
    attempt(upstream, context) {
      const asked = latest ?? read();
      latest = null;
      return upstream === 'openai'
        ? translated(asked, context)
        : passedThrough(bytes, maxTokens ?? 0, context);
    },
  };
}

function translated({ request, longTexts }: ReadMessages, context: TranslationContext): Attempt {
  const { body, memo } = toChatCompletion(request, context, longTexts);
  return {
    path: '/chat/completions',
    payload: longTexts.fill(body), // outside of the heap: see above
    maxTokens: memo.sentMaxTokens,
    wholeFrames: true,
    stream: () => new MessageStream(memo, context),
    json: (bytes) => toMessage(bytes, memo, context),
  };
}

function passedThrough(bytes: Buffer, maxTokens: number, context: TranslationContext): Attempt {
  return {
    path: '/v1/messages',
    payload: rewrite(bytes, context.model.upstream),
    maxTokens,
    wholeFrames: true,
    stream: () => new MessagesPassthrough(context),
    json: (answer) => relayMessage(answer, context),
  };
}
