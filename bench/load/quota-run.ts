/**
 * The same requests through the engine and without one: what came of them?
 *
 * The variants run at the same time, each with a provider and (but for the naive one) a proxy of
 * its own, so that whatever the machine does strikes all of them alike. All wait most of the time.
 */
import { once } from 'node:events';
import { busiest } from '../../lib/simulator/time-ring.ts';
import type { Processes } from './processes.ts';
import { type Outcome, QuotaClients } from './quota-client.ts';
import { type IdealLimits, idealStarts } from './quota-ideal.ts';
import {
  FIRST_TOKEN_MS,
  orgName,
  type PlannedRequest,
  planRequests,
  QUOTA_MODEL,
  type QuotaOptions,
  secretOf,
  TOKENS_PER_SECOND,
} from './quota-plan.ts';
import type { Seen } from './quota-upstream.ts';

export const VARIANTS = ['limits configured', 'limits learned', 'naive'] as const;
export type VariantName = (typeof VARIANTS)[number];

export interface QuotaResult {
  readonly variant: VariantName;
  readonly requests: number;
  /** Right answers. */
  readonly served: number;
  /** Requests that had not been answered when everybody hung up. */
  readonly cut: number;
  readonly faults: readonly string[];
  /** Tokens of right answers that began until the arrivals ended, and what the quota allowed. */
  readonly usefulTokens: number;
  readonly quotaTokens: number;
  readonly upstreamRequests: number;
  readonly upstream429: number;
  /** Most starts of any org in any 60 seconds. */
  readonly busiestMinute: number;
  /** Over those tokens of each session. */
  readonly jain: number;
  readonly waitsMs: Waits;
  /** Of an ideal scheduler under the limits in force: a window where they are configured, else the
   *  provider's bucket. */
  readonly idealWaitsMs: Waits;
  /** Of an ideal scheduler that only has the provider's bucket to keep to. */
  readonly bucketWaitsMs: Waits;
  readonly lastDoneS: number;
  readonly idealLastDoneS: number;
}

export interface Waits {
  readonly p50: number;
  readonly p95: number;
  readonly p99: number;
}

/** How long the clients wait for the rest when nobody hangs up, in lengths of the run. */
const PATIENCE = 5;
const MINUTE_S = 60;

export async function runQuota(
  options: QuotaOptions,
  variants: readonly VariantName[],
  processes: Processes,
): Promise<QuotaResult[]> {
  const plan = planRequests(options);
  const given = [JSON.stringify(options), String(variants.length)];
  const [upstream, urls] = await processes.child<string[]>('./quota-upstream.ts', given);
  const targets = await Promise.all(
    variants.map((variant, at) => targetOf(variant, urls[at] ?? '', options, processes)),
  );
  const runs = await Promise.all(targets.map((ask) => drive(plan, options, ask)));
  upstream.send('report');
  const [seen] = (await once(upstream, 'message')) as [Seen[]];
  return variants.map((variant, at) =>
    resultOf(variant, plan, options, runs[at] as Run, seen[at] as Seen),
  );
}

type Ask = (clients: QuotaClients, planned: PlannedRequest) => Promise<Outcome>;

async function targetOf(
  variant: VariantName,
  upstreamUrl: string,
  options: QuotaOptions,
  processes: Processes,
): Promise<Ask> {
  if (variant === 'naive') {
    const secrets = Array.from({ length: options.orgs }, (_, org) => secretOf(org));
    return (clients, planned) =>
      clients.askNaively(upstreamUrl, secrets, planned, () => (planned.bytes % 100) / 100);
  }
  const config = quotaConfig(upstreamUrl, options, variant === 'limits configured');
  const { url } = await processes.program(config);
  return (clients, planned) => clients.askProxy(url, planned);
}

/** The defaults of the product, but for what nobody may be refused by. */
export function quotaConfig(endpoint: string, options: QuotaOptions, configured: boolean): string {
  const { requestsPerMinute, tokensPerMinute } = options;
  const limits = configured
    ? `, max_requests_per_minute: ${requestsPerMinute}, max_tokens_per_minute: ${tokensPerMinute}`
    : '';
  const keys = Array.from(
    { length: options.orgs },
    (_, org) => `        - { key: ${secretOf(org)}, org: ${orgName(org)}${limits} }`,
  );
  return `
server: { port: 0, shutdown_timeout: 1s }
providers:
  - name: quota
    preset: cerebras
    endpoint: ${endpoint}
    models: [${QUOTA_MODEL}]
    load_balancing:
      strategy: least_used
      api_keys:
${keys.join('\n')}
limits: { queue: { max_depth: 100000, max_wait: 1h } }
monitoring: { log_level: info, log_format: json }
state: { file: "" }
`;
}

interface Run {
  readonly startedMs: number;
  /** One for each planned request. */
  readonly outcomes: readonly Outcome[];
}

