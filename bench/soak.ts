/**
 * `make soak SECONDS=600 STREAMS=1000`: does the proxy stay as it is under a steady load of
 * streams?
 *
 * Paced streams through the proxy, a tenth as many straight to the upstream in the same process,
 * for comparison. Memory and descriptors must not grow, each delta must arrive in its order, and
 * p99 of what a delta takes may be at most 20 ms above the direct way. Exit code 1 otherwise.
 */
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { rssBytes } from './load/process-cost.ts';
import { Processes } from './load/processes.ts';
import type { SoakCommand } from './soak/client-process.ts';
import type { Seen, StreamTarget } from './soak/streams.ts';
import { isFlat, trendOf } from './soak/trend.ts';
import { percentile, shown } from './statistics.ts';

const seconds = Number(process.env.SECONDS ?? 600);
const streams = Number(process.env.STREAMS ?? 1_000);
/** Between two deltas of a stream. */
const everyMs = Number(process.env.EVERY_MS ?? 200);
const DIRECT_SHARE = 0.1;
/** Deltas of a stream: half a minute of it, then it is opened anew. */
const EVENTS = Math.round(30_000 / everyMs);
const SAMPLES = 60;
/** Before memory is compared: heap and pools find their size, every stream was opened anew. */
const WARM_SECONDS = Math.min(60, seconds / 2);
const MAX_ADDED_P99_MS = 20;
const GROWTH_SHARE = 0.03;
const COMMAND_TIMEOUT_MS = 300_000;
const US_PER_MS = 1_000;
const MIB = 2 ** 20;

const here = (path: string) => fileURLToPath(new URL(path, import.meta.url));
const children: ChildProcess[] = [];

async function start<T>(file: string, ...args: string[]): Promise<[ChildProcess, T]> {
  const child = fork(here(file), args, { execArgv: ['--import', 'tsx'] });
  children.push(child);
  const [message] = await once(child, 'message', { signal: AbortSignal.timeout(30_000) });
  return [child, message as T];
}

/** What the groups saw: straight, passed through, translated. */
async function tell(client: ChildProcess, command: SoakCommand): Promise<Seen[]> {
  const signal = AbortSignal.timeout(COMMAND_TIMEOUT_MS);
  const answered = once(client, 'message', { signal });
  client.send(command);
  return ((await answered) as [Seen[]])[0];
}

const BODY = JSON.stringify({
  model: 'soak',
  max_tokens: 1_024,
  stream: true,
  messages: [{ role: 'user', content: 'Count.' }],
});

function targets(upstream: string, proxy: string): StreamTarget[] {
  const about = { body: BODY, events: EVENTS };
  const half = Math.round(streams / 2);
  const direct = Math.max(1, Math.round(streams * DIRECT_SHARE));
  return [
    { ...about, url: `${upstream}/chat/completions`, streams: direct },
    { ...about, url: `${proxy}/openai/v1/chat/completions`, streams: half },
    { ...about, url: `${proxy}/anthropic/v1/messages`, streams: streams - half },
  ];
}

function configuration(upstream: string): string {
  return `
server: { port: 0 }
providers:
  - name: soak
    preset: generic
    endpoint: ${upstream}
    models: [{ id: soak, context_window: 1000000, max_output_tokens: 8192 }]
    load_balancing:
      api_keys: [{ key: soak-secret, name: one, max_requests_per_minute: 1000000 }]
limits: { max_concurrent: 100000 }
monitoring: { log_level: info, log_format: json }
`;
}

/** Open descriptors of a process; NaN where the system does not tell. */
function descriptors(pid: number): number {
  try {
    return readdirSync(`/proc/${pid}/fd`).length;
  } catch {
    return Number.NaN;
  }
}

function check(what: string, ok: boolean, figures: string): void {
  console.log(`${ok ? 'PASS' : 'FAIL'}  ${what}: ${figures}`);
  if (!ok) process.exitCode = 1;
}

function checkTrend(what: string, values: readonly number[], unit: string): void {
  const trend = trendOf(values);
  const { first, last, noise } = trend;
  const figures = `${shown(first)} -> ${shown(last)} ${unit}, noise ${shown(noise)}`;
  check(`${what} does not grow`, isFlat(trend, GROWTH_SHARE), figures);
}

async function soak(processes: Processes): Promise<void> {
  const [, upstream] = await start<string>('soak/upstream-process.ts', `${everyMs}`, `${EVENTS}`);
  const [client] = await start<string>('soak/client-process.ts');
  const { url, pid } = await processes.program(configuration(upstream));
  console.log(`soak: ${streams} streams, a delta every ${everyMs} ms each, ${seconds} s`);
  await tell(client, { kind: 'open', targets: targets(upstream, url) });
  await sleep(WARM_SECONDS * 1_000);
  await tell(client, { kind: 'look' }); // what the warm-up saw is no result
  const looks: Seen[][] = [];
  const rss: number[] = [];
  const open: number[] = [];
  for (let sample = 0; sample < SAMPLES; sample++) {
    await sleep((seconds * 1_000) / SAMPLES);
    looks.push(await tell(client, { kind: 'look' }));
    rss.push(rssBytes(pid) / MIB);
    open.push(descriptors(pid));
  }
  await tell(client, { kind: 'close' });
  report(looks, rss, open);
}

function report(looks: readonly Seen[][], rss: readonly number[], open: readonly number[]): void {
  const group = (at: number) => looks.map((look) => look[at] as Seen);
  const p99Ms = (at: number) => {
    const all = group(at).map(({ p99Us }) => p99Us);
    return percentile(all, 50) / US_PER_MS;
  };
  const direct = p99Ms(0);
  for (const [at, name] of ['direct', 'passed through', 'translated'].entries()) {
    const sum = (pick: (seen: Seen) => number) =>
      group(at).reduce((all, each) => all + pick(each), 0);
    const events = sum((seen) => seen.events);
    const faults = sum((seen) => seen.faults);
    const words = group(at).flatMap((seen) => seen.shown);
    const figures = `${events} deltas, ${sum((seen) => seen.whole)} whole, ${faults} faults`;
    check(
      `${name}: every delta, in order`,
      faults === 0 && events > 0,
      `${figures} ${words[0] ?? ''}`,
    );
    if (at === 0) continue;
    const added = p99Ms(at) - direct;
    const p99 = `${shown(p99Ms(at))} ms, direct ${shown(direct)} ms`;
    check(`${name}: p99 at most ${MAX_ADDED_P99_MS} ms more`, added <= MAX_ADDED_P99_MS, p99);
  }
  checkTrend('resident memory', rss, 'MiB');
  checkTrend('open descriptors', open, '');
}

const processes = new Processes();
try {
  await soak(processes);
} finally {
  for (const child of children) child.kill('SIGKILL');
  await processes.stop();
}
