/** What does one part of a load bench hand over? Tables for people, numbers for machines. */
import type { Client } from './processes.ts';
import type { Extent } from './rounds.ts';
import type { Variant } from './variants.ts';

export interface Section {
  readonly title: string;
  /** Markdown, without the title. */
  readonly text: string;
  /** Everything that was measured, round by round. */
  readonly data: unknown;
  /** Promises that were measured, and whether they were kept. */
  readonly verdicts: readonly Verdict[];
  /** Answers that were wrong, over everything measured. */
  readonly faults: number;
}

export interface Verdict {
  readonly what: string;
  readonly pass: boolean;
}

/** What a part needs to run. */
export interface Bench {
  readonly client: Client;
  readonly variants: readonly Variant[];
  readonly extent: Extent;
}
