/**
 * In which order are variants measured? A B C, A B C, … in one run, so that whatever else the
 * machine does strikes all of them alike. The first round warms up and is not counted.
 */
export interface Extent {
  /** Counted rounds. */
  readonly rounds: number;
  /** Length of one measurement. */
  readonly seconds: number;
}

/** For each variant, in their order: what `measure` gave in each counted round. */
export async function interleave<V, R>(
  variants: readonly V[],
  rounds: number,
  measure: (variant: V) => Promise<R>,
): Promise<R[][]> {
  const results: R[][] = variants.map(() => []);
  for (let round = 0; round <= rounds; round++) {
    for (const [at, variant] of variants.entries()) {
      const result = await measure(variant);
      if (round > 0) results[at]?.push(result);
    }
  }
  return results;
}

/** One row of a result: a variant, and one number for each round. */
export interface Series {
  readonly variant: string;
  readonly values: readonly number[];
}
