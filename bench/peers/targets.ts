/** What was promised against whom, and was it kept? A table, judged by medians of paired ratios. */
import { percentile, shown } from '../statistics.ts';
import type { Measured, Metric } from './measure.ts';
import { MANY_WORKERS, nameOf, ROAMING } from './ours.ts';

/** A contender's name; `fastest` and what follows it stand for the fastest transport there is. */
type Who = string;

interface Promised {
  readonly what: string;
  readonly who: Who;
  /** Undefined: `most` is an amount and not a ratio. */
  readonly against: Who | undefined;
  readonly metric: Metric;
  readonly most: number;
}

const PASSED = 'fastest, passed through';
const TRANSLATED = 'fastest, translated';
const MIB = 1_048_576;
const KIB = 1_024;

const METRIC_WORDS: Readonly<Record<Metric, string>> = {
  'cpu-1kb': 'CPU per request, 1 KB',
  'cpu-100kb': 'CPU per request, 100 KB',
  'cpu-event': 'CPU per event, saturated',
  'age-p50': 'event latency p50, saturated',
  'age-p99': 'event latency p99, saturated',
  'cpu-paced': 'CPU per event, paced',
  'added-p50-1kb': 'added latency p50, 1 KB',
  'added-p99-1kb': 'added latency p99, 1 KB',
  'added-p50-100kb': 'added latency p50, 100 KB',
  'added-p99-100kb': 'added latency p99, 100 KB',
  'rss-idle': 'memory idle',
  'rss-load': 'memory after the load',
  'rss-stream': 'memory per live stream',
};
export const wordsOf = (metric: Metric): string => METRIC_WORDS[metric];

const row = (who: Who, against: Who | undefined, metric: Metric, most: number): Promised => ({
  what: `${who}${against === undefined ? '' : ` / ${against}`}: ${METRIC_WORDS[metric]}`,
  who,
  against,
  metric,
  most,
});

export const TARGETS: readonly Promised[] = [
  row(PASSED, 'bare http.request', 'cpu-1kb', 0.7),
  row(PASSED, 'bare http.request', 'cpu-100kb', 0.8),
  row(`${nameOf('http')}, passed through`, 'bare http.request', 'cpu-1kb', 1.2),
  row(`${nameOf('http')}, passed through`, 'bare http.request', 'cpu-100kb', 1.2),
  row(PASSED, 'nginx', 'cpu-1kb', 4),
  row(PASSED, 'nginx', 'cpu-100kb', 2.5),
  row(PASSED, 'nginx', 'cpu-event', 1.2),
  row(PASSED, 'http-proxy', 'cpu-1kb', 0.5),
  row(PASSED, '@fastify/reply-from', 'cpu-1kb', 0.35),
  row(PASSED, 'fast-proxy', 'cpu-1kb', 0.6),
  row(PASSED, 'Portkey', 'cpu-1kb', 1 / 30),
  row(PASSED, 'Portkey', 'cpu-100kb', 1 / 20),
  row(PASSED, 'Portkey', 'cpu-event', 1 / 2.5),
  row(TRANSLATED, 'claude-code-router', 'cpu-1kb', 1 / 20),
  row(TRANSLATED, 'claude-code-router', 'cpu-100kb', 1 / 60),
  row(TRANSLATED, 'claude-code-router', 'cpu-event', 1 / 3.5),
  row(TRANSLATED, 'claude-code-router', 'age-p50', 1 / 20),
  row(TRANSLATED, PASSED, 'cpu-paced', 1.1),
  row(`${MANY_WORKERS}, passed through`, `${ROAMING}, passed through`, 'cpu-1kb', 1.25),
  row(PASSED, 'nginx', 'added-p50-1kb', 1.5),
  row(PASSED, undefined, 'rss-stream', 35 * KIB),
  row(TRANSLATED, undefined, 'rss-stream', 35 * KIB),
  row(PASSED, undefined, 'rss-idle', 60 * MIB),
];

export interface Judged {
  readonly what: string;
  readonly unit: 'ratio' | 'bytes';
  /** Undefined where one of the two was not measured. */
  readonly value: number | undefined;
  readonly min: number;
  readonly max: number;
  readonly most: number;
  readonly pass: boolean;
}

/** Paired: the ratio of each round, for two contenders or for one against 1. */
export function pairedRatios(
  measured: readonly Measured[],
  who: string,
  against: string | undefined,
  metric: Metric,
): number[] {
  const of = (name: string) =>
    measured.find((each) => each.contender === name && each.metric === metric)?.rounds ?? [];
  const below = against === undefined ? undefined : of(against);
  return of(who)
    .map((value, at) => (below === undefined ? value : value / (below[at] ?? Number.NaN)))
    .filter(Number.isFinite);
}

/** `fastest`: what that word stands for, as `ours, native`. */
export function judge(measured: readonly Measured[], fastest: string): Judged[] {
  const named = (who: Who | undefined) => who?.replace(/^fastest/, fastest);
  return TARGETS.map(({ what, who, against, metric, most }) => {
    const ratios = pairedRatios(measured, named(who) ?? '', named(against), metric);
    const value = ratios.length === 0 ? undefined : percentile(ratios, 50);
    const [min, max] = [percentile(ratios, 0), percentile(ratios, 100)];
    const unit = against === undefined ? 'bytes' : 'ratio';
    return { what, unit, value, min, max, most, pass: value !== undefined && value <= most };
  });
}

/** `PASS  fastest / nginx: …: 3.12 (2.90-3.40), at most 4.00` */
export function judgedLine({ what, unit, value, min, max, most, pass }: Judged): string {
  const tell = unit === 'bytes' ? bytes : fine;
  if (value === undefined) return `----  ${what}: not measured, at most ${tell(most)}`;
  const spread = min === max ? '' : ` (${tell(min)}-${tell(max)})`;
  return `${pass ? 'PASS' : 'MISS'}  ${what}: ${tell(value)}${spread}, at most ${tell(most)}`;
}

/** Ratios below a tenth need more digits. */
export const fine = (ratio: number): string =>
  Math.abs(ratio) < 0.1 ? ratio.toFixed(4) : shown(ratio);

/** Bytes in a unit that suits them. */
export const bytes = (value: number): string =>
  value >= MIB ? `${shown(value / MIB)} MiB` : `${shown(value / KIB)} KiB`;
