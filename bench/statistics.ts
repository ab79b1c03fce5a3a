/** What do several measurements of one thing say? Median, spread, percentiles. */
export interface Summary {
  readonly median: number;
  readonly min: number;
  readonly max: number;
}

/** NaN where there is nothing. */
export function summarize(values: readonly number[]): Summary {
  return {
    median: percentile(values, 50),
    min: percentile(values, 0),
    max: percentile(values, 100),
  };
}

/** The value at `percent` of the sorted values, interpolated between its neighbours. */
export function percentile(values: readonly number[], percent: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  const place = ((sorted.length - 1) * percent) / 100;
  const below = sorted[Math.floor(place)] ?? Number.NaN;
  const above = sorted[Math.ceil(place)] ?? Number.NaN;
  return below + (above - below) * (place - Math.floor(place));
}

/** The median of `numerators[i] / denominators[i]`: the sides of a pair ran one after the other. */
export function medianRatio(
  numerators: readonly number[],
  denominators: readonly number[],
): number {
  return percentile(
    numerators.map((value, at) => value / (denominators[at] ?? Number.NaN)),
    50,
  );
}

/** Three significant digits, and no more than a reader can use. */
export function shown(value: number): string {
  if (!Number.isFinite(value)) return '-';
  const size = Math.abs(value);
  if (size >= 100) return Math.round(value).toLocaleString('en-US');
  return size >= 10 ? value.toFixed(1) : value.toFixed(2);
}

/** `median (min-max)`. */
export function shownSummary(summary: Summary): string {
  return `${shown(summary.median)} (${shown(summary.min)}-${shown(summary.max)})`;
}
