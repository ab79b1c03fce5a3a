/** POST {anthropic}/v1/messages: the Messages API, for providers of either protocol. */
import type { Endpoint } from '../exchange.ts';
import { estimateMessages } from '../quotas/estimate-tokens.ts';
import { rewrite } from '../translate/anthropic-anthropic/request.ts';
import { relayMessage } from '../translate/anthropic-anthropic/response.ts';
import { MessagesPassthrough } from '../translate/anthropic-anthropic/stream.ts';
import { parseMessages } from '../translate/anthropic-openai/parse.ts';
import { clientDisablesThinking, toChatCompletion } from '../translate/anthropic-openai/request.ts';
import { toMessage } from '../translate/anthropic-openai/response.ts';
import { MessageStream } from '../translate/anthropic-openai/stream.ts';
import type { Attempt, ClientRequest } from '../translate/pair.ts';
import type { TranslationContext } from '../translate/translator.ts';
import type { MessagesRequest } from '../wire/anthropic-request.ts';

export const messages: Endpoint = {
  dialect: 'anthropic',
  read: (bytes, _rest) => readMessages(bytes),
};

function readMessages(bytes: Buffer): ClientRequest {
  const request = parseMessages(bytes);
  return {
    model: request.model,
    stream: request.stream === true,
    maxTokens: request.max_tokens ?? 0,
    thinkingDisabled: clientDisablesThinking(request),
    estimateTokens: () => estimateMessages(request),
    speaks: () => true,
    attempt: (upstream, context) =>
      upstream === 'openai' ? translated(request, context) : passedThrough(bytes, request, context),
  };
}

function translated(request: MessagesRequest, context: TranslationContext): Attempt {
  const { body, memo } = toChatCompletion(request, context);
  return {
    path: '/chat/completions',
    payload: body,
    maxTokens: memo.sentMaxTokens,
    wholeFrames: true,
    stream: () => new MessageStream(memo, context),
    json: (bytes) => toMessage(bytes, memo, context),
  };
}

function passedThrough(
  bytes: Buffer,
  request: MessagesRequest,
  context: TranslationContext,
): Attempt {
  return {
    path: '/v1/messages',
    payload: rewrite(bytes, context.model.upstream),
    maxTokens: request.max_tokens ?? 0,
    wholeFrames: true,
    stream: () => new MessagesPassthrough(context),
    json: (answer) => relayMessage(answer, context),
  };
}
