/**
 * What does the proxy remember over a restart? A gateway as plain data, and back.
 *
 * Must stay true: no secret and no name of a key is in the data, only hashes of what a bucket
 * counts for (buckets.ts); whatever the data holds, nothing throws, and no more is let through than
 * the configuration allows. What is in flight is not remembered.
 */
import { type Marks, partsOf } from './buckets.ts';
import { isErrorCode } from './errors.ts';
import type { Gateway } from './gateway.ts';
import {
  DISABLED_REST_MS,
  MAX_PROVIDER_TEXT_CHARS,
  MAX_SNAPSHOT_AGE_MS,
  MAX_UNCLAIMED_BUCKETS,
} from './limits.ts';
import type { Bucket } from './quotas/bucket.ts';
import type { Verdict } from './quotas/cooldown-rules.ts';
import { QUOTAS } from './quotas/rate-reading.ts';
import type { BucketSnapshot } from './quotas/snapshot.ts';

/** One bucket, or the part of one that belongs to the account or to the key alone. JSON. */
export interface Remembered {
  /** Hashes of the marks: whoever has one of them goes on here. */
  readonly of: readonly string[];
  readonly state: Readonly<Partial<BucketSnapshot>>;
  /** Why it rests. */
  readonly why?: Readonly<Partial<Pick<Verdict, 'reason' | 'answer' | 'message' | 'quota'>>>;
}

export interface Memory {
  readonly buckets: readonly Remembered[];
  /** By model id: reported / estimated tokens. */
  readonly calibrations: Readonly<Record<string, unknown>>;
}

/** A hash that cannot be turned back, the same for the same mark for as long as the file lives. */
export type Hash = (mark: string) => string;

/** Changes whenever a request starts or ends, and with it all that is worth saving. */
export function revisionOf({ quotas }: Gateway): string {
  const everything = 0 as Bucket; // the global bucket is the first of the table
  return `${quotas.endings[0]} ${quotas.inFlight(everything)}`;
}

/** All that is worth keeping. */
export function remember(gateway: Gateway, hash: Hash): Memory {
  const { quotas, places, verdicts, calibrations, redact } = gateway;
  const nowMs = gateway.nowMs();
  const buckets = places.flatMap(({ marks }, index): Remembered[] => {
    const bucket = index as Bucket;
    const snapshot = quotas.snapshot(bucket, nowMs);
    if (snapshot === undefined) return [];
    const verdict = rests(snapshot) ? verdicts.get(bucket) : undefined;
    return partsOf(marks, snapshot)
      .filter((part) => part.marks.length > 0 && Object.keys(part.snapshot).length > 1)
      .map((part) => ({
        of: part.marks.map(hash),
        state: part.snapshot,
        ...(verdict !== undefined && rests(part.snapshot) ? { why: whyOf(verdict, redact) } : {}),
      }));
  });
  return { buckets, calibrations: calibrations.factors() };
}

/**
 * Takes a memory into a gateway that has just been compiled. Returns the buckets that nobody
 * claimed: their keys are not configured now.
 *
 * A disabled key does not stay disabled for ever: it rests for DISABLED_REST_MS from now, then one
 * request asks, so that a key that was repaired at its provider comes back by itself.
 */
export function recall(gateway: Gateway, memory: Memory, hash: Hash): Remembered[] {
  const { places, models, calibrations } = gateway;
  const nowMs = gateway.nowMs();
  const alive = memory.buckets.filter(({ state }) => isAlive(state.takenMs, nowMs));
  const byHash = new Map<string, Remembered[]>();
  for (const one of alive) {
    for (const key of one.of) byHash.set(key, [...(byHash.get(key) ?? []), one]);
  }
  const claimed = new Set<Remembered>();
  for (const [index, { marks }] of places.entries()) {
    const found = allOf(marks).flatMap((mark) => byHash.get(hash(mark)) ?? []);
    for (const one of new Set(found)) {
      claimed.add(one);
      restore(gateway, index as Bucket, one, nowMs);
    }
  }
  for (const id of models.ids) calibrations.restore(id, memory.calibrations[id]);
  return alive.filter((one) => !claimed.has(one)).slice(-MAX_UNCLAIMED_BUCKETS);
}

function restore(gateway: Gateway, bucket: Bucket, from: Remembered, nowMs: number): void {
  const { quotas, verdicts } = gateway;
  const { disabled, ...state } = from.state;
  if (disabled !== true) quotas.restore(bucket, nowMs, state);
  else quotas.restore(bucket, nowMs, { ...state, restUntilMs: nowMs + DISABLED_REST_MS });
  if (quotas.coolUntilMs(bucket, nowMs) === 0) return;
  const verdict = verdictOf(from.why);
  if (verdict !== undefined) verdicts.set(bucket, verdict);
}

function allOf({ org, key }: Marks): readonly string[] {
  return [...org, ...key];
}

function rests({ disabled, restUntilMs }: BucketSnapshot): boolean {
  return disabled === true || restUntilMs !== undefined;
}

function isAlive(takenMs: unknown, nowMs: number): boolean {
  return typeof takenMs === 'number' && nowMs - takenMs <= MAX_SNAPSHOT_AGE_MS;
}

/** A provider may have quoted the key. */
function whyOf(
  { reason, answer, message, quota }: Verdict,
  redact: Gateway['redact'],
): NonNullable<Remembered['why']> {
  const shown = redact(message).slice(0, MAX_PROVIDER_TEXT_CHARS);
  return { reason, answer, message: shown, ...(quota === undefined ? {} : { quota }) };
}

function verdictOf(why: Remembered['why']): Verdict | undefined {
  const { reason, answer, message, quota } = why ?? {};
  if (typeof reason !== 'string' || typeof message !== 'string') return undefined;
  if (!isErrorCode(answer)) return undefined;
  const known = QUOTAS.find((name) => name === quota);
  return {
    scope: 'key',
    action: 'cool',
    untilMs: 0,
    answer,
    reason: reason.slice(0, MAX_PROVIDER_TEXT_CHARS),
    message: message.slice(0, MAX_PROVIDER_TEXT_CHARS),
    code: '',
    ...(known === undefined ? {} : { quota: known }),
  };
}
