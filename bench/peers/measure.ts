/**
 * What does each contender cost, round by round? All of them in turn within a round, every second
 * round the other way about, so that whatever else the machine does strikes all alike.
 *
 * Must stay true: a value stands at the same place of its list as those of the same round; what
 * could not be measured is NaN, and never left out.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Size } from '../load/bodies.ts';
import type { ClientAnswer, ClientCommand, Target } from '../load/messages.ts';
import { treeCpuUs } from '../load/process-cost.ts';
import type { Client } from '../load/processes.ts';
import type { Extent } from '../load/rounds.ts';
import { percentile } from '../statistics.ts';
import type { RunningPeer, Way } from './peer.ts';

/** One way through one running program. */
export interface Contender {
  /** `nginx`, or `ours, native, translated`. */
  readonly name: string;
  readonly peer: string;
  readonly way: Way;
  readonly running: RunningPeer;
}

/** Values by round. Times in µs, memory in bytes; added latency is over the direct way. */
export const METRICS = [
  'cpu-1kb',
  'cpu-100kb',
  'cpu-event',
  'age-p50',
  'age-p99',
  'cpu-paced',
  'added-p50-1kb',
  'added-p99-1kb',
  'added-p50-100kb',
  'added-p99-100kb',
  'rss-idle',
  'rss-load',
  'rss-stream',
] as const;
export type Metric = (typeof METRICS)[number];

export type Values = Partial<Readonly<Record<Metric, number>>>;

/** What one contender gave in every counted round. */
export interface Measured {
  readonly contender: string;
  readonly metric: Metric;
  readonly rounds: readonly number[];
}

/** Something that is measured at once, and gives one or several metrics. */
interface Measurement {
  readonly what: string;
  readonly metrics: readonly Metric[];
  run(x: Bench, contender: Contender): Promise<Values & { readonly faults: number }>;
}

export interface Bench {
  readonly client: Client;
  readonly contenders: readonly Contender[];
  readonly extent: Extent;
  /** The upstream itself, for latencies. */
  readonly direct: (size: Size) => Target;
  readonly told: (line: string) => void;
}

export interface Outcome {
  readonly measured: readonly Measured[];
  /** Wrong answers by contender; nobody who had none. */
  readonly faults: Readonly<Record<string, number>>;
}

const CONNECTIONS = 32;
const FIRST_AMOUNT = 64;
const MAX_AMOUNT = 500_000;
/** What is measured is compiled code: so many requests, events, or seconds go before. */
const WARM_REQUESTS: Readonly<Record<Size, number>> = {
  '1 KB': 10_000,
  '50 KB': 600,
  '100 KB': 400,
  '400 KB': 100,
};
const WARM_EVENTS = 20_000;
const MOST_WARM_SECONDS = 6;
/** Of one measurement, as far as it takes less than so many times its length. */
const LEAST_REQUESTS = 200;
const LEAST_EVENTS = 4_000;
const MOST_STRETCH = 4;
const PACED_STREAMS = 50;
const PINGS = 400;
const SETTLE_MS = 100;

/** What a warm-up of each contender has found out. */
interface Known {
  readonly amounts: Map<Size, number>;
  flooded: boolean;
}
const known = new WeakMap<Contender, Known>();

function knownOf(contender: Contender): Known {
  const found = known.get(contender) ?? { amounts: new Map(), flooded: false };
  known.set(contender, found);
  return found;
}

const saturated = (metric: Metric, size: Size): Measurement => ({
  what: `JSON, ${size}, ${CONNECTIONS} connections`,
  metrics: [metric],
  async run(x, contender) {
    const target = contender.running.target(contender.way, 'fast', size, false);
    const { amounts } = knownOf(contender);
    const command = { kind: 'saturate', target, connections: CONNECTIONS } as const;
    const { seconds } = x.extent;
    const amount = amounts.get(size) ?? (await warmUp(x.client, command, size, seconds));
    const { answer, cpuUs } = await priced(x, contender, { ...command, amount });
    amounts.set(size, amountFor(answer, seconds));
    return { [metric]: cpuUs / answer.count, faults: answer.faults };
  },
});

/** Gives the requests that fill a measurement. */
async function warmUp(
  client: Client,
  command: Omit<Extract<ClientCommand, { readonly kind: 'saturate' }>, 'amount'>,
  size: Size,
  seconds: number,
): Promise<number> {
  let [done, spent, amount] = [0, 0, FIRST_AMOUNT];
  while (done < WARM_REQUESTS[size] && spent < MOST_WARM_SECONDS) {
    const answer = await client.do({ ...command, amount });
    done += amount;
    spent += answer.seconds;
    amount = amountFor(answer, seconds);
  }
  return amount;
}

/** As many as take so long, and some more where that would be few. */
function amountFor({ count, seconds: took }: ClientAnswer, seconds: number): number {
  const perSecond = count / took || 0;
  const least = Math.min(LEAST_REQUESTS, perSecond * seconds * MOST_STRETCH);
  const wanted = Math.max(perSecond * seconds, least, CONNECTIONS);
  return Math.min(MAX_AMOUNT, Math.ceil(wanted));
}

