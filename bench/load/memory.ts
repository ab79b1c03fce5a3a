/** How much memory does the proxy hold: idle, and for each stream that is under way? */
import { setTimeout as sleep } from 'node:timers/promises';
import { shown } from '../statistics.ts';
import { markdownTable } from '../table.ts';
import { rssBytes } from './process-cost.ts';
import type { Client, RunningProxy } from './processes.ts';
import type { Section } from './section.ts';
import { throughProxy } from './variants.ts';

/** Streams that warm the code up before the ones that are counted. */
const WARM_STREAMS = 100;
const STREAMS = 500;
const SETTLE_MS = 1_000;
const MIB = 1_048_576;
const KIB = 1_024;

interface Memory {
  readonly variant: string;
  readonly idleBytes: number;
  readonly liveBytes: number;
  readonly perStreamBytes: number;
  readonly faults: number;
}

/** `proxies` have served nothing yet. Streams are translated ones, an event every 10 ms each. */
export async function memorySection(
  client: Client,
  proxies: readonly RunningProxy[],
  scale = 1,
): Promise<Section> {
  const measured: Memory[] = [];
  for (const proxy of proxies) measured.push(await measureOne(client, proxy, scale));
  const rows = measured.map(({ variant, idleBytes, liveBytes, perStreamBytes }) => [
    variant,
    shown(idleBytes / MIB),
    shown(liveBytes / MIB),
    shown(perStreamBytes / KIB),
  ]);
  const head = ['variant', 'RSS idle, MiB', `RSS at ${STREAMS + WARM_STREAMS} streams, MiB`];
  return {
    title: 'Memory of the proxy',
    text: markdownTable([...head, 'KiB/stream'], rows),
    data: measured,
    verdicts: [],
    faults: measured.reduce((sum, { faults }) => sum + faults, 0),
  };
}

async function measureOne(client: Client, proxy: RunningProxy, scale: number): Promise<Memory> {
  const variant = throughProxy(proxy, 'anthropic');
  const target = variant.target('paced', '1 KB', true);
  const streams = Math.ceil(STREAMS * scale);
  const idleBytes = rssBytes(proxy.pid);
  await client.do({ kind: 'open', target, streams: Math.ceil(WARM_STREAMS * scale) });
  await sleep(SETTLE_MS * scale);
  const warmBytes = rssBytes(proxy.pid);
  await client.do({ kind: 'open', target, streams });
  await sleep(SETTLE_MS * scale);
  const liveBytes = rssBytes(proxy.pid);
  const { faults } = await client.do({ kind: 'close' });
  const perStreamBytes = (liveBytes - warmBytes) / streams;
  return { variant: variant.name, idleBytes, liveBytes, perStreamBytes, faults };
}
