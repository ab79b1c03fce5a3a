/**
 * `make load SCENARIO=stall`: how long does nothing else happen while 10 MB are translated?
 *
 * A watcher, loaded into the proxy beside it, looks at the clock on every turn of the event loop.
 * Its longest pause during one Messages request is compared with a bare JSON.parse + stringify of
 * the same body, in a process of the same Node, in the same round. MEGABYTES (10), ROUNDS (9),
 * TRANSPORT (auto). Judged: the median of the ratios is at most 1.5.
 */
import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { numberFrom } from '../settings.ts';
import { medianRatio, shown, shownSummary, summarize } from '../statistics.ts';
import { bodyOf } from './bodies.ts';
import type { Processes } from './processes.ts';
import { modelOf, proxyConfig, type TransportName } from './proxy-config.ts';
import { HEADERS, PATHS } from './variants.ts';

/** Its name on the command line. */
export const STALL = 'stall';

const EVENTS = 10;
const MB = 1e6;
const MAX_RATIO = 1.5;
const LOOK_MS = 5;
const MOST_LOOKS = 2_000;

/** Prints the ms of a few rounds as JSON; the first ones find the code cold, as the proxy is not. */
const BARE = `
  const { readFileSync } = require('node:fs');
  const body = readFileSync(process.argv[1]);
  const times = [];
  for (let round = 0; round < 5; round++) {
    const startedMs = performance.now();
    Buffer.from(JSON.stringify(JSON.parse(body.toString())));
    times.push(performance.now() - startedMs);
  }
  console.log(JSON.stringify(times.slice(2)));
`;

/** On SIGUSR2: the longest pause since the last one, in ms, to a file. */
const watcher = (out: string) => `
  const { renameSync, writeFileSync } = require('node:fs');
  let [lastMs, longestMs] = [performance.now(), 0];
  setInterval(() => {
    const nowMs = performance.now();
    longestMs = Math.max(longestMs, nowMs - lastMs);
    lastMs = nowMs;
  }, 1).unref();
  process.on('SIGUSR2', () => {
    writeFileSync(${JSON.stringify(`${out}.new`)}, String(longestMs));
    renameSync(${JSON.stringify(`${out}.new`)}, ${JSON.stringify(out)});
    longestMs = 0;
  });
`;

export interface StallResult {
  /** ms, one for each round. */
  readonly stallsMs: readonly number[];
  readonly bareMs: readonly number[];
  readonly faults: number;
}

export async function measureStalls(
  processes: Processes,
  transport: TransportName,
  bytes: number,
  rounds: number,
): Promise<StallResult> {
  const upstreams = await processes.upstreams(EVENTS);
  const client = await processes.client();
  const [out, watch, file] = ['stall', 'watch.cjs', 'body.json'].map((name) =>
    join(processes.folder, name),
  ) as [string, string, string];
  const body = bodyOf('anthropic', bytes, modelOf('fast'), false);
  writeFileSync(watch, watcher(out));
  writeFileSync(file, body);
  const flags = ['--require', watch];
  const proxy = await processes.program(proxyConfig(transport, upstreams), { flags });
  const target = { url: proxy.url + PATHS.anthropic, headers: HEADERS, body };
  const [stallsMs, bareMs]: [number[], number[]] = [[], []];
  let faults = 0;
  for (let round = -1; round < rounds; round++) {
    await longestMs(proxy.pid, out);
    faults += (await client.do({ kind: 'ping', target, amount: 1 })).faults;
    const stallMs = await longestMs(proxy.pid, out);
    const printed = execFileSync(process.execPath, ['-e', BARE, file], { encoding: 'utf8' });
    if (round < 0) continue; // it warms up
    stallsMs.push(stallMs);
    bareMs.push(summarize(JSON.parse(printed) as number[]).median);
  }
  return { stallsMs, bareMs, faults };
}

/** The longest pause since the last call. */
async function longestMs(pid: number, out: string): Promise<number> {
  rmSync(out, { force: true });
  process.kill(pid, 'SIGUSR2');
  for (let look = 0; look < MOST_LOOKS; look++) {
    if (existsSync(out)) return Number(readFileSync(out, 'utf8'));
    await sleep(LOOK_MS);
  }
  throw new Error('the watcher in the proxy does not answer');
}

/** Gives the exit code. */
export async function stallScenario(
  processes: Processes,
  transport: TransportName,
): Promise<number> {
  const megabytes = numberFrom('MEGABYTES', 10);
  const rounds = Math.round(numberFrom('ROUNDS', 9));
  const bytes = Math.round(megabytes * MB);
  const { stallsMs, bareMs, faults } = await measureStalls(processes, transport, bytes, rounds);
  const say = (text: string) => process.stdout.write(`${text}\n`);
  say(`${megabytes} MB translated, ${transport}, ${rounds} rounds; ms, median (min-max)`);
  say(`longest pause of the event loop  ${shownSummary(summarize(stallsMs))}`);
  say(`bare JSON.parse + stringify      ${shownSummary(summarize(bareMs))}`);
  const ratio = medianRatio(stallsMs, bareMs);
  const pass = ratio <= MAX_RATIO && faults === 0;
  say(`${pass ? 'PASS' : 'FAIL'}  ${shown(ratio)} times, at most ${MAX_RATIO}; ${faults} faults`);
  return pass ? 0 : 1;
}
