/**
 * `make load SCENARIO=quota`: how much of a quota becomes answers, and what do clients notice?
 *
 * Three orgs with Cerebras' developer limits, sixty coding sessions that want three times as much.
 * SECONDS (60), CLIENTS (60), SEED (1), LIMITS (a factor on the limits), DISTANCE to the provider
 * in ms, one way (20). A run of a minute or more goes on until everyone is served and is judged; a
 * shorter one is a look, and scales the limits.
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { numberFrom } from '../settings.ts';
import { shown } from '../statistics.ts';
import { markdownTable } from '../table.ts';
import type { Processes } from './processes.ts';
import type { QuotaOptions } from './quota-plan.ts';
import { type QuotaResult, runQuota, VARIANTS, type Waits } from './quota-run.ts';

/** Its name on the command line. */
export const QUOTA = 'quota';

/** gpt-oss-120b for a developer account (WIRE.md §E.2). */
const REQUESTS_PER_MINUTE = 1_000;
const TOKENS_PER_MINUTE = 1_000_000;
const ORGS = 3;
const OVERLOAD = 3;
const BYTES = { least: 10_000, most: 50_000 };
const MINUTE_S = 60;
/** A provider on the same continent. */
const DISTANCE_MS = 20;

export function quotaOptions(): QuotaOptions {
  const seconds = numberFrom('SECONDS', MINUTE_S);
  const scale = numberFrom('LIMITS', Math.min(1, seconds / MINUTE_S));
  return {
    orgs: ORGS,
    requestsPerMinute: Math.ceil(REQUESTS_PER_MINUTE * scale),
    tokensPerMinute: Math.ceil(TOKENS_PER_MINUTE * scale),
    clients: Math.round(numberFrom('CLIENTS', 60)),
    seconds,
    overload: OVERLOAD,
    bytes: BYTES,
    seed: Math.round(numberFrom('SEED', 1)),
    distanceMs: numberFrom('DISTANCE', DISTANCE_MS),
    drain: seconds >= MINUTE_S,
  };
}

export interface Verdict {
  readonly what: string;
  readonly pass: boolean;
}

/** The promises of the engine, for one of its variants. */
export function verdictsOf(result: QuotaResult): Verdict[] {
  const { variant, faults, jain, waitsMs, idealWaitsMs, usefulTokens, quotaTokens } = result;
  const { upstream429, upstreamRequests } = result;
  const rows: readonly (readonly [string, boolean])[] = [
    ['useful tokens are 0.95 of the quota or more', usefulTokens >= 0.95 * quotaTokens],
    ['0.5 % of the upstream answers are 429 or less', upstream429 <= 0.005 * upstreamRequests],
    ['no client saw a failure', faults.length === 0],
    ['Jain index over sessions 0.95 or more', jain >= 0.95],
    ['p95 wait within 1.3 of the ideal', waitsMs.p95 <= 1.3 * idealWaitsMs.p95],
  ];
  return rows.map(([what, pass]) => ({ what: `${variant}: ${what}`, pass }));
}

const ROWS: readonly (readonly [string, (result: QuotaResult) => string])[] = [
  ['requests', ({ requests }) => String(requests)],
  ['right answers', ({ served }) => String(served)],
  ['still waiting at the end', ({ cut }) => String(cut)],
  ['failures that clients saw', ({ faults }) => String(faults.length)],
  ['tokens served, of the quota', (one) => (one.usefulTokens / one.quotaTokens).toFixed(3)],
  ['requests to the provider', ({ upstreamRequests }) => String(upstreamRequests)],
  ['of them refused (429)', (one) => percent(one.upstream429, one.upstreamRequests)],
  ['most starts of an org in 60 s', ({ busiestMinute }) => String(busiestMinute)],
  ['Jain index over sessions', ({ jain }) => jain.toFixed(3)],
  ['wait p50 / p95 / p99, s', ({ waitsMs }) => seconds(waitsMs)],
  ['the same, ideal', ({ idealWaitsMs }) => seconds(idealWaitsMs)],
  ['p95 to ideal', ({ waitsMs, idealWaitsMs }) => shown(waitsMs.p95 / idealWaitsMs.p95)],
  ['p95 to ideal with a bucket', (one) => shown(one.waitsMs.p95 / one.bucketWaitsMs.p95)],
  ['all done after, s (ideal)', (one) => `${shown(one.lastDoneS)} (${shown(one.idealLastDoneS)})`],
];

const percent = (part: number, whole: number): string =>
  `${part} (${((100 * part) / Math.max(1, whole)).toFixed(2)} %)`;

function seconds({ p50, p95, p99 }: Waits): string {
  return [p50, p95, p99].map((ms) => (ms / 1_000).toFixed(1)).join(' / ');
}

export function quotaTable(results: readonly QuotaResult[]): string {
  const head = ['', ...results.map(({ variant }) => variant)];
  return markdownTable(
    head,
    ROWS.map(([name, cell]) => [name, ...results.map(cell)]),
  );
}

/** Runs, prints, keeps the numbers. The exit code: 1 where a promise was not kept. */
export async function quotaScenario(processes: Processes): Promise<number> {
  const options = quotaOptions();
  const { orgs, tokensPerMinute, requestsPerMinute, clients, seed, drain } = options;
  process.stderr.write(
    `… quota: ${clients} sessions, ${orgs} orgs with ${requestsPerMinute} requests and ` +
      `${tokensPerMinute} tokens a minute, ${options.seconds} s, seed ${seed}\n`,
  );
  const results = await runQuota(options, VARIANTS, processes);
  process.stdout.write(quotaTable(results));
  for (const { variant, faults } of results) {
    if (faults.length > 0) process.stdout.write(`\n${variant}, first failure: ${faults[0]}\n`);
  }
  save({ options, results });
  if (!drain) return 0;
  const verdicts = results.filter(({ variant }) => variant !== 'naive').flatMap(verdictsOf);
  process.stdout.write('\n');
  for (const { what, pass } of verdicts) {
    process.stdout.write(`${pass ? 'PASS' : 'FAIL'}  ${what}\n`);
  }
  return verdicts.every(({ pass }) => pass) ? 0 : 1;
}

function save(numbers: unknown): void {
  const folder = new URL('../results/', import.meta.url);
  mkdirSync(folder, { recursive: true });
  const file = new URL(`quota-${new Date().toISOString().replaceAll(':', '-')}.json`, folder);
  writeFileSync(file, `${JSON.stringify(numbers, null, 2)}\n`);
}
