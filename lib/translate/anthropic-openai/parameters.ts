/**
 * How long, how random, how thoughtful: the parameters of one request in the provider's words.
 */
import { GatewayError } from '../../errors.ts';
import {
  LOW_EFFORT_BUDGET_TOKENS,
  MEDIUM_EFFORT_BUDGET_TOKENS,
  MIN_CLAMPED_OUTPUT_TOKENS,
  SMALL_ANSWER_TOKENS,
  WINDOW_MARGIN_SHARE,
  WINDOW_MARGIN_TOKENS,
  WINDOW_REFUSAL_FACTOR,
} from '../../limits.ts';
import type { ChatDialect, ModelFacts, ThinkingWish } from '../../providers/types.ts';
import type { MessagesRequest, OutputFormat } from '../../wire/anthropic-request.ts';
import { hashHex } from './hash.ts';
import { cleanSchema } from './schemas.ts';

/** Output tokens asked for; 0 = none. The API's legal 0 (warm the cache) is 1 everywhere else. */
export function askedMaxTokens(request: MessagesRequest): number {
  const { max_tokens: asked } = request;
  return asked === undefined || asked === null ? 0 : Math.max(1, asked);
}

/**
 * Output tokens to name upstream; 0 = name none. Not more than asked, than the model can give, and
 * than its window has left behind the prompt.
 */
export function outputTokens(asked: number, promptTokens: number, model: ModelFacts): number {
  const wanted = asked === 0 ? model.maxOutputTokens : asked;
  if (wanted === 0) return 0;
  const given = model.maxOutputTokens === 0 ? wanted : Math.min(wanted, model.maxOutputTokens);
  if (model.contextWindow === 0) return given;
  const margin = promptTokens * WINDOW_MARGIN_SHARE + WINDOW_MARGIN_TOKENS;
  const room = Math.floor(model.contextWindow - promptTokens - margin);
  return Math.min(given, Math.max(room, MIN_CLAMPED_OUTPUT_TOKENS));
}

/** Throws PROMPT_TOO_LONG, in the words that make Claude Code compact (WIRE.md §B.5), when the
 *  prompt is clearly longer than the window. What only may be too long is the provider's to
 *  refuse. */
export function refuseTooLong(promptTokens: number, model: ModelFacts): void {
  const { contextWindow: window } = model;
  if (window === 0 || promptTokens <= window * WINDOW_REFUSAL_FACTOR) return;
  throw new GatewayError(
    'PROMPT_TOO_LONG',
    `prompt is too long: ${Math.ceil(promptTokens)} tokens > ${window} maximum`,
  );
}

/** What the client wants of thinking (WIRE.md §G). */
export function thinkingWish(request: MessagesRequest): ThinkingWish {
  const effort = effortOf(request.output_config?.effort);
  const { thinking } = request;
  if (thinking?.type === 'disabled') return { enabled: false, effort: undefined };
  if (thinking?.type === 'enabled') {
    return { enabled: true, effort: budgetEffort(thinking.budget_tokens) ?? effort };
  }
  const asked = askedMaxTokens(request);
  if (asked > 0 && asked <= SMALL_ANSWER_TOKENS) return { enabled: false, effort: undefined };
  return { enabled: thinking?.type === 'adaptive' ? true : undefined, effort };
}

function effortOf(word: string | null | undefined): ThinkingWish['effort'] {
  switch (word) {
    case 'low':
    case 'medium':
    case 'high':
    case 'xhigh':
    case 'max':
      return word;
    default:
      return undefined;
  }
}

function budgetEffort(tokens: number | null | undefined): ThinkingWish['effort'] {
  if (tokens === undefined || tokens === null) return undefined;
  if (tokens < LOW_EFFORT_BUDGET_TOKENS) return 'low';
  return tokens < MEDIUM_EFFORT_BUDGET_TOKENS ? 'medium' : 'high';
}

/** Chat completions allow more than Anthropic's 0..1, some providers less (WIRE.md §F.3). */
export function temperatureOf(request: MessagesRequest, dialect: ChatDialect): number | undefined {
  const { temperature } = request;
  if (temperature === undefined || temperature === null) return undefined;
  return Math.min(dialect.maxTemperature, Math.max(0, temperature));
}

/** Zhipu's lower bound, which is as good as 0 for everybody else. */
const MIN_TOP_P = 0.01;

export function topPOf(request: MessagesRequest): number | undefined {
  const { top_p: topP } = request;
  if (topP === undefined || topP === null) return undefined;
  return Math.min(1, Math.max(MIN_TOP_P, topP));
}

export interface FormatPlan {
  readonly field: Readonly<Record<string, unknown>> | undefined;
  /** The schema in words, where the provider cannot be held to it; '' = nothing to say. */
  readonly hint: string;
}

/** A wanted JSON schema: as `response_format` where the dialect has it and may have it here. */
export function planFormat(
  request: MessagesRequest,
  dialect: ChatDialect,
  besideTools: boolean,
): FormatPlan {
  const schema = wantedSchema(request.output_config?.format ?? request.output_format, dialect);
  if (schema === undefined) return { field: undefined, hint: '' };
  const allowed = dialect.formatWithTools || !besideTools;
  if (allowed && dialect.responseFormat === 'json_schema') {
    return { field: { type: 'json_schema', json_schema: { name: 'output', schema } }, hint: '' };
  }
  const asObject = allowed && dialect.responseFormat === 'json_object';
  const hint = `Answer with JSON alone that follows this JSON schema:\n${JSON.stringify(schema)}`;
  return { field: asObject ? { type: 'json_object' } : undefined, hint };
}

function wantedSchema(
  format: OutputFormat | null | undefined,
  dialect: ChatDialect,
): Readonly<Record<string, unknown>> | undefined {
  if (format?.type !== 'json_schema' || !format.schema) return undefined;
  return cleanSchema(format.schema, dialect.droppedSchemaKeywords);
}

/** An opaque id, 32 hexadecimal characters, for the field that the dialect names. Undefined: the
 *  client said nothing of itself. The id itself never leaves: it holds device and account. */
export function userHash(request: MessagesRequest, dialect: ChatDialect): string | undefined {
  const id = request.metadata?.user_id;
  if (!id) return undefined;
  const { session, user } = identify(id);
  // A prompt cache is a session's; abuse control wants to know the user.
  return hashHex(dialect.userField === 'prompt_cache_key' ? session : user);
}

/** Claude Code sends JSON with `session_id`, older ones `user_…_account_…_session_…` (WIRE.md
 *  §B.1). */
function identify(id: string): { session: string; user: string } {
  const json = /^\s*\{/.test(id) ? /"session_id"\s*:\s*"([^"]+)"/.exec(id) : null;
  const old = /_session_(.+)$/.exec(id);
  const session = (json ?? old)?.[1];
  if (session === undefined) return { session: id, user: id };
  return { session, user: id.replace(session, '') };
}
