/**
 * A running proxy, compiled from its configuration: everything a request only looks up.
 *
 * Must stay true: built once per configuration and never changed; what does change (quotas,
 * metrics, connections) lives in the services it points to.
 */
import { Breakers } from './breakers.ts';
import { BucketList, type Buckets, GivenBuckets, markOf, type Place, secretOf } from './buckets.ts';
import { Calibrations } from './calibrations.ts';
import { type ClientRuntime, compileClients } from './clients.ts';
import type { Config, KeyConfig, ProviderConfig } from './config/types.ts';
import { MAX_WATCHED_KEYS } from './limits.ts';
import { compileModels, type ModelTable } from './model-table.ts';
import type { ChatDialect, ErrorRule, ModelFacts } from './providers/types.ts';
import type { Bucket, BucketLimits } from './quotas/bucket.ts';
import type { Verdict } from './quotas/cooldown-rules.ts';
import type { QuotaTable } from './quotas/quota-table.ts';
import { SharedQuota } from './quotas/shared-quota.ts';
import { Sessions } from './sessions.ts';
import { type KeyRange, keyRange } from './strategies/types.ts';
import { newTable, succeed } from './succession.ts';
import type { Log } from './telemetry/log.ts';
import type { Metrics } from './telemetry/metrics.ts';
import type { Origin, Transport } from './transports/types.ts';
import { type Crowd, Waiting } from './waiting.ts';

/** What the surroundings give: clocks, chance, output, the pipe. */
export interface Services {
  readonly version: string;
  readonly log: Log;
  readonly metrics: Metrics;
  readonly transport: Transport;
  /** Cuts every configured secret out of a text. */
  readonly redact: (text: string) => string;
  /** Wall clock, ms since 1970. */
  readonly nowMs: () => number;
  /** [0, 1) */
  readonly random: () => number;
  /** When the program started, ms since 1970. */
  readonly startedMs: number;
}

export interface KeyRuntime {
  readonly config: KeyConfig;
  /** Counts, rests and states of this key alone. */
  readonly bucket: Bucket;
  /** Limits shared by the keys of one org; the key's own bucket when it is alone in its org. */
  readonly orgBucket: Bucket;
  /** Tokens of the org that no prompt cache gave, where they are limited on their own. */
  readonly uncachedBucket: Bucket | null;
  /** Complete request headers, but for what a client of the Messages protocol adds. Frozen. */
  readonly headers: Readonly<Record<string, string>>;
  /** The same for a request that asks for a stream. */
  readonly streamHeaders: Readonly<Record<string, string>>;
}

export interface ProviderRuntime {
  readonly config: ProviderConfig;
  readonly index: number;
  /** The provider's words, as far as this endpoint is known to understand them. */
  readonly chat: ChatDialect;
  readonly origin: Origin;
  /** Path of the endpoint, without trailing slash. */
  readonly basePath: string;
  readonly bucket: Bucket;
  /** The configured rows, then the preset's. */
  readonly errorRules: readonly ErrorRule[];
  readonly keys: readonly KeyRuntime[];
  /** By configured model id. */
  readonly lanes: ReadonlyMap<string, Lanes>;
}

/** One key for one model: all buckets that a request takes from. */
export interface Lane {
  readonly key: KeyRuntime;
  readonly path: Int32Array;
  /** Learned limits of the org for this model. */
  readonly orgModelBucket: Bucket;
  /** Rests of this key for this model. */
  readonly keyModelBucket: Bucket;
  /** Rests of the model over all keys of the provider. */
  readonly modelBucket: Bucket;
}

/** The keys of a provider for one model, as the strategies see them and as the pipeline does. */
export interface Lanes {
  readonly list: readonly Lane[];
  readonly range: KeyRange;
  /** The same by org, for conversations whose prompt cache is warm in one; empty for a part. */
  readonly byOrg: ReadonlyMap<Bucket, Lanes>;
  /** Watches for keys that share one quota without saying so; keys by their index in `list`. */
  readonly detector: SharedQuota | null;
}

export interface Gateway extends Services {
  readonly config: Config;
  readonly models: ModelTable;
  readonly providers: readonly ProviderRuntime[];
  /** In the order of `config.server.clients`. */
  readonly clients: readonly ClientRuntime[];
  readonly quotas: QuotaTable;
  /** Why a bucket rests or is disabled: the last verdict that said so. */
  readonly verdicts: Map<Bucket, Verdict>;
  readonly breakers: Breakers;
  readonly calibrations: Calibrations;
  readonly sessions: Sessions;
  readonly waiting: Waiting;
  /** Bucket names, by index, for texts. */
  readonly bucketNames: readonly string[];
  /** What the buckets count for, by index: how their state is carried over a reload or a
   *  restart. */
  readonly places: readonly Place[];
}

/** Threads that count in one quota table: one of them owns it, the others serve from it. */
export type Sharing =
  | { readonly role: 'owner' }
  | {
      readonly role: 'guest';
      readonly places: readonly Place[];
      /** A table of these places. */
      readonly quotas: QuotaTable;
      readonly verdicts: Map<Bucket, Verdict>;
      readonly calibrations: Calibrations;
      readonly sessions: Sessions;
      readonly crowd: Crowd;
      /** Requests sent, by bucket, of all threads together. */
      readonly sent: Int32Array;
    };

