/**
 * What does a request cost the proxy when there is always a next one? Processor time of its process
 * per request (JSON) or per event (SSE), and how many are answered per second.
 */
import { shown, shownSummary, summarize } from '../statistics.ts';
import { markdownTable } from '../table.ts';
import type { Size } from './bodies.ts';
import { cpuUs } from './process-cost.ts';
import { interleave } from './rounds.ts';
import type { Bench, Section } from './section.ts';
import type { Variant } from './variants.ts';

const CONNECTIONS = 32;
/** Requests that find out how fast a variant is. */
const FIRST_AMOUNT = 64;
const MAX_AMOUNT = 500_000;

interface Load {
  readonly name: string;
  readonly size: Size;
  readonly stream: boolean;
  /** What a request holds of what is counted: itself, or its events. */
  readonly unitsPerRequest: number;
}

interface Cost {
  /** NaN for the direct way: there is no proxy. */
  readonly cpuUsPerUnit: number;
  readonly unitsPerSecond: number;
  readonly faults: number;
}

interface Measured {
  readonly load: string;
  readonly variant: string;
  readonly rounds: readonly Cost[];
}

const JSON_LOADS: readonly Load[] = [
  { name: '1 KB', size: '1 KB', stream: false, unitsPerRequest: 1 },
  { name: '100 KB', size: '100 KB', stream: false, unitsPerRequest: 1 },
];

export async function jsonSection(bench: Bench): Promise<Section> {
  const measured = await measureLoads(bench, JSON_LOADS);
  return sectionOf('CPU of the proxy per JSON request', 'request', measured);
}

/** `events`: content deltas of one stream. */
export async function sseSection(bench: Bench, events: number): Promise<Section> {
  const load = { name: `${events} events`, size: '1 KB', stream: true } as const;
  const measured = await measureLoads(bench, [{ ...load, unitsPerRequest: events }]);
  return sectionOf('CPU of the proxy per SSE event, saturated', 'event', measured);
}

async function measureLoads(bench: Bench, loads: readonly Load[]): Promise<Measured[]> {
  const measured: Measured[] = [];
  for (const load of loads) {
    const amounts = new Map<Variant, number>();
    const results = await interleave(bench.variants, bench.extent, (variant) =>
      measureOne(bench, load, variant, amounts),
    );
    for (const [at, { name: variant }] of bench.variants.entries()) {
      measured.push({ load: load.name, variant, rounds: results[at] ?? [] });
    }
  }
  return measured;
}

/** The first time, a few requests find out how many fill the time, and those then warm up. */
async function measureOne(
  bench: Bench,
  load: Load,
  variant: Variant,
  amounts: Map<Variant, number>,
): Promise<Cost> {
  const known = amounts.get(variant);
  if (known !== undefined) return send(bench, load, variant, amounts, known);
  await send(bench, load, variant, amounts, FIRST_AMOUNT);
  return send(bench, load, variant, amounts, amounts.get(variant) ?? FIRST_AMOUNT);
}

async function send(
  bench: Bench,
  load: Load,
  variant: Variant,
  amounts: Map<Variant, number>,
  amount: number,
): Promise<Cost> {
  const target = variant.target('fast', load.size, load.stream);
  const before = variant.pid === undefined ? Number.NaN : cpuUs(variant.pid);
  const command = { kind: 'saturate', target, connections: CONNECTIONS, amount } as const;
  const { count, faults, seconds } = await bench.client.do(command);
  const after = variant.pid === undefined ? Number.NaN : cpuUs(variant.pid);
  const wanted = Math.ceil((count / seconds) * bench.extent.seconds);
  amounts.set(variant, Math.min(MAX_AMOUNT, Math.max(CONNECTIONS, wanted)));
  const units = count * load.unitsPerRequest;
  return { cpuUsPerUnit: (after - before) / units, unitsPerSecond: units / seconds, faults };
}

function sectionOf(title: string, unit: string, measured: readonly Measured[]): Section {
  const rows = measured.map(({ load, variant, rounds }) => {
    const cpu = summarize(rounds.map(({ cpuUsPerUnit }) => cpuUsPerUnit));
    const rate = summarize(rounds.map(({ unitsPerSecond }) => unitsPerSecond));
    return [`${load}, ${variant}`, shown(cpu.median), spread(cpu.min, cpu.max), shownSummary(rate)];
  });
  const head = ['variant', `CPU µs/${unit}, median`, 'min-max', `${unit}s/s`];
  const faults = measured
    .flatMap(({ rounds }) => rounds)
    .reduce((sum, each) => sum + each.faults, 0);
  return { title, text: markdownTable(head, rows), data: measured, verdicts: [], faults };
}

function spread(min: number, max: number): string {
  return Number.isNaN(min) ? '-' : `${shown(min)}-${shown(max)}`;
}
