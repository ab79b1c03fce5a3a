/** POST {anthropic}/v1/messages: the Messages API, for providers of either protocol. */
import { isUtf8 } from 'node:buffer';
import type { Endpoint } from '../exchange.ts';
import { estimateMessages, estimateTools } from '../quotas/estimate-tokens.ts';
import { rewrite } from '../translate/anthropic-anthropic/request.ts';
import { relayMessage } from '../translate/anthropic-anthropic/response.ts';
import { MessagesPassthrough } from '../translate/anthropic-anthropic/stream.ts';
import {
  type KnownPlan,
  KnownTools,
  type ToolSet,
} from '../translate/anthropic-openai/known-tools.ts';
import { MIN_BYTES_FOR_LONG_TEXTS } from '../translate/anthropic-openai/long-texts.ts';
import { type ReadMessages, readMessages } from '../translate/anthropic-openai/parse.ts';
import {
  choiceOf,
  clientDisablesThinking,
  planToKeep,
  toChatCompletion,
} from '../translate/anthropic-openai/request.ts';
import { toMessage } from '../translate/anthropic-openai/response.ts';
import { MessageStream } from '../translate/anthropic-openai/stream.ts';
import type { Attempt, ClientRequest } from '../translate/pair.ts';
import type { TranslationContext } from '../translate/translator.ts';

export const messages: Endpoint = {
  dialect: 'anthropic',
  read: (bytes, _rest) => clientRequest(bytes),
};

/** Tools of all clients: they are told apart by nothing but their bytes. */
const knownTools = new KnownTools();

/** The parsed request is let go of with the first attempt, and read again for another one: those
 *  are rare, and what lives on while a provider thinks is copied by the garbage collector. */
function clientRequest(bytes: Buffer): ClientRequest {
  const read = (): ReadMessages => readBeside(bytes, knownTools);
  let latest: ReadMessages | null = read();
  const { model, stream, max_tokens: maxTokens } = latest.request;
  return {
    model,
    stream: stream === true,
    maxTokens: maxTokens ?? 0,
    thinkingDisabled: clientDisablesThinking(latest.request),
    estimateTokens() {
      const { request, longTexts, tools } = latest ?? read();
      return estimateMessages(request, longTexts, tools?.tokens);
    },
    speaks: () => true,
    attempt(upstream, context) {
      const asked = latest ?? read();
      latest = null;
      if (upstream === 'openai') return translated(bytes, asked, context);
      remember(bytes, asked);
      return passedThrough(bytes, maxTokens ?? 0, context);
    },
  };
}

function readBeside(bytes: Buffer, known: KnownTools | null): ReadMessages {
  return readMessages(bytes, isUtf8(bytes), known);
}

function translated(bytes: Buffer, asked: ReadMessages, context: TranslationContext): Attempt {
  const plan = asked.tools?.planFor(context.chat, choiceOf(asked.request)) ?? null;
  if (plan !== null) return chatAttempt(asked, context, plan);
  const whole = asked.tools === null ? asked : readBeside(bytes, null);
  const attempt = chatAttempt(whole, context, null);
  const tools = asked.tools ?? remember(bytes, whole);
  if (tools !== null) {
    knownTools.addPlan(tools, planToKeep(whole.request, context, whole.longTexts));
  }
  return attempt;
}

/** The tools of a request that has them itself, where they are worth it. */
function remember(bytes: Buffer, { request, longTexts, tools }: ReadMessages): ToolSet | null {
  if (tools !== null || !request.tools?.length) return null;
  if (bytes.length < MIN_BYTES_FOR_LONG_TEXTS) return null;
  const found = knownTools.cameBefore(bytes);
  return found === null ? null : knownTools.add(found, estimateTools(request, longTexts));
}

function chatAttempt(
  { request, longTexts }: ReadMessages,
  context: TranslationContext,
  plan: KnownPlan | null,
): Attempt {
  const { body, memo } = toChatCompletion(request, context, longTexts, plan);
  return {
    path: '/chat/completions',
    payload: longTexts.fill(body, plan?.tail), // outside of the heap: see above
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
