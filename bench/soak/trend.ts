/** Does a series of measurements grow, or only tremble? A line through it (least squares). */
export interface Trend {
  readonly first: number;
  readonly last: number;
  /** What the fitted line gains from the first to the last measurement. */
  readonly gain: number;
  /** Standard deviation of the measurements around the line. */
  readonly noise: number;
}

export function trendOf(values: readonly number[]): Trend {
  const count = values.length;
  const meanAt = (count - 1) / 2;
  const mean = values.reduce((sum, value) => sum + value, 0) / count;
  let covered = 0;
  let spread = 0;
  for (const [at, value] of values.entries()) {
    covered += (at - meanAt) * (value - mean);
    spread += (at - meanAt) ** 2;
  }
  const slope = spread === 0 ? 0 : covered / spread;
  const off = values.map((value, at) => value - mean - slope * (at - meanAt));
  const noise = Math.sqrt(off.reduce((sum, each) => sum + each ** 2, 0) / count);
  return {
    first: mean - slope * meanAt,
    last: mean + slope * meanAt,
    gain: slope * (count - 1),
    noise,
  };
}

/** Flat: it gains no more than twice its noise, or than `share` of where it began. */
export function isFlat({ first, gain, noise }: Trend, share: number): boolean {
  return gain <= Math.max(2 * noise, share * first);
}
