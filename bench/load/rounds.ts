/**
 * In which order are variants measured? A B C, A B C, … in one run, so that whatever else the
 * machine does strikes all of them alike. The first rounds warm up and are not counted.
 */
export interface Extent {
  /** Rounds before those that count. */
  readonly warmUps: number;
  /** Counted rounds. */
  readonly rounds: number;
  /** Length of one measurement. */
  readonly seconds: number;
}

/** For each variant, in their order: what `measure` gave in each counted round. */
export async function interleave<V, R>(
  variants: readonly V[],
  { warmUps, rounds }: Extent,
  measure: (variant: V) => Promise<R>,
): Promise<R[][]> {
  const results: R[][] = variants.map(() => []);
  for (let round = 0; round < warmUps + rounds; round++) {
    for (const [at, variant] of variants.entries()) {
      const result = await measure(variant);
      if (round >= warmUps) results[at]?.push(result);
    }
  }
  return results;
}
