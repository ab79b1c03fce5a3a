/**
 * What does this chat request ask for? The parsed body as the rest of the simulator sees it.
 *
 * Tolerant: whatever has the wrong type is treated as absent (strictness.ts is where it is
 * refused), so that a simulator that is not strict never throws on a body.
 */
export interface SeenCall {
  readonly id: string;
  readonly name: string;
}

export interface SeenMessage {
  readonly role: string;
  /** Text content, parts joined by line ends. */
  readonly text: string;
  readonly calls: readonly SeenCall[];
  /** Of a tool message. */
  readonly callId: string | undefined;
}

export interface SeenTool {
  readonly name: string;
  readonly parameters: unknown;
}

export interface ChatRequest {
  readonly model: string;
  readonly messages: readonly SeenMessage[];
  readonly tools: readonly SeenTool[];
  /** A function name, `required`, or undefined for the model's own choice. */
  readonly forcedTool: string | undefined;
  readonly stream: boolean;
  readonly includeUsage: boolean;
  readonly toolStream: boolean;
  readonly maxTokens: number | undefined;
  readonly stops: readonly string[];
  readonly thinking: boolean;
  /** Reasoning inside the text, in think tags (`reasoning_format: raw`). */
  readonly rawReasoning: boolean;
  /** Schema of the JSON that is asked for; `{}` for any object; undefined for text. */
  readonly jsonSchema: unknown;
}

export type Fields = Readonly<Record<string, unknown>>;

export function isFields(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

const NONE: Fields = {};
export const fields = (value: unknown): Fields => (isFields(value) ? value : NONE);
export const list = (value: unknown): readonly unknown[] => (Array.isArray(value) ? value : []);
export const text = (value: unknown): string => (typeof value === 'string' ? value : '');

/** `body` is any parsed JSON. */
export function readChat(body: unknown): ChatRequest {
  const all = fields(body);
  const choice = all.tool_choice;
  const named = text(fields(fields(choice).function).name);
  const forced = choice === 'required' ? 'required' : named;
  return {
    model: text(all.model),
    messages: list(all.messages).map(readMessage),
    tools: choice === 'none' ? [] : list(all.tools).map(readTool),
    forcedTool: forced === '' ? undefined : forced,
    stream: all.stream === true,
    includeUsage: fields(all.stream_options).include_usage === true,
    toolStream: all.tool_stream === true,
    maxTokens: positive(all.max_completion_tokens) ?? positive(all.max_tokens),
    stops: (typeof all.stop === 'string' ? [all.stop] : list(all.stop)).map(text).filter(Boolean),
    thinking: thinks(all),
    rawReasoning: all.reasoning_format === 'raw',
    jsonSchema: wantedSchema(fields(all.response_format)),
  };
}

function thinks(all: Fields): boolean {
  if (all.reasoning_effort === 'none' || all.disable_reasoning === true) return false;
  if (all.reasoning_format === 'hidden') return false;
  return fields(all.thinking).type !== 'disabled';
}

function wantedSchema(format: Fields): unknown {
  if (format.type === 'json_object') return {};
  return format.type === 'json_schema' ? (fields(format.json_schema).schema ?? {}) : undefined;
}

function readMessage(value: unknown): SeenMessage {
  const message = fields(value);
  const callId = message.tool_call_id;
  return {
    role: text(message.role),
    text: contentText(message.content),
    calls: list(message.tool_calls).map((call) => ({
      id: text(fields(call).id),
      name: text(fields(fields(call).function).name),
    })),
    callId: typeof callId === 'string' ? callId : undefined,
  };
}

function contentText(content: unknown): string {
  if (typeof content === 'string') return content;
  return list(content)
    .map((part) => text(fields(part).text))
    .join('\n');
}

function readTool(value: unknown): SeenTool {
  const tool = fields(fields(value).function);
  return { name: text(tool.name), parameters: tool.parameters };
}

function positive(value: unknown): number | undefined {
  return typeof value === 'number' && value >= 1 ? Math.floor(value) : undefined;
}
