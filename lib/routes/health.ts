/** GET /health: can the proxy serve, and where does every key stand. Never a secret. */
import { send } from '../answer.ts';
import type { Gateway, KeyRuntime, ProviderRuntime } from '../gateway.ts';
import type { BucketState } from '../quotas/bucket.ts';
import { QUOTAS } from '../quotas/rate-reading.ts';
import { keyStanding } from '../standing.ts';
import type { Route } from './types.ts';

interface KeyHealth extends Record<string, unknown> {
  readonly name: string;
  readonly state: BucketState;
}

interface ProviderHealth {
  readonly name: string;
  readonly status: 'ok' | 'unavailable' | 'disabled';
  readonly keys: readonly KeyHealth[];
}

export const health: Route = {
  kind: 'local',
  answer(call) {
    const { gateway, draining, overload } = call;
    const nowMs = gateway.nowMs();
    const providers = gateway.providers.map((provider) => providerHealth(gateway, provider, nowMs));
    const serves = providers.some(({ status }) => status === 'ok');
    const sound = providers.every(
      ({ status, keys }) => status === 'ok' && keys.every(({ state }) => state !== 'disabled'),
    );
    const status = draining ? 'draining' : sound && overload === null ? 'ok' : 'degraded';
    const body = {
      status,
      ...(overload === null ? {} : { overload }),
      version: gateway.version,
      uptime_seconds: Math.round((nowMs - gateway.startedMs) / 1_000),
      providers,
    };
    send(call, draining || !serves ? 503 : 200, `${JSON.stringify(body)}\n`, {});
  },
};

function providerHealth(
  gateway: Gateway,
  provider: ProviderRuntime,
  nowMs: number,
): ProviderHealth {
  const keys = provider.keys.map((key) => keyHealth(gateway, provider, key, nowMs));
  const serves = keys.some(({ state }) => state === 'ready' || state === 'pacing');
  const status = keys.length === 0 ? 'disabled' : serves ? 'ok' : 'unavailable';
  return { name: provider.config.name, status, keys };
}

function keyHealth(
  gateway: Gateway,
  provider: ProviderRuntime,
  key: KeyRuntime,
  nowMs: number,
): KeyHealth {
  const { state, bucket } = keyStanding(gateway, provider, key, nowMs);
  const { quotas } = gateway;
  const verdict = state === 'ready' ? undefined : gateway.verdicts.get(bucket);
  const untilMs = quotas.coolUntilMs(bucket, nowMs);
  return {
    name: key.config.name,
    org: key.config.org,
    state,
    ...(verdict === undefined ? {} : { reason: verdict.reason }),
    ...(untilMs > 0 ? { until: new Date(untilMs).toISOString() } : {}),
    in_flight: quotas.inFlight(key.orgBucket),
    requests_last_minute: quotas.requestsInWindow(key.orgBucket, nowMs),
    quotas: quotaHealth(gateway, provider, key, nowMs),
  };
}

/** The learned quotas of the key's org, for each model that has told any. */
function quotaHealth(
  gateway: Gateway,
  provider: ProviderRuntime,
  key: KeyRuntime,
  nowMs: number,
): Record<string, unknown> {
  const told: Record<string, unknown> = {};
  for (const [model, lanes] of provider.lanes) {
    const lane = lanes.list.find((candidate) => candidate.key === key);
    if (lane === undefined) continue;
    const byName: Record<string, unknown> = {};
    for (const name of QUOTAS) {
      const { limit, remaining, resetAtMs } = gateway.quotas.standing(
        lane.orgModelBucket,
        nowMs,
        name,
      );
      if (limit < 0 && remaining < 0) continue;
      const resetS = resetAtMs < 0 ? undefined : Math.max(0, (resetAtMs - nowMs) / 1_000);
      byName[name] = { limit, remaining, reset_seconds: resetS };
    }
    if (Object.keys(byName).length > 0) told[model] = byName;
  }
  return told;
}