const flooded: Measurement = {
  what: `SSE, ${CONNECTIONS} streams, the next event always ready`,
  metrics: ['cpu-event', 'age-p50', 'age-p99'],
  async run(x, contender) {
    const target = contender.running.target(contender.way, 'flood', '1 KB', true);
    const about = knownOf(contender);
    const forMs = x.extent.seconds * 1_000;
    const command = { kind: 'flood', target, streams: CONNECTIONS, forMs } as const;
    if (!about.flooded) {
      const mostMs = MOST_WARM_SECONDS * 1_000;
      await x.client.do({ ...command, atLeast: WARM_EVENTS, mostMs });
      about.flooded = true;
    }
    const limits = { atLeast: LEAST_EVENTS, mostMs: forMs * MOST_STRETCH };
    const { answer, cpuUs } = await priced(x, contender, { ...command, ...limits });
    return {
      'cpu-event': cpuUs / answer.count,
      'age-p50': percentile(answer.latenciesUs, 50),
      'age-p99': percentile(answer.latenciesUs, 99),
      faults: answer.faults,
    };
  },
};

const paced: Measurement = {
  what: `SSE, ${PACED_STREAMS} streams, an event every 10 ms each`,
  metrics: ['cpu-paced'],
  async run({ client, extent }, { running, way }) {
    const target = running.target(way, 'paced', '1 KB', true);
    await client.do({ kind: 'open', target, streams: PACED_STREAMS });
    await sleep(SETTLE_MS);
    const before = treeCpuUs(running.pid);
    const { count: from } = await client.do({ kind: 'count' });
    await sleep(extent.seconds * 1_000);
    const { count: to } = await client.do({ kind: 'count' });
    const after = treeCpuUs(running.pid);
    const { faults } = await client.do({ kind: 'close' });
    await sleep(SETTLE_MS);
    return { 'cpu-paced': (after - before) / (to - from), faults };
  },
};

/** Right before it the direct way, so that the two differ in nothing else. */
const latency = (p50: Metric, p99: Metric, size: Size): Measurement => ({
  what: `latency over one connection, ${size}`,
  metrics: [p50, p99],
  async run({ client, extent, direct }, { running, way }) {
    const withinMs = extent.seconds * 1_000;
    const ping = (target: Target) => client.do({ kind: 'ping', target, amount: PINGS, withinMs });
    const floor = await ping(direct(size));
    const { latenciesUs, faults } = await ping(running.target(way, 'fast', size, false));
    const added = (percent: number) =>
      percentile(latenciesUs, percent) - percentile(floor.latenciesUs, percent);
    return { [p50]: added(50), [p99]: added(99), faults };
  },
});

const MEASUREMENTS: readonly Measurement[] = [
  saturated('cpu-1kb', '1 KB'),
  saturated('cpu-100kb', '100 KB'),
  flooded,
  paced,
  latency('added-p50-1kb', 'added-p99-1kb', '1 KB'),
  latency('added-p50-100kb', 'added-p99-100kb', '100 KB'),
];

/** Runs a command and says what it cost the contender, with all its processes. */
async function priced({ client }: Bench, { running }: Contender, command: ClientCommand) {
  const before = treeCpuUs(running.pid);
  const answer: ClientAnswer = await client.do(command);
  return { answer, cpuUs: treeCpuUs(running.pid) - before };
}

/** A contender that breaks down spoils its own numbers only. */
async function runOrNot(
  measurement: Measurement,
  x: Bench,
  contender: Contender,
): Promise<Values & { readonly faults: number }> {
  try {
    return await measurement.run(x, contender);
  } catch (thrown) {
    x.told(`${contender.name}: ${String(thrown)}`);
    return { faults: 1 };
  }
}

export async function measureAll(x: Bench): Promise<Outcome> {
  const measured: Measured[] = [];
  const faults: Record<string, number> = {};
  for (const measurement of MEASUREMENTS) {
    const lists = new Map(x.contenders.map((each) => [each, [] as Values[]]));
    for (let round = 0; round < x.extent.warmUps + x.extent.rounds; round++) {
      x.told(`${measurement.what}: round ${round + 1 - x.extent.warmUps}`);
      for (const each of round % 2 === 0 ? x.contenders : x.contenders.toReversed()) {
        const values = await runOrNot(measurement, x, each);
        if (values.faults > 0) faults[each.name] = (faults[each.name] ?? 0) + values.faults;
        if (round >= x.extent.warmUps) lists.get(each)?.push(values);
      }
    }
    for (const metric of measurement.metrics) {
      for (const [{ name }, values] of lists) {
        const rounds = values.map((each) => each[metric] ?? Number.NaN);
        measured.push({ contender: name, metric, rounds });
      }
    }
  }
  return { measured, faults };
}