/**
 * Compiles a configuration. Allocates the quota table; opens nothing.
 *
 * `before` is the gateway that this one takes the place of: it shares the quota table and all that
 * was learned, also with the requests that are still under way on the other one. Its own table may
 * not be used by a third gateway afterwards.
 */
export function compileGateway(
  config: Config,
  services: Services,
  before?: Gateway,
  sharing?: Sharing,
): Gateway {
  const nowMs = services.nowMs();
  const guest = sharing?.role === 'guest' ? sharing : undefined;
  const list = new BucketList(before?.places ?? [], nowMs);
  const ledger = guest === undefined ? list : new GivenBuckets(guest.places, guest.sent);
  const limits = {
    uncounted: true,
    ...config.limits,
    requestsPerDay: 0,
    tokensPerDay: 0,
  };
  const globalBucket = ledger.add('global', limits, { org: ['global'], key: [] });
  const providers = config.providers.map((provider, index) =>
    compileProvider(provider, index, ledger, globalBucket, services.version),
  );
  const models = compileModels(config);
  const clients = compileClients(config.server.clients, models, ledger);
  ledger.finish();
  const quotas =
    guest?.quotas ??
    (before === undefined
      ? newTable(list, nowMs, sharing !== undefined)
      : succeed(before, list, nowMs));
  return {
    ...services,
    config,
    providers,
    clients,
    quotas,
    models,
    verdicts: guest?.verdicts ?? before?.verdicts ?? new Map(),
    breakers: before?.breakers ?? new Breakers(quotas),
    calibrations: guest?.calibrations ?? before?.calibrations ?? new Calibrations(),
    sessions: guest?.sessions ?? before?.sessions ?? new Sessions(),
    waiting: new Waiting(
      config.limits.queue.maxDepth,
      services.nowMs,
      before?.waiting,
      guest?.crowd,
    ),
    bucketNames: ledger.places.map(({ name }) => name),
    places: ledger.places,
  };
}

/** For buckets that only rest, or hold learned quotas. */
const NO_LIMITS: BucketLimits = {
  uncounted: true,
  requestsPerMinute: 0,
  tokensPerMinute: 0,
  requestsPerDay: 0,
  tokensPerDay: 0,
  maxConcurrent: 0,
};

function compileProvider(
  provider: ProviderConfig,
  index: number,
  ledger: Buckets,
  globalBucket: Bucket,
  version: string,
): ProviderRuntime {
  const { rateLimiting, timeouts } = provider;
  const url = new URL(provider.endpoint);
  const tls = url.protocol === 'https:';
  const limits = {
    ...NO_LIMITS,
    requestsPerMinute: rateLimiting.requestsPerMinute,
    tokensPerMinute: rateLimiting.tokensPerMinute,
    maxConcurrent: rateLimiting.maxConcurrent,
  };
  const marks = { org: [markOf(provider)], key: [] };
  const bucket = ledger.add(`provider ${provider.name}`, limits, marks);
  const keys = provider.keys.map((key) => compileKey(provider, key, ledger, version));
  return {
    config: provider,
    index,
    origin: {
      protocol: tls ? 'https:' : 'http:',
      hostname: url.hostname.replace(/^\[|\]$/g, ''),
      port: url.port === '' ? (tls ? 443 : 80) : Number(url.port),
      connectTimeoutMs: timeouts.connectMs,
      firstByteTimeoutMs: timeouts.firstByteMs,
      idleTimeoutMs: timeouts.idleMs,
    },
    basePath: url.pathname.replace(/\/$/, ''),
    bucket,
    chat: dialectOf(provider, url.hostname),
    errorRules: [...provider.errorRules, ...provider.preset.errors],
    keys,
    lanes: new Map(
      provider.models.map((model) => {
        const above = [globalBucket, bucket];
        return [
          model.id,
          compileLanes(
            keys.map((key) => compileLane(provider, key, model, ledger, above)),
            ledger.sent,
          ),
        ];
      }),
    ),
  };
}

function compileLanes(list: readonly Lane[], sent: Int32Array | null): Lanes {
  const orgs = new Set(list.map((lane) => lane.key.orgBucket));
  const byOrg = new Map<Bucket, Lanes>();
  for (const org of orgs) {
    byOrg.set(org, lanesOf(list.filter((lane) => lane.key.orgBucket === org)));
  }
  return { ...lanesOf(list), byOrg, detector: detectorFor(list, sent) };
}

function detectorFor(list: readonly Lane[], sent: Int32Array | null): SharedQuota | null {
  if (list.length < 2 || list.length > MAX_WATCHED_KEYS) return null;
  if (sent === null) return new SharedQuota(list.length);
  return new SharedQuota(list.length, {
    counts: sent,
    at: list.map(({ keyModelBucket }) => keyModelBucket),
  });
}

