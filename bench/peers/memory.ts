/** How much memory does a contender hold: just started, and for each stream that is under way? */
import { setTimeout as sleep } from 'node:timers/promises';
import { treeRssBytes } from '../load/process-cost.ts';
import type { Client } from '../load/processes.ts';
import type { Measured } from './measure.ts';
import type { RunningPeer, Way } from './peer.ts';

/** Streams that warm the code up before the ones that are counted. */
const WARM_STREAMS = 100;
const STREAMS = 400;
const SETTLE_MS = 1_500;

/** `running` has served nothing yet. Streams get an event a second. */
export async function measureMemory(
  client: Client,
  contender: string,
  running: RunningPeer,
  way: Way,
  scale = 1,
): Promise<Measured[]> {
  const settle = () => sleep(SETTLE_MS * Math.min(1, scale));
  const target = running.target(way, 'slow', '1 KB', true);
  await settle();
  const idleBytes = treeRssBytes(running.pid);
  await client.do({ kind: 'open', target, streams: Math.ceil(WARM_STREAMS * scale) });
  await settle();
  const warmBytes = treeRssBytes(running.pid);
  const streams = Math.ceil(STREAMS * scale);
  await client.do({ kind: 'open', target, streams });
  await settle();
  const liveBytes = treeRssBytes(running.pid);
  const { faults } = await client.do({ kind: 'close' });
  const perStreamBytes = faults === 0 ? (liveBytes - warmBytes) / streams : Number.NaN;
  return [
    { contender, metric: 'rss-idle', rounds: [idleBytes] },
    { contender, metric: 'rss-stream', rounds: [perStreamBytes] },
  ];
}
