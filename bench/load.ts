/**
 * `make load [SCENARIO=name]`: how many requests a second does the proxy take, and how fast?
 *
 * autocannon against the compiled proxy on the embedded simulator, both started here on free
 * ports. SCENARIO: one or several with commas (default all); CONNECTIONS (1,50,1000: a row each),
 * SECONDS (2 a row), EVENTS per stream (100), TRANSPORT (auto). The rows go to bench/results/ as
 * JSON (or to JSON=file), and as a chart (CHART=file). URL=http://127.0.0.1:PORT aims at a proxy
 * that runs already; then MODEL says what to ask for and TOKEN how to be let in. The scenarios
 * quota, streams, stall, threads and idle ask something else, see their files in load/. Must stay
 * true: nothing but loopback is ever put under load.
 */

import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';
import autocannon from 'autocannon';
import { asProgram } from './as-program.ts';
import { chart, type Panel } from './chart.ts';
import { bodyFor } from './load/bodies.ts';
import { IDLE, idleScenario } from './load/idle.ts';
import type { UpstreamName } from './load/messages.ts';
import { cpuUs } from './load/process-cost.ts';
import { Processes } from './load/processes.ts';
import { modelOf, type TransportName } from './load/proxy-config.ts';
import { QUOTA, quotaScenario } from './load/quota.ts';
import { loopbackUrl, OTHERS, type Scenario, scenariosNamed } from './load/scenarios.ts';
import { STALL, stallScenario } from './load/stall.ts';
import { STREAMS, streamsScenario } from './load/streams.ts';
import { THREADS, threadsScenario } from './load/threads.ts';
import { PATHS } from './load/variants.ts';
import { numberFrom } from './settings.ts';
import { shown } from './statistics.ts';
import { markdownTable } from './table.ts';

const UPSTREAM: UpstreamName = 'fast';
const ANSWER_TIMEOUT_S = 30;
const US_PER_S = 1e6;

interface LoadedProxy {
  readonly url: string;
  readonly model: string;
  readonly token: string;
  /** Processor time so far in µs, NaN where that cannot be seen. */
  cpuUs(): Promise<number>;
}

const CONNECTIONS = '1,50,1000';
const duration = numberFrom('SECONDS', 2);
const HEAD = [
  'scenario',
  'connections',
  'requests/s',
  'p50 ms',
  'p90',
  'p99',
  'max',
  'errors',
  'non-2xx',
];

async function load(
  { name, endpoint, size, stream }: Scenario,
  connections: number,
  proxy: LoadedProxy,
) {
  const before = await proxy.cpuUs();
  const result = await autocannon({
    url: `${proxy.url}${PATHS[endpoint]}`,
    method: 'POST',
    headers: { 'content-type': 'application/json', authorization: `Bearer ${proxy.token}` },
    body: bodyFor(endpoint, size, proxy.model, stream),
    connections,
    duration,
    timeout: ANSWER_TIMEOUT_S,
  });
  const cpuUsPerRequest = ((await proxy.cpuUs()) - before) / result.requests.total;
  const { latency, errors, non2xx } = result;
  return {
    scenario: name,
    connections,
    requestsPerSecond: result.requests.total / result.duration,
    latencyMs: { p50: latency.p50, p90: latency.p90, p99: latency.p99, max: latency.max },
    errors,
    non2xx,
    cpuUsPerRequest,
  };
}

type Result = Awaited<ReturnType<typeof load>>;

function rowOf({ scenario, connections, requestsPerSecond, latencyMs, ...rest }: Result): string[] {
  const { p50, p90, p99, max } = latencyMs;
  const latencies = [p50, p90, p99, max].map(String);
  const { errors, non2xx, cpuUsPerRequest } = rest;
  return [
    ...[scenario, String(connections), shown(requestsPerSecond), ...latencies],
    ...[String(errors), String(non2xx), shown(cpuUsPerRequest)],
  ];
}

/** A proxy that somebody else runs: it tells its processor time itself, if it tells metrics. */
function running(text: string): LoadedProxy {
  const { origin } = loopbackUrl(text);
  const { MODEL: model = '', TOKEN: token = 'none' } = process.env;
  if (model === '') throw new RangeError('with URL, MODEL must say which model to ask for');
  process.stderr.write(`${origin} may have paid providers behind it: this load is real use\n`);
  return { url: origin, model, token, cpuUs: () => toldCpuUs(origin) };
}