/** Lanes of one model, or a part of them: those of an org, those that have not failed a request. */
export function lanesOf(list: readonly Lane[]): Lanes {
  return {
    list,
    byOrg: new Map(),
    detector: null,
    range: keyRange({
      paths: list.map((lane) => lane.path),
      counters: list.map((lane) => lane.key.bucket),
      weights: Float64Array.from(list, (lane) => lane.key.config.weight),
      turnBucket: list[0]?.modelBucket ?? (0 as Bucket),
    }),
  };
}

function dialectOf({ preset }: ProviderConfig, hostname: string): ChatDialect {
  return preset.hosts.includes(hostname)
    ? preset.chat
    : { ...preset.chat, ...preset.chatElsewhere };
}

function compileKey(
  provider: ProviderConfig,
  config: KeyConfig,
  ledger: Buckets,
  version: string,
): KeyRuntime {
  const marks = keyMarks(provider, config);
  const limits = {
    requestsPerMinute: config.maxRequestsPerMinute,
    tokensPerMinute: config.maxTokensPerMinute,
    requestsPerDay: config.maxRequestsPerDay,
    tokensPerDay: config.maxTokensPerDay,
    maxConcurrent: config.maxConcurrent,
  };
  const name = `${provider.name}/${config.name}`;
  const org = `${provider.name}/${config.org}`;
  const orgBucket = ledger.add(`org ${org}`, limits, marks.ofOrg);
  return {
    config,
    orgBucket,
    uncachedBucket: compileUncached(provider, config, org, ledger),
    bucket: marks.alone
      ? orgBucket
      : ledger.add(`key ${name}`, { ...NO_LIMITS, uncounted: false }, marks.ofKey),
    headers: keyHeaders(provider, config, version, 'application/json'),
    streamHeaders: keyHeaders(provider, config, version, 'text/event-stream'),
  };
}

/** The second token limit of a plan that has two (WIRE.md §E.2). Learned quotas are booked whole:
 *  no header says which of the two it means, and booking too little ends in a 429. */
function compileUncached(
  provider: ProviderConfig,
  config: KeyConfig,
  org: string,
  ledger: Buckets,
): Bucket | null {
  const tokensPerMinute = config.maxUncachedTokensPerMinute;
  if (tokensPerMinute === 0) return null;
  const limits = { ...NO_LIMITS, tokensPerMinute, countsUncached: true };
  const { ofOrg } = keyMarks(provider, config, ['uncached']);
  return ledger.add(`org-uncached ${org}`, limits, { org: ofOrg.org, key: [] });
}

/** The marks of a key's org and of the key, for one model or for all. */
function keyMarks(provider: ProviderConfig, config: KeyConfig, model: readonly string[] = []) {
  const mates = provider.keys.filter((key) => key.org === config.org);
  const org = mates.map((key) => markOf(provider, 'org', ...model, secretOf(key)));
  const key = [markOf(provider, 'key', ...model, secretOf(config))];
  const alone = mates.length === 1;
  return { alone, ofOrg: { org, key: alone ? key : [] }, ofKey: { org: [], key } };
}

/** The provider's own headers win over the preset's; neither can replace the credentials. */
function keyHeaders(
  provider: ProviderConfig,
  key: KeyConfig,
  version: string,
  accept: string,
): Readonly<Record<string, string>> {
  const credentials: Record<string, string> =
    provider.protocol === 'anthropic'
      ? { 'x-api-key': key.secret }
      : { authorization: `Bearer ${key.secret}` };
  return Object.freeze({
    'user-agent': `cooldown-proxy/${version}`,
    'content-type': 'application/json',
    ...provider.preset.headers,
    ...provider.headers,
    ...(key.secret === '' ? {} : credentials),
    accept,
  });
}

function compileLane(
  provider: ProviderConfig,
  key: KeyRuntime,
  model: ModelFacts,
  ledger: Buckets,
  above: readonly Bucket[],
): Lane {
  const of = `${provider.name}/${key.config.org} ${model.id}`;
  const { rateLimiting, preset } = provider;
  const marks = keyMarks(provider, key.config, [model.id, model.upstream]);
  const modelBucket = ledger.add(`model ${provider.name} ${model.id}`, NO_LIMITS, {
    org: [markOf(provider, 'model', model.id, model.upstream)],
    key: [],
  });
  const limits = {
    ...NO_LIMITS,
    safetyMargin: rateLimiting.safetyMargin,
    backoffThreshold: rateLimiting.backoffThreshold,
    continuousRefill: preset.continuousRefill,
  };
  const orgModelBucket = ledger.add(`org-model ${of}`, limits, marks.ofOrg);
  const alone = key.bucket === key.orgBucket;
  const keyModelBucket = alone
    ? orgModelBucket
    : ledger.add(
        `key-model ${provider.name}/${key.config.name} ${model.id}`,
        NO_LIMITS,
        marks.ofKey,
      );
  const path = [
    ...above,
    modelBucket,
    key.orgBucket,
    orgModelBucket,
    ...(key.uncachedBucket === null ? [] : [key.uncachedBucket]),
    ...(alone ? [] : [key.bucket, keyModelBucket]),
  ];
  return { key, path: Int32Array.from(path), orgModelBucket, keyModelBucket, modelBucket };
}
