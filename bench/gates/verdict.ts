/** Is the change slower? Only when even the low end of the interval is beyond the limit. */
import { type Interval, medianInterval } from '../bootstrap.ts';
import { markdownTable } from '../table.ts';

export type Kind = 'micro' | 'load';

/** Of the cost now to the cost before. Micro cases tremble less. */
export const LIMITS: Readonly<Record<Kind, number>> = { micro: 1.05, load: 1.1 };

export interface Pairs {
  readonly name: string;
  readonly kind: Kind;
  /** `[before, now]`: costs, in any unit. */
  readonly pairs: readonly (readonly [number, number])[];
}

export type Word = 'slower' | 'faster' | 'same' | 'unclear';

export interface Judgement {
  readonly name: string;
  readonly kind: Kind;
  readonly ratio: Interval;
  readonly count: number;
  readonly word: Word;
}

/** `slower` and `faster`: the whole interval is beyond the limit, or below its inverse; `same`: it
 *  lies between the two; `unclear`: it is too wide to say. */
export function judgePairs({ name, kind, pairs }: Pairs): Judgement {
  const ratio = medianInterval(pairs.map(([before, now]) => now / before));
  const limit = LIMITS[kind];
  const word = wordFor(ratio, limit);
  return { name, kind, ratio, count: pairs.length, word };
}

function wordFor({ low, high }: Interval, limit: number): Word {
  if (low > limit) return 'slower';
  if (high < 1 / limit) return 'faster';
  return low >= 1 / limit && high <= limit ? 'same' : 'unclear';
}

export function gateTable(judgements: readonly Judgement[]): string {
  const rows = judgements.map(({ name, kind, ratio, count, word }) => [
    name,
    String(count),
    ratio.median.toFixed(3),
    `${ratio.low.toFixed(3)}-${ratio.high.toFixed(3)}`,
    LIMITS[kind].toFixed(2),
    word,
  ]);
  return markdownTable(['case', 'pairs', 'now / before', '95 %', 'limit', 'verdict'], rows);
}
