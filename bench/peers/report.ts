/** How is a comparison told? A table for each metric, and a line for each target. */
import { shown, summarize } from '../statistics.ts';
import { markdownTable } from '../table.ts';
import type { Contender, Measured, Metric } from './measure.ts';
import { METRICS } from './measure.ts';
import { bytes, fine, pairedRatios, wordsOf } from './targets.ts';

type Row = Pick<Contender, 'name' | 'way'>;

/** Median and extremes of every contender, and of ours to it: pairs of the same way. */
export function metricTable(
  metric: Metric,
  contenders: readonly Row[],
  measured: readonly Measured[],
  fastest: string,
): string {
  const isMemory = metric.startsWith('rss');
  const rows = contenders.flatMap(({ name, way }) => {
    const found = measured.find((each) => each.contender === name && each.metric === metric);
    if (found === undefined) return [];
    const reference = `${fastest}, ${way}`;
    const ratios = name === reference ? [] : pairedRatios(measured, reference, name, metric);
    const values = cells(found.rounds.filter(Number.isFinite), isMemory ? bytes : shown);
    return [[name, ...values, ...cells(ratios, fine)]];
  });
  const head = [`${wordsOf(metric)}${isMemory ? '' : ', µs'}`, 'median', 'min-max'];
  return markdownTable([...head, 'ours / it', 'min-max'], rows);
}

/** Median, and the extremes where there are several. */
function cells(values: readonly number[], tell: (value: number) => string): [string, string] {
  if (values.length === 0) return ['', ''];
  const { median, min, max } = summarize(values);
  return [tell(median), values.length === 1 ? '' : `${tell(min)}-${tell(max)}`];
}

export function allTables(
  contenders: readonly Row[],
  measured: readonly Measured[],
  fastest: string,
): string {
  return METRICS.filter((metric) => measured.some((each) => each.metric === metric))
    .map((metric) => metricTable(metric, contenders, measured, fastest))
    .join('\n');
}
