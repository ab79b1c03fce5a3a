/**
 * `make load SCENARIO=threads`: what does a request cost where several threads share the work?
 *
 * The same program with one thread and with WORKERS (2), in turns: processor time of the whole
 * process for each request of 1 KB. No program is kept to a processor: the system places threads,
 * upstreams and client as it would for a user. CONNECTIONS (64, the first number), ROUNDS (9),
 * SECONDS (0.8, about, of one measurement), NODE (another Node: threads need 22.12), TRANSPORT
 * (auto). Judged: the median of the ratios is at most 1.25.
 */
import { numberFrom } from '../settings.ts';
import { medianRatio, shown, shownSummary, summarize } from '../statistics.ts';
import { bodyFor } from './bodies.ts';
import type { Target } from './messages.ts';
import { treeCpuUs } from './process-cost.ts';
import type { Client, Processes } from './processes.ts';
import { modelOf, proxyConfig, type TransportName } from './proxy-config.ts';
import { HEADERS, PATHS } from './variants.ts';

/** Its name on the command line. */
export const THREADS = 'threads';

const EVENTS = 10;
const MAX_RATIO = 1.25;
/** Each thread compiles for itself, and Node 24 only after thousands of requests. */
const WARM_REQUESTS_A_THREAD = 10_000;
const FIRST_AMOUNT = 1_000;

export interface ThreadsOptions {
  readonly workers: number;
  readonly connections: number;
  readonly rounds: number;
  readonly seconds: number;
  readonly warmRequests: number;
  readonly transport: TransportName;
  readonly node: string;
}

export interface ThreadsResult {
  /** µs of processor time a request, one for each round: with one thread, and with several. */
  readonly oneUs: readonly number[];
  readonly manyUs: readonly number[];
  readonly faults: number;
}

interface Contender {
  readonly pid: number;
  readonly target: Target;
  readonly us: number[];
}

export async function measureThreads(
  processes: Processes,
  options: ThreadsOptions,
): Promise<ThreadsResult> {
  const { workers, transport, node, rounds, seconds, connections, warmRequests } = options;
  const upstreams = await processes.upstreams(EVENTS);
  const client = await processes.client();
  const start = async (threads: number): Promise<Contender> => {
    const config = proxyConfig(transport, upstreams, { workers: threads });
    const { url, pid } = await processes.program(config, { node });
    const body = bodyFor('openai', '1 KB', modelOf('fast'), false);
    return { pid, target: { url: url + PATHS.openai, headers: HEADERS, body }, us: [] };
  };
  const [one, many] = [await start(1), await start(workers)];
  let faults = 0;
  let amount = FIRST_AMOUNT;
  for (const { contender, threads } of [
    { contender: one, threads: 1 },
    { contender: many, threads: workers },
  ]) {
    const warm = await load(client, contender, connections, warmRequests * threads);
    faults += warm.faults;
    amount = Math.max(connections, Math.round((warm.count / warm.seconds) * seconds));
  }
  for (let round = 0; round < rounds; round++) {
    for (const contender of round % 2 === 0 ? [one, many] : [many, one]) {
      const beforeUs = treeCpuUs(contender.pid);
      const answer = await load(client, contender, connections, amount);
      contender.us.push((treeCpuUs(contender.pid) - beforeUs) / answer.count);
      faults += answer.faults;
    }
  }
  return { oneUs: one.us, manyUs: many.us, faults };
}

const load = (client: Client, { target }: Contender, connections: number, amount: number) =>
  client.do({ kind: 'saturate', target, connections, amount });

/** Gives the exit code. */
export async function threadsScenario(
  processes: Processes,
  transport: TransportName,
): Promise<number> {
  const options: ThreadsOptions = {
    workers: Math.round(numberFrom('WORKERS', 2)),
    connections: Math.round(numberFrom('CONNECTIONS', 64)),
    rounds: Math.round(numberFrom('ROUNDS', 9)),
    seconds: numberFrom('SECONDS', 0.8),
    warmRequests: WARM_REQUESTS_A_THREAD,
    transport,
    node: process.env.NODE || process.execPath,
  };
  const { oneUs, manyUs, faults } = await measureThreads(processes, options);
  const { workers, connections, rounds } = options;
  const say = (text: string) => process.stdout.write(`${text}\n`);
  say(`1 KB, ${connections} connections, ${transport}, ${rounds} rounds; CPU µs a request`);
  say(`1 thread   ${shownSummary(summarize(oneUs))}`);
  say(`${workers} threads  ${shownSummary(summarize(manyUs))}`);
  const ratio = medianRatio(manyUs, oneUs);
  const pass = ratio <= MAX_RATIO && faults === 0;
  say(`${pass ? 'PASS' : 'FAIL'}  ${shown(ratio)} times, at most ${MAX_RATIO}; ${faults} faults`);
  return pass ? 0 : 1;
}
