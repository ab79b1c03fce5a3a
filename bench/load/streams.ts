/**
 * `make load SCENARIO=streams STREAMS=5000`: does one thread carry that many streams?
 *
 * Numbered deltas through the proxy, half of the streams translated, a tenth as many straight to
 * the upstream for comparison. STREAMS (5000), EVERY_MS (1000, between two deltas of a stream),
 * SECONDS (10), TRANSPORT. Judged: every delta, in order; p99 of the event loop's lag.
 */
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { numberFrom } from '../settings.ts';
import type { SoakCommand } from '../soak/client-process.ts';
import type { Seen, StreamTarget } from '../soak/streams.ts';
import { shown } from '../statistics.ts';
import { markdownTable } from '../table.ts';
import { cpuUs, rssBytes } from './process-cost.ts';
import type { Processes } from './processes.ts';
import { modelOf, proxyConfig, type TransportName } from './proxy-config.ts';
import { PATHS } from './variants.ts';

/** Its name on the command line. */
export const STREAMS = 'streams';

/** Longer than a run. */
const EVENTS = 1_000_000;
const DIRECT_SHARE = 0.1;
const MAX_LAG_P99_MS = 50;
/** Of what should come in the time: the clock of a window and of the upstream are not one. */
const LEAST_DELIVERED = 0.95;
const ANSWER_TIMEOUT_MS = 120_000;
const SETTLE_MS = 1_500;
const US_PER_MS = 1_000;
const MS_PER_S = 1_000;
const KIB = 1_024;
const MIB = 2 ** 20;
/** Descriptors that the proxy needs beside two for each stream. */
const SPARE_FILES = 200;

export interface StreamsOptions {
  readonly streams: number;
  readonly everyMs: number;
  readonly seconds: number;
  readonly transport: TransportName;
}

export interface StreamsResult {
  /** Deltas that came through the proxy, and how many should have. */
  readonly events: number;
  readonly expected: number;
  readonly faults: number;
  readonly shownFaults: readonly string[];
  readonly cpuUsPerEvent: number;
  /** Of a delta from the upstream's write to the client: straight, passed through, translated. */
  readonly p50Us: readonly number[];
  readonly p99Us: readonly number[];
  readonly idleBytes: number;
  readonly liveBytes: number;
  readonly lagP99Ms: number;
}

/** Opens the streams, waits until they are settled, and looks at them for a while. */
export async function measureStreams(
  processes: Processes,
  { streams, everyMs, seconds, transport }: StreamsOptions,
): Promise<StreamsResult> {
  const args = [String(everyMs), String(EVENTS)];
  const [upstream, url] = await processes.child<string>('../soak/upstream-process.ts', args);
  const [client] = await processes.child<string>('../soak/client-process.ts', []);
  const all = { fast: url, paced: url, stamped: url, flood: url, slow: url };
  const proxy = await processes.program(proxyConfig(transport, all));
  try {
    await sleep(SETTLE_MS);
    const idleBytes = rssBytes(proxy.pid);
    const openings = tell(client, { kind: 'open', targets: targetsOf(streams, url, proxy.url) });
    const opened = faultsOf(await openings);
    await sleep(SETTLE_MS + everyMs);
    const before = faultsOf(await tell(client, { kind: 'look' }));
    await lagP99Ms(proxy.url); // what it tells next is about the time from here
    const [fromUs, startedMs] = [cpuUs(proxy.pid), performance.now()];
    await sleep(seconds * MS_PER_S);
    const seen = await tell(client, { kind: 'look' });
    const [toUs, tookMs] = [cpuUs(proxy.pid), performance.now() - startedMs];
    const lag = await lagP99Ms(proxy.url);
    const events = seen.slice(1).reduce((sum, each) => sum + each.events, 0);
    const faults = [...opened, ...before, ...faultsOf(seen)];
    return {
      events,
      expected: Math.floor((streams * tookMs) / everyMs),
      faults: faults.length,
      shownFaults: faults.slice(0, 3),
      cpuUsPerEvent: (toUs - fromUs) / events,
      p50Us: seen.map(({ p50Us }) => p50Us),
      p99Us: seen.map(({ p99Us }) => p99Us),
      idleBytes,
      liveBytes: rssBytes(proxy.pid),
      lagP99Ms: lag,
    };
  } finally {
    for (const pid of [client.pid, proxy.pid, upstream.pid]) await processes.end(pid ?? 0);
  }
}

