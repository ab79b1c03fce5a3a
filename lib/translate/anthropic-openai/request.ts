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
import type { KnownPlan } from './known-tools.ts';
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
  /** Serialised JSON for the provider, less the long texts that were taken out of the request, and
   *  less the tail of a plan that was known. */
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
 *
 * @param known the plan for the request's tools; `request.tools` is not read then
 */
export function toChatCompletion(
  request: MessagesRequest,
  context: TranslationContext,
  longTexts: LongTexts = NO_TEXTS,
  known: KnownPlan | null = null,
): ChatRequest {
  try {
    return translate(request, context, longTexts, known);
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
  known: KnownPlan | null,
): ChatRequest {
  const { chat, model, estimatedInputTokens } = context;
  refuseTooLong(estimatedInputTokens, model);
  const names = namesOf(request, known);
  const tools = known ?? planTools(request, names, chat);
  const asked = askedMaxTokens(request);
  const sent = outputTokens(asked, estimatedInputTokens, model);
  const reader = { vision: model.vision, names, longTexts };
  const format = planFormat(request, chat, tools.hasTools);
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
    ...('tail' in tools ? {} : toolFields(tools)),
  };
  const body = JSON.stringify(allowed(fields, chat.fields));
  return {
    body: known === null ? body : body.slice(0, -1),
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

/** What is to be remembered of the tools of a request that was translated whole. */
export function planToKeep(
  request: MessagesRequest,
  { chat }: TranslationContext,
  longTexts: LongTexts,
): KnownPlan {
  const names = namesOf(request, null);
  const plan = planTools(request, names, chat);
  const json = JSON.stringify(allowed(toolFields(plan), chat.fields));
  return {
    dialect: chat,
    choice: choiceOf(request),
    tail: json === '{}' ? Buffer.from('}') : longTexts.fill(`,${json.slice(1)}`),
    hasTools: plan.hasTools,
    hint: plan.hint,
    offered: plan.offered,
    names,
  };
}

/** What a plan depends on beside the tools and the dialect. */
export function choiceOf({ tool_choice: choice }: MessagesRequest): string {
  return JSON.stringify(choice ?? null);
}

function namesOf(request: MessagesRequest, known: KnownPlan | null): ToolNames {
  return new ToolNames(known?.names ?? clientTools(request).map((tool) => tool.name));
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
  { hasTools }: ToolPlan | KnownPlan,
): Record<string, unknown> {
  if (request.stream !== true) return {};
  return {
    stream: true,
    stream_options: chat.streamUsage ? { include_usage: true } : undefined,
    tool_stream: chat.toolStream && hasTools ? true : undefined,
  };
}

function toolFields(plan: ToolPlan): Record<string, unknown> {
  if (!plan.hasTools) return {};
  return { tools: plan.tools, tool_choice: plan.choice, parallel_tool_calls: plan.parallel };
}

/** The fields that have a value and that the provider knows. */
function allowed(
  fields: Readonly<Record<string, unknown>>,
  known: ReadonlySet<string>,
): Record<string, unknown> {
  const body: Record<string, unknown> = {};
  for (const name in fields) {
    const value = fields[name];
    if (value !== undefined && known.has(name)) body[name] = value;
  }
  return body;
}
