/**
 * What does a request cost the collector: how many bytes does the whole proxy allocate for it, and
 * how many of them get into the old generation, where only a mark of the whole heap finds them?
 *
 * The compiled program, started as ever but for what is told to V8, with a probe beside it that
 * writes down the sizes of its heap when it gets a signal. Must stay true: nothing is collected
 * while allocation is counted; the process under test serves nothing else.
 */
import { existsSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { bodyFor } from './load/bodies.ts';
import { type Client, Processes } from './load/processes.ts';
import { modelOf, proxyConfig } from './load/proxy-config.ts';
import { HEADERS, PATHS } from './load/variants.ts';

export interface HeapPerRequest {
  /** Bytes of a JSON request of 1 KB and its answer, passed through. */
  readonly allocated: number;
  readonly promoted: number;
}

const CONNECTIONS = 32;
/** Until its code is compiled; then those that are counted. */
const WARM_REQUESTS = 3_000;
const REQUESTS = 2_000;
/** Holds all that they allocate, with room for twice as much. */
const ROOMY = ['--expose-gc', '--min-semi-space-size=128', '--max-semi-space-size=128'];
const LOOK_MS = 20;
const LOOKS = 500;

interface Sizes {
  readonly used: number;
  readonly old: number;
}

/** At a signal, and after what could be collected then has been. */
interface Look {
  readonly found: Sizes;
  readonly left: Sizes;
}

/** Runs in the program before it begins, so it is a module in itself. */
const probe = (file: string) => `
  import { renameSync, writeFileSync } from 'node:fs';
  import { getHeapSpaceStatistics } from 'node:v8';
  const file = ${JSON.stringify(file)};
  const OLD = new Set(['old_space', 'large_object_space']);
  const sizes = () => {
    const { heapUsed: used } = process.memoryUsage();
    const spaces = getHeapSpaceStatistics().filter(({ space_name }) => OLD.has(space_name));
    const old = spaces.reduce((sum, { space_used_size }) => sum + space_used_size, 0);
    return { used, old };
  };
  process.on('SIGUSR2', () => {
    const found = sizes();
    globalThis.gc?.();
    writeFileSync(file + '.draft', JSON.stringify({ found, left: sizes() }));
    renameSync(file + '.draft', file);
  });
`;

export async function heapPerRequest(): Promise<HeapPerRequest> {
  const processes = new Processes();
  try {
    const upstreams = await processes.upstreams(1);
    const client = await processes.client();
    const config = proxyConfig('native', upstreams);
    const roomy = await growth(processes, client, config, ROOMY);
    const usual = await growth(processes, client, config, []);
    return { allocated: roomy.used / REQUESTS, promoted: usual.old / REQUESTS };
  } finally {
    await processes.stop();
  }
}

/** How much more there is after the counted requests. */
async function growth(
  processes: Processes,
  client: Client,
  config: string,
  flags: readonly string[],
): Promise<Sizes> {
  const file = join(processes.folder, 'sizes.json');
  const module = `--import=data:text/javascript,${encodeURIComponent(probe(file))}`;
  const { url, pid } = await processes.program(config, { flags: [...flags, module] });
  const target = {
    url: `${url}${PATHS.openai}`,
    headers: HEADERS,
    body: bodyFor('openai', '1 KB', modelOf('fast'), false),
  };
  const load = async (amount: number) => {
    const command = { kind: 'saturate', target, connections: CONNECTIONS, amount } as const;
    const { faults } = await client.do(command);
    if (faults > 0) throw new Error(`${faults} wrong answers`);
  };
  await load(WARM_REQUESTS);
  const { left } = await look(pid, file);
  await load(REQUESTS);
  const { found } = await look(pid, file);
  await processes.end(pid);
  return { used: found.used - left.used, old: found.old - left.old };
}

async function look(pid: number, file: string): Promise<Look> {
  rmSync(file, { force: true });
  process.kill(pid, 'SIGUSR2');
  for (let n = 0; n < LOOKS && !existsSync(file); n++) await sleep(LOOK_MS);
  return JSON.parse(readFileSync(file, 'utf8')) as Look;
}
