/**
 * How is a Messages request told to a chat completions provider?
 *
 * Everything that leaves is put into one object here and passes the dialect's list of fields;
 * nothing of the client's body goes along by itself (an allow-list: WIRE.md §E.5). Must stay true:
 * the client's request is only read, since another attempt may translate it again for another
 * provider.
 */
import { GatewayError } from '../../errors.ts';
import type { MessagesRequest } from '../../wire/anthropic-request.ts';
import type { ChatMessage } from '../../wire/openai-request.ts';
import type { TranslationContext } from '../translator.ts';
import type { Reader } from './content.ts';
import { type LongTexts, NO_TEXTS } from './long-texts.ts';
import type { RequestMemo } from './memo.ts';
import { chatMessages } from './messages.ts';
import {
  askedMaxTokens,
  outputTokens,
  planFormat,
  refuseTooLong,
  temperatureOf,
  thinkingWish,
  topPOf,
  userHash,
} from './parameters.ts';
import { systemText } from './system.ts';
import { ToolNames } from './tool-names.ts';
import { clientTools, planTools, type ToolPlan } from './tools.ts';

export interface ChatRequest {
  /** Serialised JSON for the provider, less the long texts that were taken out of the request. */
  readonly body: string;
  readonly memo: RequestMemo;
}

/** The client said `thinking: {type: "disabled"}`: no prompt is injected, no thinking shown. */
export function clientDisablesThinking(request: MessagesRequest): boolean {
  return request.thinking?.type === 'disabled';
}

/**
 * One attempt's body and what the answer side must remember of it.
 *
 * Stop sequences are not sent: a provider that stops at one does not say which (WIRE.md §G), so
 * they are matched in the answer, and the upstream call is ended at the first match.
 *
 * Throws PROMPT_TOO_LONG when the estimate clearly passes the model's window, INVALID_REQUEST when
 * the request contradicts itself or cannot be written as JSON.
 */
export function toChatCompletion(
  request: MessagesRequest,
  context: TranslationContext,
  longTexts: LongTexts = NO_TEXTS,
): ChatRequest {
  try {
    return translate(request, context, longTexts);
  } catch (cause) {
    if (!(cause instanceof RangeError)) throw cause;
    // JSON.stringify recurses, and no string is longer than half a GiB.
    const message = 'the request is too deep or too long to be sent on';
    throw new GatewayError('INVALID_REQUEST', message, { cause });
  }
}

function translate(
  request: MessagesRequest,
  context: TranslationContext,
  longTexts: LongTexts,
): ChatRequest {
  const { chat, model, estimatedInputTokens } = context;
  refuseTooLong(estimatedInputTokens, model);
  const names = new ToolNames(clientTools(request).map((tool) => tool.name));
  const tools = planTools(request, names, chat);
  const asked = askedMaxTokens(request);
  const sent = outputTokens(asked, estimatedInputTokens, model);
  const reader = { vision: model.vision, names, longTexts };
  const format = planFormat(request, chat, tools.tools.length > 0);
  const fields = {
    model: model.upstream,
    ...streamFields(request, context, tools),
    [chat.maxTokensField]: sent === 0 ? undefined : sent,
    temperature: temperatureOf(request, chat),
    top_p: topPOf(request),
    ...chat.reasoning(model.upstream, thinkingWish(request)),
    [chat.userField]: userHash(request, chat),
    response_format: format.field,
    messages: allMessages(request, context, [tools.hint, format.hint], reader),
    ...toolFields(tools),
  };
  return {
    body: JSON.stringify(allowed(fields, chat.fields)),
    memo: {
      stream: request.stream === true,
      toolNames: names.changed,
      toolNameSet: tools.offered,
      stopSequences: (request.stop_sequences ?? []).filter((text) => text !== ''),
      askedMaxTokens: asked,
      sentMaxTokens: sent,
      thinkingDisabled: clientDisablesThinking(request),
    },
  };
}

function allMessages(
  request: MessagesRequest,
  context: TranslationContext,
  hints: readonly string[],
  reader: Reader,
): ChatMessage[] {
  const prompt = clientDisablesThinking(request) ? null : context.injectPrompt;
  const system = systemText(request, prompt, hints, reader.longTexts);
  const conversation = chatMessages(request.messages, reader, context.chat);
  return system === '' ? conversation : [{ role: 'system', content: system }, ...conversation];
}

function streamFields(
  request: MessagesRequest,
  { chat }: TranslationContext,
  { tools }: ToolPlan,
): Record<string, unknown> {
  if (request.stream !== true) return {};
  return {
    stream: true,
    stream_options: chat.streamUsage ? { include_usage: true } : undefined,
    tool_stream: chat.toolStream && tools.length > 0 ? true : undefined,
  };
}

function toolFields(plan: ToolPlan): Record<string, unknown> {
  if (plan.tools.length === 0) return {};
  return { tools: plan.tools, tool_choice: plan.choice, parallel_tool_calls: plan.parallel };
}

/** The fields that have a value and that the provider knows. */
function allowed(
  fields: Readonly<Record<string, unknown>>,
  known: ReadonlySet<string>,
): Record<string, unknown> {
  const body: Record<string, unknown> = {};
  for (const [name, value] of Object.entries(fields)) {
    if (value !== undefined && known.has(name)) body[name] = value;
  }
  return body;
}
