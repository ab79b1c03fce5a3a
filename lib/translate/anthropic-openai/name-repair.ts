/** Which of the client's tools does the model mean? */
import type { RequestMemo } from './memo.ts';

/** Channel words that gpt-oss leaves around a name, as in `functions.Read<|channel|>commentary`. */
const BEFORE_NAME = /^functions[.:]/;
const AFTER_NAME = /<\|.*$/s;

export class NameRepair {
  readonly #memo: RequestMemo;
  /** Offered names by their lower case; made when a name is not found as it is. */
  #byLowerCase: Map<string, string> | null = null;

  constructor(memo: RequestMemo) {
    this.#memo = memo;
  }

  /** The only tool that was offered, or '' when there are none or several. */
  get only(): string {
    const [first = '', second] = this.#memo.toolNameSet;
    return second === undefined ? first : '';
  }

  /** True when the upstream name is one that was offered. */
  knows(upstreamName: string): boolean {
    return this.#offered(upstreamName) !== undefined;
  }

  /** The client's name: mapped back, repaired in case and channel words, else as the model said. */
  resolve(upstreamName: string): string {
    const name = upstreamName.trim();
    const offered = this.#offered(name);
    if (offered !== undefined) return offered;
    const bare = name.replace(BEFORE_NAME, '').replace(AFTER_NAME, '').trim();
    this.#byLowerCase ??= this.#lowerCased();
    return this.#offered(bare) ?? this.#byLowerCase.get(bare.toLowerCase()) ?? name;
  }

  #offered(name: string): string | undefined {
    return this.#memo.toolNames.get(name) ?? (this.#memo.toolNameSet.has(name) ? name : undefined);
  }

  #lowerCased(): Map<string, string> {
    const found = new Map<string, string>();
    for (const name of this.#memo.toolNameSet) found.set(name.toLowerCase(), name);
    for (const [upstream, name] of this.#memo.toolNames) found.set(upstream.toLowerCase(), name);
    return found;
  }
}
