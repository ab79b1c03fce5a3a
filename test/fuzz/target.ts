/** What is fuzzed? One file of this folder each, which exports its target and can be run by itself. */

export interface FuzzTarget {
  readonly name: string;
  /** What mutation starts from, besides test/corpus/<name>/. */
  readonly seeds: readonly (string | Buffer)[];
  /** Pieces that mean something to the readers: put in, and in the place of others. */
  readonly words: readonly string[];
  readonly maxBytes: number;
  /** Processor time that one case may take, far above what any takes: more is a finding. */
  readonly maxCaseMs: number;
  start(): Promise<Checker> | Checker;
}

export interface Checker {
  /**
   * Throws when something does not hold for `input`. Gives a short word for what happened: an input
   * with a new one is mutated further, which takes the place of measured coverage.
   */
  check(input: Buffer): string | Promise<string>;
  close?(): Promise<void>;
}

/** What a case does besides its input (how bytes are cut) depends on the input alone, so that a
 *  corpus entry is the whole case. */
export function seedOf(input: Buffer): number {
  let hash = 0x811c9dc5;
  for (const byte of input) hash = Math.imul(hash ^ byte, 0x01000193);
  return hash >>> 0;
}

/** Cuts at places that `chance` chooses. */
export function shred(input: Buffer, chance: () => number): Buffer[] {
  const most = [2, 5, 40, 700][Math.floor(chance() * 4)] ?? 5;
  const pieces: Buffer[] = [];
  for (let at = 0; at < input.length; ) {
    const size = 1 + Math.floor(chance() * most);
    pieces.push(input.subarray(at, at + size));
    at += size;
  }
  return pieces;
}
