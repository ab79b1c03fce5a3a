/** How does a key stand? One answer for /health, the metrics and the error texts. */
import type { Gateway, KeyRuntime, Lane, ProviderRuntime } from './gateway.ts';
import type { Bucket, BucketState } from './quotas/bucket.ts';

export interface Standing {
  readonly state: BucketState;
  /** The bucket that is to blame for it. */
  readonly bucket: Bucket;
}

const RANK: Readonly<Record<BucketState, number>> = {
  ready: 0,
  pacing: 1,
  cooling: 2,
  disabled: 3,
};

/** A lane stands as its worst bucket does. */
export function laneStanding({ quotas }: Gateway, lane: Lane, nowMs: number): Standing {
  let worst: Standing = { state: 'ready', bucket: lane.key.bucket };
  for (const index of lane.path) {
    const bucket = index as Bucket;
    const state = quotas.stateOf(bucket, nowMs);
    if (RANK[state] > RANK[worst.state]) worst = { state, bucket };
  }
  return worst;
}

/** A key stands as the best of its models does: what can serve anything, can serve. */
export function keyStanding(
  gateway: Gateway,
  provider: ProviderRuntime,
  key: KeyRuntime,
  nowMs: number,
): Standing {
  let best: Standing | undefined;
  for (const lanes of provider.lanes.values()) {
    const lane = lanes.list.find((candidate) => candidate.key === key);
    if (lane === undefined) continue;
    const standing = laneStanding(gateway, lane, nowMs);
    if (best === undefined || RANK[standing.state] < RANK[best.state]) best = standing;
  }
  return best ?? { state: 'ready', bucket: key.bucket };
}

/** How many keys stand in each state, over all providers; states without any are left out. */
export function tallyKeys(gateway: Gateway): ReadonlyMap<BucketState, number> {
  const nowMs = gateway.nowMs();
  const counts = new Map<BucketState, number>();
  for (const provider of gateway.providers) {
    for (const key of provider.keys) {
      const { state } = keyStanding(gateway, provider, key, nowMs);
      counts.set(state, (counts.get(state) ?? 0) + 1);
    }
  }
  return counts;
}
