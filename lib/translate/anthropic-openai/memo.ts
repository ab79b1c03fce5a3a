/**
 * What does the answer side need to remember of the request?
 *
 * Written once by the request translation, read by the answer's. Must stay true: everything here is
 * in the client's words unless a name says otherwise, and nothing here changes after it is made.
 */

export interface RequestMemo {
  /** The client asked for SSE. */
  readonly stream: boolean;
  /** Upstream tool name -> the client's, only for names that had to be changed. */
  readonly toolNames: ReadonlyMap<string, string>;
  /** The client's names of all tools that were offered to the provider. */
  readonly toolNameSet: ReadonlySet<string>;
  /** Matched locally in the answer's text; none of them is sent upstream. Never an empty string. */
  readonly stopSequences: readonly string[];
  /** `max_tokens` of the client; 0: none asked. */
  readonly askedMaxTokens: number;
  /** What the provider was told; 0: nothing was sent. */
  readonly sentMaxTokens: number;
  /** The client said `thinking: {type: "disabled"}`: no thinking block may reach it. */
  readonly thinkingDisabled: boolean;
}
