/** The cost of a request against what surrounds it: its own bytes, and what else there is. */
import { setTimeout as sleep } from 'node:timers/promises';
import { bodyOf, type Endpoint } from '../load/bodies.ts';
import type { Target } from '../load/messages.ts';
import { cpuUs } from '../load/process-cost.ts';
import { type ConfigOptions, HELD_MODEL, modelOf, proxyConfig } from '../load/proxy-config.ts';
import { HEADERS, PATHS } from '../load/variants.ts';
import type { Curve, GrowthBench, Line } from './curve.ts';

const KIB = 1_024;
const CONNECTIONS = 32;
/** Before anything counts: what is measured is compiled code. */
const WARM_REQUESTS = { small: 1_500, large: 200 };
const SMALL_BYTES = 16 * KIB;
const WAYS = [
  { name: 'passed through', endpoint: 'openai' },
  { name: 'translated', endpoint: 'anthropic' },
] as const;

interface Running {
  readonly url: string;
  readonly pid: number;
}

/** One point of one line. */
interface Spot {
  readonly line: string;
  readonly x: number;
  readonly proxy: Running;
  readonly target: Target;
  readonly connections: number;
}

const targetOf = (proxy: Running, endpoint: Endpoint, bytes: number): Target => ({
  url: proxy.url + PATHS[endpoint],
  headers: HEADERS,
  body: bodyOf(endpoint, bytes, modelOf('fast'), false),
});

function start({ processes, transport, upstreams }: GrowthBench, options: ConfigOptions = {}) {
  return processes.program(proxyConfig(transport, upstreams, options));
}

function warmRequests({ target, connections }: Spot): number {
  const { small, large } = WARM_REQUESTS;
  return Math.max(connections, target.body.length <= SMALL_BYTES ? small : large);
}

/** All spots in turn, round after round, after a round that warms up and finds the amounts. */
async function measureSpots(x: GrowthBench, spots: readonly Spot[]): Promise<Line[]> {
  const lines = new Map<string, Map<number, number[]>>();
  const amounts = new Map(spots.map((spot) => [spot, warmRequests(spot)]));
  for (let round = 0; round <= x.rounds; round++) {
    for (const spot of spots) {
      const { target, connections, proxy } = spot;
      const amount = amounts.get(spot) ?? 0;
      const before = cpuUs(proxy.pid);
      const { count, faults, seconds } = await x.client.do({
        kind: 'saturate',
        target,
        connections,
        amount,
      });
      if (faults > 0) throw new Error(`${spot.line}, ${spot.x}: ${faults} wrong answers`);
      const cost = (cpuUs(proxy.pid) - before) / count;
      amounts.set(spot, Math.max(connections, Math.ceil((count / seconds) * x.seconds)));
      const points = lines.get(spot.line) ?? new Map<number, number[]>();
      lines.set(spot.line, points);
      points.set(spot.x, [...(points.get(spot.x) ?? []), ...(round === 0 ? [] : [cost])]);
    }
  }
  return [...lines].map(([name, points]) => ({
    name,
    points: [...points].map(([at, rounds]) => ({ x: at, rounds })),
  }));
}

const REQUEST = 'CPU µs per request';

export const bodySize: Curve = {
  name: 'body size',
  cost: REQUEST,
  x: 'bytes of the request',
  logY: true,
  async measure(x) {
    const proxy = await start(x);
    const sizes = [1, 4, 16, 64, 256, 1_024].map((kib) => kib * KIB);
    const spots = WAYS.flatMap(({ name, endpoint }) =>
      sizes.map((bytes) => ({
        line: name,
        x: bytes,
        proxy,
        target: targetOf(proxy, endpoint, bytes),
        connections: CONNECTIONS,
      })),
    );
    const lines = await measureSpots(x, spots);
    await x.processes.end(proxy.pid);
    return lines;
  },
};

export const connectionCount: Curve = {
  name: 'connections',
  cost: REQUEST,
  x: 'connections at once, 1 KB each',
  async measure(x) {
    const proxy = await start(x);
    const spots = WAYS.flatMap(({ name, endpoint }) =>
      [1, 4, 16, 64, 256, 1_000].map((connections) => ({
        line: name,
        x: connections,
        proxy,
        target: targetOf(proxy, endpoint, KIB),
        connections,
      })),
    );
    const lines = await measureSpots(x, spots);
    await x.processes.end(proxy.pid);
    return lines;
  },
};

/** A proxy for each size of its configuration. */
const configured = (
  name: string,
  x: string,
  sizes: readonly number[],
  options: (size: number) => ConfigOptions,
): Curve => ({
  name,
  cost: REQUEST,
  x,
  async measure(bench) {
    const spots: Spot[] = [];
    for (const size of sizes) {
      const proxy = await start(bench, options(size));
      const target = targetOf(proxy, 'openai', KIB);
      const spot = { line: 'passed through', x: size, proxy, target };
      spots.push({ ...spot, connections: CONNECTIONS });
    }
    const lines = await measureSpots(bench, spots);
    for (const { proxy } of spots) await bench.processes.end(proxy.pid);
    return lines;
  },
});

export const keyCount = configured(
  'keys',
  'keys of the provider (least_used)',
  [1, 4, 16, 64, 256, 1_024, 4_096],
  (keys) => ({ keys }),
);

export const modelCount = configured(
  'models',
  'models of the provider',
  [1, 8, 64, 512],
  (models) => ({ models }),
);

const LOOK_MS = 100;
const MOST_LOOKS = 600;

export const waitingCount: Curve = {
  name: 'waiting requests',
  cost: REQUEST,
  x: 'requests of another model that wait for room',
  linearX: true,
  async measure(x) {
    const lines: Line[] = [];
    for (const amount of [0, 100, 1_000, 4_000, 8_000]) {
      const proxy = await start(x, { held: true });
      const body = (stream: boolean) => bodyOf('openai', KIB, HELD_MODEL, stream);
      const target = { url: proxy.url + PATHS.openai, headers: HEADERS, body: body(true) };
      await x.client.do({ kind: 'open', target, streams: 1 });
      await x.client.do({ kind: 'hold', target: { ...target, body: body(false) }, amount });
      await waitingAre(proxy.url, amount);
      const fast = targetOf(proxy, 'openai', KIB);
      const spot = { line: 'passed through', x: amount, proxy, target: fast };
      lines.push(...(await measureSpots(x, [{ ...spot, connections: CONNECTIONS }])));
      await x.client.do({ kind: 'close' });
      await x.processes.end(proxy.pid);
    }
    return [{ name: 'passed through', points: lines.flatMap(({ points }) => points) }];
  },
};

/** Waits until the proxy says that so many wait. */
async function waitingAre(url: string, amount: number): Promise<void> {
  for (let look = 0; look < MOST_LOOKS; look++) {
    const text = await (await fetch(`${url}/metrics`)).text();
    const depths = [...text.matchAll(/^cooldown_queue_depth\{.*\} (\d+)$/gm)];
    if (depths.reduce((sum, [, depth]) => sum + Number(depth), 0) >= amount) return;
    await sleep(LOOK_MS);
  }
  throw new Error(`${amount} requests never waited`);
}
