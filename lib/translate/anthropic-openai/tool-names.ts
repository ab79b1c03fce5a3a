/**
 * What is a tool called upstream?
 *
 * Providers take `^[a-zA-Z0-9_-]{1,64}$`; names of MCP tools are often longer. A name that fits
 * stays; any other is cut and gets a hash of the whole. Must stay true: the same name gives the
 * same result in every request (prompt caches), and two names of one request never share one.
 */
import { MAX_TOOL_NAME_CHARS } from '../../limits.ts';
import { hashHex } from './hash.ts';

const FITS = new RegExp(`^[a-zA-Z0-9_-]{1,${MAX_TOOL_NAME_CHARS}}$`);
const HASH_CHARS = 8;
const KEPT_CHARS = MAX_TOOL_NAME_CHARS - HASH_CHARS - 1;

export class ToolNames {
  /** Upstream name -> the client's, for the changed ones. */
  readonly changed: Map<string, string>;
  /** The client's name -> upstream, for the changed ones. */
  readonly #shortened: Map<string, string>;
  /** Names that stay as they are: no shortened one may equal one of them. */
  readonly #kept: ReadonlySet<string>;

  /** @param offered names of all tools of the request, or those of an earlier one */
  constructor(offered: Iterable<string> | ToolNames) {
    const isCopy = offered instanceof ToolNames;
    this.changed = new Map(isCopy ? offered.changed : null);
    this.#shortened = new Map(isCopy ? offered.#shortened : null);
    this.#kept = isCopy ? offered.#kept : new Set([...offered].filter(fits));
  }

  /** The name as the provider sees it, for tools, history and tool_choice alike. */
  upstream(name: string): string {
    if (fits(name)) return name;
    const known = this.#shortened.get(name);
    if (known !== undefined) return known;
    const made = this.#shorten(name);
    this.#shortened.set(name, made);
    this.changed.set(made, name);
    return made;
  }

  #shorten(name: string): string {
    const stem = name.replace(/[^a-zA-Z0-9_-]/g, '_').slice(0, KEPT_CHARS);
    for (let salt = ''; ; salt += '+') {
      const made = `${stem}_${hashHex(name + salt).slice(0, HASH_CHARS)}`;
      if (!this.#kept.has(made) && !this.changed.has(made)) return made;
    }
  }
}

function fits(name: string): boolean {
  return FITS.test(name);
}