async function drive(
  plan: readonly PlannedRequest[],
  { seconds, drain }: QuotaOptions,
  ask: Ask,
): Promise<Run> {
  const clients = new QuotaClients();
  const startedMs = performance.now();
  const endMs = seconds * 1_000 * (drain ? PATIENCE : 1);
  const hangUp = setTimeout(() => clients.hangUp(), endMs);
  const outcomes = await Promise.all(
    plan.map(async (planned) => {
      await until(startedMs + planned.atMs);
      return ask(clients, planned);
    }),
  );
  clearTimeout(hangUp);
  clients.hangUp();
  return { startedMs, outcomes };
}

const until = (timeMs: number): Promise<void> =>
  new Promise((resolve) => setTimeout(resolve, Math.max(0, timeMs - performance.now())));

function resultOf(
  variant: VariantName,
  plan: readonly PlannedRequest[],
  options: QuotaOptions,
  { startedMs, outcomes }: Run,
  { stats, arrivals }: Seen,
): QuotaResult {
  const arrivalsEndMs = options.seconds * 1_000;
  const doneMs = outcomes.map((one) => one.doneMs - startedMs);
  const good = outcomes.map(({ fault }) => fault === '');
  const kind = variant === 'limits configured' ? 'window' : 'bucket';
  const ideal = idealStarts(plan, { ...options, kind });
  const bucket = idealStarts(plan, { ...options, kind: 'bucket' });
  // Who is cut off waits until then, whoever the scheduler is.
  const lastMs = options.drain ? Number.POSITIVE_INFINITY : arrivalsEndMs;
  const waited = (atMs: number, at: number) =>
    Math.max(0, Math.min(atMs, lastMs) - (plan[at]?.atMs ?? 0));
  const startMs = plan.map((planned, at) =>
    good[at] ? (doneMs[at] ?? 0) - serviceMs(planned, options) : Number.POSITIVE_INFINITY,
  );
  const inTime = startMs.map((atMs) => atMs <= arrivalsEndMs);
  const faults = outcomes.map(({ fault }) => fault).filter((fault) => fault !== '');
  return {
    variant,
    requests: plan.length,
    served: good.filter(Boolean).length,
    cut: faults.filter((fault) => fault === 'cut').length,
    faults: faults.filter((fault) => fault !== 'cut'),
    usefulTokens: sum(plan.map(({ tokens }, at) => (inTime[at] ? tokens : 0))),
    quotaTokens: quotaTokens(options, kind),
    upstreamRequests: stats.requests,
    upstream429: stats.byStatus['429'] ?? 0,
    busiestMinute: Math.max(...arrivals.map((times) => busiest(times, MINUTE_S * 1_000))),
    jain: jainIndex(servedBySession(plan, inTime, options.clients)),
    waitsMs: waitsOf(startMs.map(waited)),
    idealWaitsMs: waitsOf(ideal.map(waited)),
    bucketWaitsMs: waitsOf(bucket.map(waited)),
    lastDoneS: Math.max(...doneMs) / 1_000,
    idealLastDoneS:
      Math.max(...plan.map((one, at) => (ideal[at] ?? 0) + serviceMs(one, options))) / 1_000,
  };
}

/** What the limits allow until the arrivals end. A bucket is full at the start and refills; a
 *  window opens anew every 60 seconds. */
export function quotaTokens(options: QuotaOptions, kind: IdealLimits['kind']): number {
  const minutes = options.seconds / MINUTE_S;
  const perOrg = kind === 'bucket' ? 1 + minutes : Math.max(1, Math.ceil(minutes));
  return perOrg * options.orgs * options.tokensPerMinute;
}

/** Of the provider and the way to it. */
function serviceMs({ outputTokens }: PlannedRequest, { distanceMs }: QuotaOptions): number {
  return 2 * distanceMs + FIRST_TOKEN_MS + (outputTokens * 1_000) / TOKENS_PER_SECOND;
}

function servedBySession(
  plan: readonly PlannedRequest[],
  inTime: readonly boolean[],
  clients: number,
): number[] {
  const served = new Array<number>(clients).fill(0);
  for (const [at, { session, tokens }] of plan.entries()) {
    if (inTime[at]) served[session] = (served[session] ?? 0) + tokens;
  }
  return served;
}

/** 1: all alike; 1 / n: one has everything. */
export function jainIndex(values: readonly number[]): number {
  const squares = sum(values.map((value) => value * value));
  return squares === 0 ? 1 : sum(values) ** 2 / (values.length * squares);
}

const sum = (values: readonly number[]): number =>
  values.reduce((total, value) => total + value, 0);

function waitsOf(values: readonly number[]): Waits {
  const sorted = [...values].sort((a, b) => a - b);
  const at = (share: number) => sorted[Math.ceil(share * sorted.length) - 1] ?? 0;
  return { p50: at(0.5), p95: at(0.95), p99: at(0.99) };
}
