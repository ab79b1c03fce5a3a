/** What does one case cost on one side? Always in a fresh process of that side. */
import { execFileSync } from 'node:child_process';
import { bodyFor } from '../load/bodies.ts';
import type { Target, UpstreamUrls } from '../load/messages.ts';
import { cpuUs } from '../load/process-cost.ts';
import type { Client, Processes } from '../load/processes.ts';
import { modelOf, type TransportName } from '../load/proxy-config.ts';
import type { Scenario } from '../load/scenarios.ts';
import { HEADERS, PATHS } from '../load/variants.ts';
import type { Compiled } from '../profiles/compiled.ts';
import { percentile } from '../statistics.ts';

const MICRO_TIMEOUT_MS = 60_000;
const CONNECTIONS = 32;
const FIRST_AMOUNT = 200;
const transport = (process.env.TRANSPORT || 'auto') as TransportName;
/** As a share of what is measured: until the code is compiled. */
const WARM_UP_SHARE = 0.6;

/** ns per operation: the median of some rounds. Throws when that side has no such case. */
export function microCost(side: Compiled, file: string, name: string): number {
  const args = [side.microProcess, file.replace(/\.ts$/, '.js'), name, 'time'];
  const options = { encoding: 'utf8', timeout: MICRO_TIMEOUT_MS, stdio: 'pipe' } as const;
  const rounds = JSON.parse(execFileSync(process.execPath, args, options)) as number[];
  return percentile(rounds, 50);
}

export interface LoadBench {
  readonly processes: Processes;
  readonly upstreams: UpstreamUrls;
  readonly client: Client;
  readonly seconds: number;
}

/** µs of processor time per request, of a proxy that is started for it. */
export async function loadCost(
  { processes, upstreams, client, seconds }: LoadBench,
  { program }: Compiled,
  { endpoint, size, stream }: Scenario,
): Promise<number> {
  const proxy = await processes.proxy(transport, upstreams, { program });
  try {
    const target: Target = {
      url: `${proxy.url}${PATHS[endpoint]}`,
      headers: HEADERS,
      body: bodyFor(endpoint, size, modelOf('fast'), stream),
    };
    const send = (amount: number) =>
      client.do({ kind: 'saturate', target, connections: CONNECTIONS, amount });
    const first = await send(FIRST_AMOUNT);
    const amount = Math.max(FIRST_AMOUNT, Math.ceil((first.count / first.seconds) * seconds));
    await send(Math.ceil(amount * WARM_UP_SHARE));
    const before = cpuUs(proxy.pid);
    const { count, faults } = await send(amount);
    if (faults > 0) throw new Error(`${faults} requests were not answered well`);
    return (cpuUs(proxy.pid) - before) / count;
  } finally {
    await processes.end(proxy.pid);
  }
}
