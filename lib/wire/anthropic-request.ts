/**
 * The Messages API as a client sends it (WIRE.md §A.2), as far as anything here reads it.
 *
 * These types describe a body that `parseMessages` has checked: it is the parsed JSON itself, so
 * fields that nobody reads are still there at run time, and an optional field may be null.
 */

type Maybe<T> = T | null | undefined;

export interface MessagesRequest {
  readonly model: string;
  readonly messages: readonly Message[];
  readonly system?: Maybe<string | readonly ContentBlock[]>;
  /** 0 is legal: it asks for no visible output. */
  readonly max_tokens?: Maybe<number>;
  readonly stream?: Maybe<boolean>;
  readonly stop_sequences?: Maybe<readonly string[]>;
  readonly temperature?: Maybe<number>;
  readonly top_p?: Maybe<number>;
  readonly top_k?: Maybe<number>;
  readonly thinking?: Maybe<Thinking>;
  readonly output_config?: Maybe<OutputConfig>;
  /** The older place of `output_config.format`. */
  readonly output_format?: Maybe<OutputFormat>;
  readonly tools?: Maybe<readonly Tool[]>;
  readonly tool_choice?: Maybe<ToolChoice>;
  readonly metadata?: Maybe<{ readonly user_id?: Maybe<string> }>;
}

/** `system` entries stand between the turns: Claude Code sends its environment so (CLIENTS.md
 *  §1). */
export interface Message {
  readonly role: 'user' | 'assistant' | 'system';
  readonly content: string | readonly ContentBlock[];
}

export type ContentBlock =
  | TextBlock
  | ImageBlock
  | DocumentBlock
  | SearchResultBlock
  | ThinkingBlock
  | RedactedThinkingBlock
  | CompactionBlock
  | ToolUseBlock
  | ToolResultBlock
  | ToolReferenceBlock
  | OtherBlock;

export interface TextBlock {
  readonly type: 'text';
  readonly text: string;
}

export interface ImageBlock {
  readonly type: 'image';
  readonly source: ImageSource;
}

export type ImageSource = Base64Source | UrlSource | FileSource | OtherSource;

export interface DocumentBlock {
  readonly type: 'document';
  readonly source: DocumentSource;
  readonly title?: Maybe<string>;
  readonly context?: Maybe<string>;
}

export type DocumentSource =
  | Base64Source
  | UrlSource
  | FileSource
  | { readonly type: 'text'; readonly data: string }
  | { readonly type: 'content'; readonly content: string | readonly ContentBlock[] }
  | OtherSource;

export interface Base64Source {
  readonly type: 'base64';
  readonly media_type: string;
  readonly data: string;
}

export interface UrlSource {
  readonly type: 'url';
  readonly url: string;
}

export interface FileSource {
  readonly type: 'file';
  readonly file_id: string;
}

export interface SearchResultBlock {
  readonly type: 'search_result';
  readonly title: string;
  readonly source: string;
  readonly content: readonly ContentBlock[];
}

/** A signature may be missing, empty or foreign (WIRE.md §B.7); nobody here looks at it. */
export interface ThinkingBlock {
  readonly type: 'thinking';
  readonly thinking: string;
}

export interface RedactedThinkingBlock {
  readonly type: 'redacted_thinking';
}

/** The summary that stands for a compacted part of the conversation. */
export interface CompactionBlock {
  readonly type: 'compaction';
  readonly content?: Maybe<string>;
}

export interface ToolUseBlock {
  readonly type: 'tool_use';
  readonly id: string;
  readonly name: string;
  /** An object by contract; anything JSON in practice. */
  readonly input?: unknown;
}

export interface ToolResultBlock {
  readonly type: 'tool_result';
  readonly tool_use_id: string;
  readonly content?: Maybe<string | readonly ContentBlock[]>;
  readonly is_error?: Maybe<boolean>;
}

/** Names a deferred tool that a search has loaded (CLIENTS.md §1, tool search). */
export interface ToolReferenceBlock {
  readonly type: 'tool_reference';
  readonly tool_name: string;
}

/** Any other type of block. At run time `type` is whatever the client wrote; the literal stands
 *  for it so that the union stays discriminated and a `switch` ends in exactly this member. */
export interface OtherBlock {
  readonly type: '(other)';
}

/** Any other type of source; see OtherBlock. */
export interface OtherSource {
  readonly type: '(other)';
}

export type Thinking =
  | { readonly type: 'enabled'; readonly budget_tokens?: Maybe<number> }
  | { readonly type: 'adaptive' }
  | { readonly type: 'disabled' }
  | { readonly type: 'between_tools' }
  | { readonly type: '(other)' };

export interface OutputConfig {
  /** low, medium, high, xhigh or max; other words mean nothing. */
  readonly effort?: Maybe<string>;
  readonly format?: Maybe<OutputFormat>;
}

/** Only `json_schema` has a meaning; there the schema is an object. */
export interface OutputFormat {
  readonly type: string;
  readonly schema?: Maybe<JsonObject>;
}

export type JsonObject = Readonly<Record<string, unknown>>;

/** Tools with an `input_schema` are the client's; a typed one without it runs at Anthropic. */
export interface Tool {
  readonly type?: Maybe<string>;
  /** Only a typed tool may have none. */
  readonly name?: Maybe<string>;
  readonly description?: Maybe<string>;
  readonly input_schema?: Maybe<JsonObject>;
}

export type ToolChoice =
  | { readonly type: 'auto'; readonly disable_parallel_tool_use?: Maybe<boolean> }
  | { readonly type: 'any'; readonly disable_parallel_tool_use?: Maybe<boolean> }
  | {
      readonly type: 'tool';
      readonly name: string;
      readonly disable_parallel_tool_use?: Maybe<boolean>;
    }
  | { readonly type: 'none' };