/** Straight, passed through, translated. */
function targetsOf(streams: number, upstream: string, proxy: string): StreamTarget[] {
  const messages = [{ role: 'user', content: 'Count.' }];
  const body = JSON.stringify({
    model: modelOf('paced'),
    max_tokens: 1_024,
    stream: true,
    messages,
  });
  const passed = Math.ceil(streams / 2);
  const direct = Math.max(1, Math.round(streams * DIRECT_SHARE));
  const about = { body, events: EVENTS };
  return [
    { ...about, url: `${upstream}/chat/completions`, streams: direct },
    { ...about, url: proxy + PATHS.openai, streams: passed },
    { ...about, url: proxy + PATHS.anthropic, streams: streams - passed },
  ];
}

async function tell(client: ChildProcess, command: SoakCommand): Promise<Seen[]> {
  const signal = AbortSignal.timeout(ANSWER_TIMEOUT_MS);
  const answered = once(client, 'message', { signal });
  client.send(command);
  return ((await answered) as [Seen[]])[0];
}

/** In words, as many as there were. */
const faultsOf = (seen: readonly Seen[]): string[] =>
  seen.flatMap(({ faults, shown: words }) =>
    Array.from({ length: faults }, (_, at) => words[at] ?? 'the like'),
  );

/** Of the event loop, since the metrics were asked for the last time. */
async function lagP99Ms(url: string): Promise<number> {
  const text = await (await fetch(`${url}/metrics`)).text();
  return Number(/^nodejs_eventloop_lag_p99_seconds (\S+)$/m.exec(text)?.[1]) * MS_PER_S;
}

export interface StreamsVerdict {
  readonly what: string;
  readonly pass: boolean;
}

export function streamsVerdicts({ events, expected, faults, lagP99Ms: lag }: StreamsResult) {
  const complete = faults === 0 && events >= LEAST_DELIVERED * expected;
  const limit = `at most ${MAX_LAG_P99_MS} ms`;
  const verdicts: StreamsVerdict[] = [
    { what: `every delta, in order: ${events} of ${expected}, ${faults} faults`, pass: complete },
    { what: `event loop lag p99: ${shown(lag)} ms, ${limit}`, pass: lag <= MAX_LAG_P99_MS },
  ];
  return verdicts;
}

/** Files that a process may have open; NaN where the system does not tell. */
function mostFiles(): number {
  try {
    const limits = readFileSync('/proc/self/limits', 'utf8');
    return Number(/^Max open files +\S+ +(\d+)/m.exec(limits)?.[1]);
  } catch {
    return Number.NaN;
  }
}

/** Gives the exit code. Throws a RangeError when so many descriptors are not allowed. */
export async function streamsScenario(
  processes: Processes,
  transport: TransportName,
): Promise<number> {
  const streams = Math.round(numberFrom('STREAMS', 5_000));
  const needed = 2 * streams + SPARE_FILES;
  if (mostFiles() < needed) {
    throw new RangeError(`STREAMS=${streams} takes ${needed} open files: raise ulimit -Hn`);
  }
  const options = { streams, everyMs: numberFrom('EVERY_MS', 1_000), transport };
  const result = await measureStreams(processes, {
    ...options,
    seconds: numberFrom('SECONDS', 10),
  });
  const ms = (us: number | undefined) => shown((us ?? Number.NaN) / US_PER_MS);
  const rows = ['direct', 'passed through', 'translated'].map((name, at) => {
    const added = (result.p99Us[at] ?? Number.NaN) - (result.p99Us[0] ?? 0);
    return [name, ms(result.p50Us[at]), ms(result.p99Us[at]), at === 0 ? '' : ms(added)];
  });
  const say = (text: string) => process.stdout.write(`${text}\n`);
  say(`${streams} streams, a delta every ${options.everyMs} ms each, one thread, ${transport}\n`);
  say(markdownTable(['a delta on its way', 'p50 ms', 'p99 ms', 'added p99 ms'], rows));
  const each = (result.liveBytes - result.idleBytes) / streams / KIB;
  const [idle, live] = [result.idleBytes, result.liveBytes].map((bytes) => shown(bytes / MIB));
  say(`memory: ${idle} MiB idle, ${live} MiB with the streams (${shown(each)} KiB each)`);
  say(`processor: ${shown(result.cpuUsPerEvent)} µs per delta`);
  for (const word of result.shownFaults) say(`fault: ${word}`);
  const verdicts = streamsVerdicts(result);
  for (const { what, pass } of verdicts) say(`${pass ? 'PASS' : 'FAIL'}  ${what}`);
  const folder = new URL('../results/', import.meta.url);
  mkdirSync(folder, { recursive: true });
  const file = new URL(`streams-${new Date().toISOString().replaceAll(':', '-')}.json`, folder);
  writeFileSync(file, `${JSON.stringify({ ...options, result }, null, 2)}\n`);
  return verdicts.every(({ pass }) => pass) ? 0 : 1;
}