async function toldCpuUs(origin: string): Promise<number> {
  const text = await (await fetch(`${origin}/metrics`)).text();
  return Number(/^process_cpu_seconds_total (\S+)$/m.exec(text)?.[1]) * US_PER_S;
}

async function own(processes: Processes): Promise<LoadedProxy> {
  const upstreams = await processes.upstreams(Math.round(numberFrom('EVENTS', 100)));
  const { url, pid } = await processes.proxy(transport, upstreams);
  return { url, model: modelOf(UPSTREAM), token: 'bench', cpuUs: async () => cpuUs(pid) };
}

const transport = (process.env.TRANSPORT || 'auto') as TransportName;

/** Throws a RangeError for what is no list of whole numbers above zero. */
function connectionCounts(): number[] {
  const text = process.env.CONNECTIONS || CONNECTIONS;
  const counts = text.split(',').map(Number);
  if (counts.every((count) => Number.isInteger(count) && count > 0)) return counts;
  throw new RangeError(`CONNECTIONS must be whole numbers above zero, not ${JSON.stringify(text)}`);
}

async function loadAll(scenarios: readonly Scenario[], proxy: LoadedProxy): Promise<Result[]> {
  const results: Result[] = [];
  for (const scenario of scenarios) {
    for (const connections of connectionCounts()) {
      process.stderr.write(`… ${scenario.name}: ${scenario.what}, ${connections} connections\n`);
      results.push(await load(scenario, connections, proxy));
    }
  }
  return results;
}

/** What one scenario gives, against the connections. */
function panelOf(
  title: string,
  y: string,
  results: readonly Result[],
  pick: (r: Result) => number,
) {
  const names = [...new Set(results.map(({ scenario }) => scenario))];
  const series = names.map((name) => ({
    name,
    points: results
      .filter(({ scenario }) => scenario === name)
      .map((result) => [result.connections, pick(result)] as const),
  }));
  return { title, x: 'connections', y, series, logX: true, logY: true } satisfies Panel;
}

function save(results: readonly Result[]): void {
  const date = new Date().toISOString();
  const folder = fileURLToPath(new URL('./results/', import.meta.url));
  const name = `load-${date.replaceAll(':', '-')}`;
  const { JSON: json = `${folder}${name}.json`, CHART: svg = `${folder}${name}.svg` } = process.env;
  const sized = (part: RegExp) => results.filter(({ scenario }) => part.test(scenario));
  const groups = [
    { name: 'passed through', rows: sized(/^(?:json|sse|large)/) },
    { name: 'translated', rows: sized(/^(?:messages|claude)/) },
  ].filter(({ rows }) => rows.length > 0);
  const panels = groups.flatMap(({ name: way, rows }) => [
    panelOf(way, 'requests a second', rows, ({ requestsPerSecond }) => requestsPerSecond),
    panelOf(way, 'p99, ms', rows, ({ latencyMs }) => latencyMs.p99),
  ]);
  for (const file of [json, svg]) mkdirSync(dirname(file), { recursive: true });
  const about = { date, node: process.version, transport, duration, results };
  writeFileSync(json, `${JSON.stringify(about, null, 2)}\n`);
  writeFileSync(svg, chart(`make load (Node ${process.version}, ${date.slice(0, 10)})`, panels));
  process.stdout.write(`\n${json}\n${svg}\n`);
}

/** Undefined for a name that is none of them. */
function otherScenario(name: string, processes: Processes): Promise<number> | undefined {
  if (name === QUOTA) return quotaScenario(processes);
  if (name === IDLE) return idleScenario(processes);
  if (name === STREAMS) return streamsScenario(processes, transport);
  if (name === THREADS) return threadsScenario(processes, transport);
  return name === STALL ? stallScenario(processes, transport) : undefined;
}

async function main(): Promise<number> {
  const [, , name = ''] = process.argv;
  const scenarios = OTHERS.includes(name) ? [] : scenariosNamed(name);
  connectionCounts();
  const { URL: given = '' } = process.env;
  const processes = new Processes();
  try {
    const other = otherScenario(name, processes);
    if (other !== undefined) return await other;
    const results = await loadAll(scenarios, given === '' ? await own(processes) : running(given));
    process.stdout.write(markdownTable([...HEAD, 'CPU µs/request'], results.map(rowOf)));
    save(results);
    return results.every(({ errors, non2xx }) => errors + non2xx === 0) ? 0 : 1;
  } finally {
    await processes.stop();
  }
}

await asProgram(main);
