/**
 * `make profile CASE=name`: where does the processor time go?
 *
 * CASE is a scenario of `make load` (json, messages-sse, …), `paced` or `messages-paced`: the proxy
 * under that load; or (part of) the name of one micro case. SECONDS (5), TOP (40 rows), CONNECTIONS
 * (32; 50 paced), EVENTS (100) per stream, TRANSPORT. The start and a warm-up are not counted. The
 * .cpuprofile stays in bench/results/, for the profiler of a browser or an editor.
 */

import { execFileSync } from 'node:child_process';
import { mkdirSync, readdirSync, readFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { asProgram } from './as-program.ts';
import { bodyFor } from './load/bodies.ts';
import type { ClientAnswer, Target } from './load/messages.ts';
import { cpuUs } from './load/process-cost.ts';
import { type Client, Processes } from './load/processes.ts';
import { modelOf, type TransportName } from './load/proxy-config.ts';
import { type Scenario as LoadScenario, SCENARIOS } from './load/scenarios.ts';
import { PATHS } from './load/variants.ts';
import { findCases } from './micro-files.ts';
import { type Compiled, compileWithMaps } from './profiles/compiled.ts';
import { type CpuProfile, functionTimes, mergedTimes, type Span } from './profiles/cpu-profile.ts';
import { Places } from './profiles/places.ts';
import { fileTable, functionTable, profileRows } from './profiles/report.ts';
import { numberFrom } from './settings.ts';
import { shown } from './statistics.ts';

type Scenario = LoadScenario & { readonly paced: boolean };

/** Those of `make load`, and streams that are written to every 10 ms, as a model does. */
const PACED = { size: '1 KB', stream: true, paced: true } as const;
const PROFILED: readonly Scenario[] = [
  ...SCENARIOS.map((scenario) => ({ ...scenario, paced: false })),
  { ...PACED, name: 'paced', endpoint: 'openai', what: 'paced streams passed through' },
  { ...PACED, name: 'messages-paced', endpoint: 'anthropic', what: 'paced streams translated' },
];

const ROOT = fileURLToPath(new URL('../', import.meta.url));
const INTERVAL_US = 200;
const FILES_SHOWN = 15;
const WARM_UP_SHARE = 0.3;
const TIMEOUT_SLACK_MS = 60_000;

const seconds = numberFrom('SECONDS', 5);
const nowUs = () => Number(process.hrtime.bigint() / 1_000n);
const say = (text: string) => process.stdout.write(`${text}\n`);

/** What was run, and when it counted. */
interface Taken {
  readonly what: string;
  readonly span: Span;
}

const profileFlags = (folder: string) => [
  '--cpu-prof',
  `--cpu-prof-dir=${folder}`,
  `--cpu-prof-interval=${INTERVAL_US}`,
];

async function profileLoad(scenario: Scenario, compiled: Compiled, folder: string): Promise<Taken> {
  const { TRANSPORT = 'auto' } = process.env;
  const { endpoint, size, stream, name, paced } = scenario;
  const processes = new Processes();
  try {
    const upstreams = await processes.upstreams(Math.round(numberFrom('EVENTS', 100)));
    const started = { flags: profileFlags(folder), program: compiled.program };
    const proxy = await processes.proxy(TRANSPORT as TransportName, upstreams, started);
    const client = await processes.client();
    const target = {
      url: `${proxy.url}${PATHS[endpoint]}`,
      headers: { 'content-type': 'application/json', authorization: 'Bearer bench-client' },
      body: bodyFor(endpoint, size, modelOf(paced ? 'paced' : 'fast'), stream),
    };
    const run = await (paced ? openStreams : warmedUp)(client, target);
    const [fromUs, before] = [nowUs(), cpuUs(proxy.pid)];
    const { count, faults } = await run();
    const [toUs, after] = [nowUs(), cpuUs(proxy.pid)];
    if (faults > 0) say(`FAIL  ${faults} requests were not answered well`);
    const each = shown((after - before) / count);
    return {
      what: `${name}: ${scenario.what}; ${count} ${paced ? 'events' : 'requests'}, ${each} µs each`,
      span: { fromUs, toUs },
    };
  } finally {
    await processes.stop(); // only a process that ends writes its profile
  }
}

type Run = () => Promise<Pick<ClientAnswer, 'count' | 'faults'>>;

async function warmedUp(client: Client, target: Target): Promise<Run> {
  const connections = Math.round(numberFrom('CONNECTIONS', 32));
  const send = (amount: number) => client.do({ kind: 'saturate', target, connections, amount });
  const first = await send(connections * 2);
  const perSecond = first.count / first.seconds;
  const warm = await send(Math.max(connections, Math.ceil(perSecond * seconds * WARM_UP_SHARE)));
  const amount = Math.max(connections, Math.ceil((warm.count / warm.seconds) * seconds));
  return () => send(amount);
}

/** As many streams as CONNECTIONS; what is counted are their events. */
async function openStreams(client: Client, target: Target): Promise<Run> {
  const streams = Math.round(numberFrom('CONNECTIONS', 50));
  await client.do({ kind: 'open', target, streams });
  await sleep(seconds * WARM_UP_SHARE * 1_000);
  return async () => {
    const before = await client.do({ kind: 'count' });
    await sleep(seconds * 1_000);
    const after = await client.do({ kind: 'count' });
    await client.do({ kind: 'close' });
    return { count: after.count - before.count, faults: after.faults };
  };
}

async function profileMicro(part: string, compiled: Compiled, folder: string): Promise<Taken> {
  const found = await findCases(part);
  const match = found.find(({ one }) => one.name === part) ?? found[0];
  if (match === undefined || (found.length > 1 && match.one.name !== part)) {
    const names = (match === undefined ? await findCases('') : found).map(({ one }) => one.name);
    const scenarios = PROFILED.map(({ name }) => name).join(', ');
    throw new RangeError(
      `CASE=${part} names ${found.length} cases, one is needed. Scenarios: ${scenarios}. ` +
        `Micro cases:\n  ${names.join('\n  ')}`,
    );
  }
  const { file, one } = match;
  const args = [compiled.microProcess, file.replace(/\.ts$/, '.js'), one.name, 'spin'];
  const out = execFileSync(process.execPath, [...profileFlags(folder), ...args, String(seconds)], {
    encoding: 'utf8',
    timeout: seconds * 1_000 + TIMEOUT_SLACK_MS,
  });
  const { fromUs, toUs, calls } = JSON.parse(out) as Span & { calls: number };
  const each = shown(((toUs - fromUs) * 1_000) / calls / one.operations);
  return { what: `${one.name}: ${each} ns per ${one.unit}`, span: { fromUs, toUs } };
}

async function main(): Promise<number> {
  const wanted = process.env.CASE ?? '';
  const scenario = PROFILED.find(({ name }) => name === wanted);
  const stamp = new Date().toISOString().replaceAll(':', '-');
  const folder = join(ROOT, 'bench/results', `profile-${stamp}-${wanted.replace(/\W+/g, '-')}`);
  const compiled = compileWithMaps(ROOT);
  mkdirSync(folder, { recursive: true });
  const { what, span } =
    scenario === undefined
      ? await profileMicro(wanted, compiled, folder)
      : await profileLoad(scenario, compiled, folder);
  const files = readdirSync(folder).filter((name) => name.endsWith('.cpuprofile'));
  const profiles = files.map(
    (name) => JSON.parse(readFileSync(join(folder, name), 'utf8')) as CpuProfile,
  );
  const times = mergedTimes(profiles.map((profile) => functionTimes(profile, span)));
  const rows = profileRows(times, new Places(ROOT));
  say(`Node ${process.version}. ${what}\n`);
  say(functionTable(rows, Math.round(numberFrom('TOP', 40))));
  say(fileTable(rows, FILES_SHOWN));
  for (const name of files) say(`profile: ${relative(ROOT, join(folder, name))}`);
  return 0;
}

await asProgram(main);
