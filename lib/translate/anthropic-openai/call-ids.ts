/**
 * Which id has a tool call upstream?
 *
 * The client's own, unless the conversation has it twice (some providers repeat theirs), it is
 * empty or too long. Must stay true: an id depends only on the calls before it, so it never changes
 * from one turn to the next.
 */
import { MAX_CALL_ID_CHARS } from '../../limits.ts';
import { hashHex } from './hash.ts';

export class CallIds {
  readonly #used = new Set<string>();
  /** The number that the next repetition of an id starts with, so that many of them stay cheap. */
  readonly #next = new Map<string, number>();

  unique(id: string): string {
    const base = id.length > MAX_CALL_ID_CHARS || id === '' ? shortId(id) : id;
    let unique = base;
    let number = this.#next.get(base) ?? 2;
    while (this.#used.has(unique)) unique = `${base}_${number++}`;
    this.#next.set(base, number);
    this.#used.add(unique);
    return unique;
  }
}

function shortId(id: string): string {
  return `call_${hashHex(id)}`.slice(0, MAX_CALL_ID_CHARS);
}
