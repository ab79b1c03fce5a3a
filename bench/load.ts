/**
 * `make load [SCENARIO=name]`: how many requests a second does the proxy take, and how fast?
 *
 * autocannon against the compiled proxy on the embedded simulator, both started here on free ports.
 * CONNECTIONS (default 50), SECONDS (5), EVENTS per stream (100), TRANSPORT (http), JSON=file.
 * URL=http://127.0.0.1:PORT aims at a proxy that runs already; then MODEL says what to ask for and
 * TOKEN how to be let in. SCENARIO=quota asks something else, see load/quota.ts. Must stay true:
 * nothing but loopback is ever put under load.
 */
import { writeFileSync } from 'node:fs';
import autocannon from 'autocannon';
import { bodyFor } from './load/bodies.ts';
import type { UpstreamName } from './load/messages.ts';
import { cpuUs } from './load/process-cost.ts';
import { Processes } from './load/processes.ts';
import { modelOf } from './load/proxy-config.ts';
import { QUOTA, quotaScenario } from './load/quota.ts';
import { loopbackUrl, type Scenario, scenariosNamed } from './load/scenarios.ts';
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

const connections = Math.round(numberFrom('CONNECTIONS', 50));
const duration = numberFrom('SECONDS', 5);
const HEAD = ['scenario', 'requests/s', 'p50 ms', 'p90', 'p99', 'max', 'errors', 'non-2xx'];

async function load({ name, endpoint, size, stream }: Scenario, proxy: LoadedProxy) {
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
    requestsPerSecond: result.requests.total / result.duration,
    latencyMs: { p50: latency.p50, p90: latency.p90, p99: latency.p99, max: latency.max },
    errors,
    non2xx,
    cpuUsPerRequest,
  };
}

type Result = Awaited<ReturnType<typeof load>>;

function rowOf({ scenario, requestsPerSecond, latencyMs, ...rest }: Result): string[] {
  const { p50, p90, p99, max } = latencyMs;
  const latencies = [p50, p90, p99, max].map(String);
  const { errors, non2xx, cpuUsPerRequest } = rest;
  return [
    ...[scenario, shown(requestsPerSecond), ...latencies],
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
  const transport = process.env.TRANSPORT === 'fetch' ? 'fetch' : 'http';
  const upstreams = await processes.upstreams(Math.round(numberFrom('EVENTS', 100)));
  const { url, pid } = await processes.proxy(transport, upstreams);
  return { url, model: modelOf(UPSTREAM), token: 'bench', cpuUs: async () => cpuUs(pid) };
}

async function main(): Promise<number> {
  const [, , name = ''] = process.argv;
  const scenarios = name === QUOTA ? [] : scenariosNamed(name);
  const { URL: given = '', JSON: file = '' } = process.env;
  const processes = new Processes();
  try {
    if (name === QUOTA) return await quotaScenario(processes);
    const proxy = given === '' ? await own(processes) : running(given);
    const results: Result[] = [];
    for (const scenario of scenarios) {
      process.stderr.write(`… ${scenario.name}: ${scenario.what}\n`);
      results.push(await load(scenario, proxy));
    }
    process.stdout.write(markdownTable([...HEAD, 'CPU µs/request'], results.map(rowOf)));
    if (file !== '') writeFileSync(file, `${JSON.stringify({ connections, duration, results })}\n`);
    return results.every(({ errors, non2xx }) => errors + non2xx === 0) ? 0 : 1;
  } finally {
    await processes.stop();
  }
}

try {
  process.exitCode = await main();
} catch (thrown) {
  process.stderr.write(`${thrown instanceof RangeError ? thrown.message : String(thrown)}\n`);
  process.exitCode = thrown instanceof RangeError ? 2 : 1;
}
