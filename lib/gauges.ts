/**
 * What do the keys and queues look like right now? Gauges that are read when somebody scrapes.
 *
 * Must stay true: a key's quota is what its provider said last, the tightest of its models; where
 * the provider has said nothing it is the configured limit; a quota that nobody limits has no
 * sample.
 */
import type { Gateway, KeyRuntime, ProviderRuntime } from './gateway.ts';
import { keyStanding } from './standing.ts';
import { setKeyState } from './telemetry/metrics.ts';

const QUOTA_LABELS = ['requests_minute', 'requests_day', 'tokens_minute', 'tokens_day'] as const;
type QuotaLabel = (typeof QUOTA_LABELS)[number];

/** A quota of a key; undefined what is not known. */
interface KeyQuota {
  readonly limit: number | undefined;
  readonly remaining: number | undefined;
  readonly resetSeconds: number | undefined;
}

/** Feeds the gauges of a gateway from now on, in place of those of the gateway before. */
export function registerGauges(gateway: Gateway): void {
  const { metrics, quotas, providers } = gateway;
  const quotaGauges = [
    { gauge: metrics.keyLimit, read: ({ limit }: KeyQuota) => limit },
    { gauge: metrics.keyRemaining, read: ({ remaining }: KeyQuota) => remaining },
    { gauge: metrics.keyReset, read: ({ resetSeconds }: KeyQuota) => resetSeconds },
  ];
  for (const { gauge, read } of quotaGauges) {
    gauge.collect(() => {
      forEachQuota(gateway, (provider, key, label, quota) => {
        const value = read(quota);
        if (value !== undefined) gauge.labels(provider, key, label).set(value);
      });
    });
  }
  metrics.keyState.collect(() => {
    const nowMs = gateway.nowMs();
    forEachKey(gateway, (provider, key) => {
      const { state } = keyStanding(gateway, provider, key, nowMs);
      setKeyState(metrics.keyState, provider.config.name, key.config.name, state);
    });
  });
  metrics.inFlight.collect(() => {
    for (const { config, bucket } of providers) {
      metrics.inFlight.labels(config.name).set(quotas.inFlight(bucket));
    }
  });
  metrics.queueDepth.collect(() => {
    for (const { config, index } of providers) {
      metrics.queueDepth.labels(config.name).set(queueDepth(gateway, index));
    }
  });
}

/** Requests that wait and have this provider as their first choice. */
function queueDepth({ models, waiting }: Gateway, provider: number): number {
  let depth = 0;
  for (const id of models.ids) {
    if (models.find(id).candidates[0]?.provider === provider) depth += waiting.depthOf(id);
  }
  return depth;
}

function forEachKey(
  { providers }: Gateway,
  visit: (provider: ProviderRuntime, key: KeyRuntime) => void,
): void {
  for (const provider of providers) for (const key of provider.keys) visit(provider, key);
}

function forEachQuota(
  gateway: Gateway,
  visit: (provider: string, key: string, label: QuotaLabel, quota: KeyQuota) => void,
): void {
  const nowMs = gateway.nowMs();
  forEachKey(gateway, (provider, key) => {
    for (const label of QUOTA_LABELS) {
      const quota =
        learnedQuota(gateway, provider, key, label, nowMs) ??
        configuredQuota(gateway, key, label, nowMs);
      if (quota !== undefined) visit(provider.config.name, key.config.name, label, quota);
    }
  });
}

/** Providers limit a key per model; of those the one with the least left is shown. */
function learnedQuota(
  { quotas }: Gateway,
  provider: ProviderRuntime,
  key: KeyRuntime,
  label: QuotaLabel,
  nowMs: number,
): KeyQuota | undefined {
  let tightest: KeyQuota | undefined;
  for (const { list } of provider.lanes.values()) {
    const lane = list.find((candidate) => candidate.key === key);
    if (lane === undefined) continue;
    const { limit, remaining, resetAtMs } = quotas.standing(lane.orgModelBucket, nowMs, label);
    if (limit < 0 && remaining < 0) continue;
    const quota = {
      limit: limit < 0 ? undefined : limit,
      remaining: remaining < 0 ? undefined : remaining,
      resetSeconds: resetAtMs < 0 ? undefined : Math.max(0, (resetAtMs - nowMs) / 1_000),
    };
    if (tightest === undefined || leftOf(quota) < leftOf(tightest)) tightest = quota;
  }
  return tightest;
}

function leftOf({ remaining, limit }: KeyQuota): number {
  return remaining ?? limit ?? Number.POSITIVE_INFINITY;
}

const CONFIGURED = {
  requests_minute: 'maxRequestsPerMinute',
  requests_day: 'maxRequestsPerDay',
  tokens_minute: 'maxTokensPerMinute',
  tokens_day: 'maxTokensPerDay',
} as const;

/** A rolling window has no moment at which it is whole again, so there is no reset. */
function configuredQuota(
  { quotas }: Gateway,
  { config, orgBucket }: KeyRuntime,
  label: QuotaLabel,
  nowMs: number,
): KeyQuota | undefined {
  const limit = config[CONFIGURED[label]];
  if (limit === 0) return undefined;
  const remaining = Math.max(0, limit - quotas.usedInWindow(orgBucket, nowMs, label));
  return { limit, remaining, resetSeconds: undefined };
}
