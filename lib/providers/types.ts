/** What a provider preset says. Presets are data: adding a provider is one file and one table
 *  line. */
import type { ErrorCode } from '../errors.ts';

export type Protocol = 'openai' | 'anthropic';

/** How much the client wants the model to think; `undefined` where the client said nothing. */
export interface ThinkingWish {
  readonly enabled: boolean | undefined;
  readonly effort: 'low' | 'medium' | 'high' | 'xhigh' | 'max' | undefined;
}

/** The provider's words for a chat completion (protocol `openai` only). */
export interface ChatDialect {
  /** Top-level request fields that may be sent. Anything else never leaves (an allow-list: Cerebras
   *  answers 400 to any unknown field). */
  readonly fields: ReadonlySet<string>;
  readonly maxTokensField: 'max_completion_tokens' | 'max_tokens';
  /** The field of an assistant message that takes earlier reasoning back; `none` drops it. */
  readonly reasoningField: 'reasoning' | 'reasoning_content' | 'none';
  /** `auto`: only "auto" is accepted; other choices are put in words (WIRE.md §F.3). */
  readonly toolChoice: 'full' | 'auto';
  /** Tools accepted in one request; 0 = no bound known. */
  readonly maxTools: number;
  /** JSON schema keywords that the provider refuses in tool parameters. */
  readonly droppedSchemaKeywords: ReadonlySet<string>;
  /** What stands for the text of an assistant message that only calls tools. */
  readonly emptyContent: null | '';
  readonly responseFormat: 'json_schema' | 'json_object' | 'none';
  /** Whether response_format may stand beside tools. */
  readonly formatWithTools: boolean;
  /** Whether `stream_options.include_usage` is understood (or harmless). */
  readonly streamUsage: boolean;
  /** Whether `tool_stream: true` asks for streamed tool arguments. */
  readonly toolStream: boolean;
  /** Where a hash of the client's user or session goes. */
  readonly userField: 'user' | 'user_id' | 'prompt_cache_key' | 'none';
  readonly maxTemperature: number;
  /** Reasoning fields of the request for an upstream model id. */
  reasoning(upstreamModel: string, wish: ThinkingWish): Readonly<Record<string, unknown>>;
}

/** A model as a preset or the configuration describes it. Sizes in tokens; 0 = not known. */
export interface ModelFacts {
  readonly id: string;
  /** The provider's own name for it. */
  readonly upstream: string;
  readonly contextWindow: number;
  readonly maxOutputTokens: number;
  readonly vision: boolean;
}

export type CooldownScope = 'request' | 'key' | 'org' | 'key-model' | 'model' | 'provider';
export type CooldownAction =
  | 'retry' // nothing is at fault that lasts: go on with another key or provider, after a backoff
  | 'cool' // the scope rests until the time found, then the request goes on elsewhere
  | 'lower-concurrency' // too many at once: the learned concurrency halves, a short rest
  | 'disable' // the key is no good until its secret changes (a restart asks once more: memory.ts)
  | 'give-up'; // the request itself is at fault: nobody is punished, the client is told

/** One row of a provider's error table (WIRE.md §E.4, §F.4). First match wins; a row matches when
 *  every condition it names does. */
export interface ErrorRule {
  readonly status?: readonly number[];
  /** Compared with the code in the body (`error.code`, `code`, or `[1313]` in the text), as
   *  text. */
  readonly code?: readonly string[];
  readonly text?: RegExp;
  readonly scope: CooldownScope;
  readonly action: CooldownAction;
  /** Rest in ms when neither headers nor text name an end; 0 = the default backoff (2 s
   *  doubling). */
  readonly restMs: number;
  /** What the client is told when no other key or provider could serve. */
  readonly answer: ErrorCode;
  /** Metric label and log word: `rate_limit`, `balance`, `auth`, `busy`, `concurrency`, … */
  readonly reason: string;
  /** The quota whose reset header gives the end, where the row knows it. */
  readonly quota?:
    | 'requests_minute'
    | 'requests_hour'
    | 'requests_day'
    | 'tokens_minute'
    | 'tokens_hour'
    | 'tokens_day';
  /** How a time in the text is read when it names no zone, in minutes east of UTC. */
  readonly textZoneMinutes?: number;
}

export interface Preset {
  readonly name: 'cerebras' | 'zhipu' | 'zai' | 'openai' | 'anthropic' | 'generic';
  /** Hosts whose endpoint means this preset when neither `preset` nor the name says so. */
  readonly hosts: readonly string[];
  /** Default endpoint; undefined: the configuration must give one. */
  readonly endpoint: string | undefined;
  readonly protocol: Protocol;
  /** Models served when the configuration lists none. */
  readonly models: readonly ModelFacts[];
  /** Facts of further models that a configuration may list (retired or dedicated ones). */
  readonly known: readonly ModelFacts[];
  /** Tiers when there is no configuration file at all and this preset's keys are found first. */
  readonly tiers: Readonly<Record<'haiku' | 'sonnet' | 'opus', string>> | undefined;
  readonly chat: ChatDialect;
  /** What is left out of `chat` where the endpoint is none of `hosts`: a stand-in (a gateway, a
   *  server of one's own) may refuse fields that only the vendor knows. */
  readonly chatElsewhere?: Partial<ChatDialect>;
  /** Extra request headers of every call. */
  readonly headers: Readonly<Record<string, string>>;
  readonly rateLimiting: 'per_key_cerebras_headers' | 'headers' | 'fixed_rpm' | 'none';
  /** Environment variables that hold keys when there is no configuration: NAME and NAME_1,
   *  NAME_2… */
  readonly keyVariable: string | undefined;
  /** Quotas refill continuously (token bucket) rather than at the reset of a window. */
  readonly continuousRefill: boolean;
  /** Output tokens that the provider reserves up front at most; 0 = no reservation known. */
  readonly reservationCapTokens: number;
  readonly errors: readonly ErrorRule[];
}
