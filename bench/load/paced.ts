/**
 * What does an event cost when events come one by one? Streams that are written to every 10 ms, as
 * a model does: each event is a read and a write of its own.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { shown, summarize } from '../statistics.ts';
import { markdownTable } from '../table.ts';
import { cpuUs } from './process-cost.ts';
import { interleave } from './rounds.ts';
import type { Bench, Section } from './section.ts';
import type { Variant } from './variants.ts';

const STREAMS = 50;
/** After opening and after closing: what that costs is no event's. */
const SETTLE_MS = 150;

interface Cost {
  readonly cpuUsPerEvent: number;
  readonly eventsPerSecond: number;
  readonly faults: number;
}

export async function pacedSection(bench: Bench): Promise<Section> {
  const proxied = bench.variants.filter(({ pid }) => pid !== undefined);
  const results = await interleave(proxied, bench.extent, (variant) => measureOne(bench, variant));
  const rows = proxied.map(({ name }, at) => {
    const rounds = results[at] ?? [];
    const cpu = summarize(rounds.map(({ cpuUsPerEvent }) => cpuUsPerEvent));
    const rate = summarize(rounds.map(({ eventsPerSecond }) => eventsPerSecond));
    return [name, shown(cpu.median), `${shown(cpu.min)}-${shown(cpu.max)}`, shown(rate.median)];
  });
  return {
    title: `CPU of the proxy per SSE event, ${STREAMS} streams, an event every 10 ms each`,
    text: markdownTable(['variant', 'CPU µs/event, median', 'min-max', 'events/s'], rows),
    data: proxied.map(({ name: variant }, at) => ({ variant, rounds: results[at] })),
    verdicts: [],
    faults: Math.max(0, ...results.flat().map(({ faults }) => faults)),
  };
}

async function measureOne({ client, extent }: Bench, variant: Variant): Promise<Cost> {
  const pid = variant.pid ?? 0;
  const target = variant.target('paced', '1 KB', true);
  await client.do({ kind: 'open', target, streams: STREAMS });
  await sleep(SETTLE_MS);
  const cpuBefore = cpuUs(pid);
  const startedMs = performance.now();
  const before = await client.do({ kind: 'count' });
  await sleep(extent.seconds * 1_000);
  const after = await client.do({ kind: 'count' });
  const cpuAfter = cpuUs(pid);
  const seconds = (performance.now() - startedMs) / 1_000;
  const { faults } = await client.do({ kind: 'close' });
  await sleep(SETTLE_MS);
  const events = after.count - before.count;
  return {
    cpuUsPerEvent: (cpuAfter - cpuBefore) / events,
    eventsPerSecond: events / seconds,
    faults,
  };
}
