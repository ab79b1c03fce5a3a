/** Chat completions as we send them (WIRE.md §D): the request's messages and tools, nothing
 *  else. */

export type ChatMessage =
  | { readonly role: 'system'; readonly content: string }
  | { readonly role: 'user'; readonly content: string | readonly ChatPart[] }
  | ChatAssistantMessage
  | ChatToolMessage;

export type ChatPart =
  | { readonly type: 'text'; readonly text: string }
  | { readonly type: 'image_url'; readonly image_url: { readonly url: string } };

export interface ChatAssistantMessage {
  readonly role: 'assistant';
  readonly content: string | null;
  /** Earlier reasoning, in the field that the provider reads (`ChatDialect.reasoningField`). */
  readonly reasoning?: string;
  readonly reasoning_content?: string;
  /** Never empty: without calls the field is absent. */
  readonly tool_calls?: readonly ChatToolCall[];
}

export interface ChatToolCall {
  readonly id: string;
  readonly type: 'function';
  /** `arguments` is the JSON text of an object, never ''. */
  readonly function: { readonly name: string; readonly arguments: string };
}

/** Text only: strict providers refuse parts here (WIRE.md §E.5, §F.3). */
export interface ChatToolMessage {
  readonly role: 'tool';
  readonly tool_call_id: string;
  readonly content: string;
}

export interface ChatTool {
  readonly type: 'function';
  readonly function: {
    /** `^[a-zA-Z0-9_-]{1,64}$` */
    readonly name: string;
    readonly description: string;
    readonly parameters: Readonly<Record<string, unknown>>;
  };
}

export type ChatToolChoice =
  | 'auto'
  | 'none'
  | 'required'
  | { readonly type: 'function'; readonly function: { readonly name: string } };
