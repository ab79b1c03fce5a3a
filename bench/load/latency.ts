/**
 * How much later is an answer because of the proxy? Whole JSON answers and single deltas, one
 * request at a time over one connection, against the direct way in the same round.
 */
import { medianRatio, percentile, shown } from '../statistics.ts';
import { markdownTable } from '../table.ts';
import type { ClientAnswer } from './messages.ts';
import { interleave } from './rounds.ts';
import type { Bench, Section, Verdict } from './section.ts';
import type { Variant } from './variants.ts';

/** The promise: the first delta is at the client this long after the upstream wrote it. */
const FIRST_DELTA_MAX_MS = 5;
const US_PER_MS = 1_000;

/** Requests of one measurement, for each second that it may last. */
const PINGS_PER_SECOND = 200;
const STREAMS_PER_SECOND = 40;
const MIN_REQUESTS = 5;

/** One thing that is timed, in µs: one list of samples for each round. */
interface Timed {
  readonly what: string;
  readonly variant: string;
  readonly rounds: readonly (readonly number[])[];
}

export async function latencySection(bench: Bench): Promise<Section> {
  const pings = Math.max(MIN_REQUESTS, PINGS_PER_SECOND * bench.extent.seconds);
  const streams = Math.max(MIN_REQUESTS, STREAMS_PER_SECOND * bench.extent.seconds);
  const run = (measure: (variant: Variant) => Promise<ClientAnswer>) =>
    interleave(bench.variants, bench.extent, measure);
  const { client } = bench;
  const pinged = (size: '1 KB' | '100 KB') =>
    run((variant) => {
      const target = variant.target('fast', size, false);
      return client.do({ kind: 'ping', target, amount: pings });
    });
  const small = await pinged('1 KB');
  const large = await pinged('100 KB');
  const stamped = await run((variant) => {
    const target = variant.target('stamped', '1 KB', true);
    return client.do({ kind: 'stamps', target, amount: streams });
  });
  const timed = [
    ...timedOf(bench, 'JSON answer, 1 KB', small, ({ latenciesUs }) => latenciesUs),
    ...timedOf(bench, 'JSON answer, 100 KB', large, ({ latenciesUs }) => latenciesUs),
    ...timedOf(bench, 'first delta', stamped, ({ latenciesUs }) => latenciesUs),
    ...timedOf(bench, 'further deltas', stamped, ({ furtherUs }) => furtherUs),
  ];
  const all = [...small, ...large, ...stamped].flat();
  return {
    title: 'Latency, one connection (deltas: from the write of the upstream to the client)',
    text: tableOf(timed),
    data: timed.map(summaryOf),
    verdicts: timed.filter(isPromised).map(verdictOf),
    faults: all.reduce((sum, { faults }) => sum + faults, 0),
  };
}

function timedOf(
  { variants }: Bench,
  what: string,
  results: readonly (readonly ClientAnswer[])[],
  pick: (answer: ClientAnswer) => readonly number[],
): Timed[] {
  return variants.map(({ name }, at) => ({
    what,
    variant: name,
    rounds: (results[at] ?? []).map(pick),
  }));
}

/** Medians over the rounds of each round's percentile. */
const over = (rounds: Timed['rounds'], percent: number) =>
  percentile(
    rounds.map((samples) => percentile(samples, percent)),
    50,
  );

function summaryOf({ what, variant, rounds }: Timed) {
  return { what, variant, p50Us: over(rounds, 50), p99Us: over(rounds, 99) };
}

function tableOf(timed: readonly Timed[]): string {
  const rows = timed.map(({ what, variant, rounds }) => {
    const direct = timed.find((each) => each.what === what && each.variant === 'direct');
    const p50s = rounds.map((samples) => percentile(samples, 50));
    const directP50s = direct?.rounds.map((samples) => percentile(samples, 50)) ?? [];
    const added = percentile(p50s, 50) - percentile(directP50s, 50);
    const isDirect = variant === 'direct';
    return [
      `${what}, ${variant}`,
      shown(over(rounds, 50)),
      shown(over(rounds, 99)),
      isDirect ? '' : shown(added),
      isDirect ? '' : `${shown(medianRatio(p50s, directP50s))}x`,
    ];
  });
  return markdownTable(['what', 'p50 µs', 'p99 µs', 'added p50 µs', 'to direct'], rows);
}

const isPromised = ({ what, variant }: Timed) => what === 'first delta' && variant !== 'direct';

function verdictOf({ variant, rounds }: Timed): Verdict {
  const p50Ms = over(rounds, 50) / US_PER_MS;
  return {
    what: `first delta, ${variant}: p50 ${shown(p50Ms)} ms, at most ${FIRST_DELTA_MAX_MS} ms`,
    pass: p50Ms <= FIRST_DELTA_MAX_MS,
  };
}
