/**
 * `make growth`: does a cost stay what it is when there is more of everything?
 *
 * Cost per request or event against body size, connections, keys, models, waiting requests and
 * streams: as tables with a fitted exponent and a verdict, as JSON in bench/results/, as a chart
 * in CHART (bench/charts/growth.svg). CURVES (parts of their names; default all), ROUNDS (3),
 * SECONDS (0.6, of one measurement), TRANSPORT (auto). Exit 1 when a curve is worse than linear.
 */

import { mkdirSync, writeFileSync } from 'node:fs';
import { cpus } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { asProgram } from './as-program.ts';
import { short } from './axis.ts';
import { chart, type Panel } from './chart.ts';
import type { Curve, GrowthBench, Line } from './curves/curve.ts';
import {
  bodySize,
  connectionCount,
  keyCount,
  modelCount,
  waitingCount,
} from './curves/requests.ts';
import { selection } from './curves/selections.ts';
import { streamCount } from './curves/streams.ts';
import { type Fit, fitGrowth } from './fit.ts';
import { Processes } from './load/processes.ts';
import type { TransportName } from './load/proxy-config.ts';
import { numberFrom } from './settings.ts';
import { percentile, shown } from './statistics.ts';
import { markdownTable } from './table.ts';

const ROOT = fileURLToPath(new URL('../', import.meta.url));
const CURVES: readonly Curve[] = [
  bodySize,
  connectionCount,
  keyCount,
  selection,
  modelCount,
  waitingCount,
  streamCount,
];
const EVENTS = 100;

const say = (text: string) => process.stdout.write(`${text}\n`);
const told = (line: string) => process.stderr.write(`… ${line}\n`);

interface Drawn {
  readonly curve: Curve;
  readonly line: string;
  readonly points: readonly (readonly [number, number])[];
  readonly fit: Fit;
}

const medians = ({ points }: Line) =>
  points.map(({ x, rounds }) => [x, percentile(rounds, 50)] as const);

function chosen(): Curve[] {
  const words = (process.env.CURVES ?? '').split(',').filter((word) => word.trim() !== '');
  const found = CURVES.filter(({ name }) => words.some((word) => name.includes(word.trim())));
  if (words.length === 0) return [...CURVES];
  if (found.length > 0) return found;
  const names = CURVES.map(({ name }) => name).join(', ');
  throw new RangeError(`CURVES: nothing is called ${words.join(', ')}; there are ${names}`);
}

function tellCurve(curve: Curve, drawn: readonly Drawn[]): void {
  const xs = [...new Set(drawn.flatMap(({ points }) => points.map(([x]) => x)))];
  const rows = drawn.map(({ line, points, fit }) => {
    const costs = new Map(points);
    const { exponent, tailExponent, growth } = fit;
    const fitted = `${exponent.toFixed(2)} (end ${tailExponent.toFixed(2)})`;
    return [line, ...xs.map((x) => shown(costs.get(x) ?? Number.NaN)), fitted, growth];
  });
  say(`### ${curve.name}: ${curve.cost}, by ${curve.x}\n`);
  say(markdownTable(['', ...xs.map(short), 'exponent', 'verdict'], rows));
}

const panelOf = (curve: Curve, drawn: readonly Drawn[]): Panel => ({
  title: curve.name,
  x: curve.x,
  y: curve.cost,
  logX: curve.linearX !== true,
  logY: curve.logY ?? false,
  series: drawn.map(({ line, points, fit }) => ({ name: `${line}: ${fit.growth}`, points })),
});

async function measureAll(curves: readonly Curve[], bench: GrowthBench): Promise<Drawn[]> {
  const drawn: Drawn[] = [];
  for (const curve of curves) {
    told(curve.name);
    for (const line of await curve.measure(bench)) {
      const points = medians(line);
      drawn.push({ curve, line: line.name, points, fit: fitGrowth(points) });
    }
    tellCurve(
      curve,
      drawn.filter((each) => each.curve === curve),
    );
  }
  return drawn;
}

function save(drawn: readonly Drawn[], curves: readonly Curve[], transport: string): void {
  const date = new Date().toISOString();
  const of = (curve: Curve) => drawn.filter((each) => each.curve === curve);
  const about = `Node ${process.version}, ${transport}, ${date.slice(0, 10)}`;
  const svg = chart(
    `Cost against growth (${about})`,
    curves.map((curve) => panelOf(curve, of(curve))),
  );
  const file = join(ROOT, process.env.CHART || 'bench/charts/growth.svg');
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, svg);
  const rows = drawn.map(({ curve, line, points, fit }) => ({
    curve: curve.name,
    line,
    points,
    fit,
  }));
  const machine = { node: process.version, processors: cpus().length, model: cpus()[0]?.model };
  const folder = join(ROOT, 'bench/results');
  mkdirSync(folder, { recursive: true });
  const results = join(folder, `growth-${date.replaceAll(':', '-')}.json`);
  writeFileSync(
    results,
    `${JSON.stringify({ date, machine, transport, curves: rows }, null, 2)}\n`,
  );
  say(`chart: ${file.slice(ROOT.length)}`);
}

async function main(): Promise<number> {
  const curves = chosen();
  const transport = (process.env.TRANSPORT || 'auto') as TransportName;
  const processes = new Processes();
  try {
    const bench: GrowthBench = {
      processes,
      upstreams: await processes.upstreams(EVENTS),
      client: await processes.client(),
      transport,
      rounds: numberFrom('ROUNDS', 3),
      seconds: numberFrom('SECONDS', 0.6),
      told,
    };
    const drawn = await measureAll(curves, bench);
    save(drawn, curves, transport);
    const worse = drawn.filter(({ fit }) => fit.growth === 'worse');
    for (const { curve, line } of worse) say(`FAIL  ${curve.name}, ${line}: worse than linear`);
    return worse.length === 0 ? 0 : 1;
  } finally {
    await processes.stop();
  }
}

await asProgram(main);
