/**
 * Has the text reached one of the client's stop sequences?
 *
 * Matching is local, because a provider never says which sequence it met (WIRE.md §G). Must stay
 * true: any cutting of the text gives the same match (the one that ends first; of those that end
 * together the longest), and no more is held back than what may be the start of a sequence.
 */

export class StopMatcher {
  readonly #sequences: readonly string[];
  readonly #longest: number;
  #held = '';
  #matched: string | null = null;

  constructor(sequences: readonly string[]) {
    this.#sequences = sequences.filter((sequence) => sequence !== '');
    this.#longest = Math.max(0, ...this.#sequences.map((sequence) => sequence.length));
  }

  /** The sequence that was met; null before. */
  get matched(): string | null {
    return this.#matched;
  }

  /** Takes text and gives back what is certain. After a match nothing more is given. */
  take(piece: string): string {
    if (this.#longest === 0) return piece;
    if (this.#matched !== null) return '';
    const text = this.#held + piece;
    const start = this.#match(text);
    const certain = this.#matched === null ? this.#certainLength(text) : start;
    this.#held = this.#matched === null ? text.slice(certain) : '';
    return text.slice(0, certain);
  }

  /** Gives back what was held: the text ends here, or something else comes in between. */
  flush(): string {
    const held = this.#held;
    this.#held = '';
    return held;
  }

  /** Index where the first match begins; -1 when there is none. */
  #match(text: string): number {
    let bestStart = -1;
    let bestEnd = Number.POSITIVE_INFINITY;
    for (const sequence of this.#sequences) {
      const start = text.indexOf(sequence);
      if (start === -1) continue;
      const end = start + sequence.length;
      if (end > bestEnd || (end === bestEnd && start > bestStart)) continue;
      bestStart = start;
      bestEnd = end;
      this.#matched = sequence;
    }
    return bestStart;
  }

  /** How much of the text cannot belong to a sequence that is still to be completed. */
  #certainLength(text: string): number {
    for (let at = Math.max(0, text.length - this.#longest + 1); at < text.length; at++) {
      for (const sequence of this.#sequences) {
        if (sequence[0] === text[at] && sequence.startsWith(text.slice(at))) return at;
      }
    }
    return text.length;
  }
}
