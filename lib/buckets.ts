/**
 * Which buckets does a configuration need, and which of those it had before are the same?
 *
 * A bucket is the same when it counts for the same key: the secret at its endpoint, not the name.
 * So a key that was replaced starts fresh, and one that was renamed, or got company in its org,
 * goes on. Must stay true: a bucket keeps its place in the table for as long as anything in it can
 * matter, so that what a request of an earlier configuration holds can be settled.
 */
import type { KeyConfig, ProviderConfig } from './config/types.ts';
import { MAX_SNAPSHOT_AGE_MS } from './limits.ts';
import type { Bucket, BucketLimits } from './quotas/bucket.ts';
import type { BucketSnapshot } from './quotas/snapshot.ts';

/** What a bucket counts for: texts that hold secrets, so never shown, and hashed where they are
 *  kept. A key that is alone in its org has one bucket for both. */
export interface Marks {
  /** The account: limits, counts, learned quotas. Or what stands above all keys. */
  readonly org: readonly string[];
  /** The key: why it rests or is disabled. */
  readonly key: readonly string[];
}

export interface Place {
  readonly name: string;
  readonly limits: BucketLimits;
  readonly marks: Marks;
  /** When it left the configuration, ms since 1970; 0 = it is in it. */
  readonly retiredMs: number;
}

/** What a bucket that is not the successor of an old one, or of more than one, gets from it. */
export interface Gift {
  readonly to: Bucket;
  readonly from: Bucket;
}

const NO_MARKS: Marks = { org: [], key: [] };

/** The buckets of a configuration while it is compiled. */
export interface Buckets {
  /** By bucket, what all threads together have sent, where there are several. */
  readonly sent: Int32Array | null;
  readonly places: readonly Place[];
  /** The same name is the same bucket. */
  add(name: string, limits: BucketLimits, marks: Marks): Bucket;
  finish(): unknown;
}

/** Buckets that another thread has given their places: every thread must count in the same ones. */
export class GivenBuckets implements Buckets {
  readonly sent: Int32Array;
  readonly places: readonly Place[];
  readonly #byName = new Map<string, Bucket>();

  constructor(places: readonly Place[], sent: Int32Array) {
    this.places = places;
    this.sent = sent;
    for (const [index, { name, retiredMs }] of places.entries()) {
      if (retiredMs === 0) this.#byName.set(name, index as Bucket);
    }
  }

  add(name: string): Bucket {
    const bucket = this.#byName.get(name);
    if (bucket === undefined) throw new Error(`no place was given for the bucket ${name}`);
    return bucket;
  }

  finish(): this {
    return this;
  }
}

/** Places as other threads need them: what a bucket counts for is a secret, and not their
 *  business. */
export function withoutMarks(places: readonly Place[]): readonly Place[] {
  return places.map((place) => ({ ...place, marks: NO_MARKS }));
}

/** Collects the buckets of a table; the same name is the same bucket. */
export class BucketList implements Buckets {
  readonly sent = null;
  readonly places: Place[];
  /** Buckets that begin with nothing, in places where others were long ago. */
  readonly emptied: Bucket[] = [];
  readonly gifts: Gift[] = [];
  /** Successors whose key is another one: its rests are not theirs. */
  readonly reopened: Bucket[] = [];
  readonly #before: readonly Place[];
  readonly #byName = new Map<string, Bucket>();
  readonly #byMark = new Map<string, Bucket[]>();
  readonly #taken = new Set<Bucket>();
  readonly #free: Bucket[] = [];

  /** `before`: the places of the table so far, if there is one. */
  constructor(before: readonly Place[], nowMs: number) {
    this.#before = before;
    this.places = before.map((place) => ({ ...place, retiredMs: place.retiredMs || nowMs }));
    for (const [index, { marks, retiredMs }] of this.places.entries()) {
      const bucket = index as Bucket;
      if (nowMs - retiredMs > MAX_SNAPSHOT_AGE_MS) {
        this.#free.push(bucket);
        continue;
      }
      for (const mark of [...marks.org, ...marks.key]) {
        this.#byMark.set(mark, [...(this.#byMark.get(mark) ?? []), bucket]);
      }
    }
  }

  get limits(): readonly BucketLimits[] {
    return this.places.map(({ limits }) => limits);
  }

  add(name: string, limits: BucketLimits, marks: Marks): Bucket {
    const known = this.#byName.get(name);
    if (known !== undefined) return known;
    const matching = this.#matching(marks);
    const bucket = matching.find((old) => this.#succeeds(marks, old)) ?? this.#newPlace();
    for (const from of matching) if (from !== bucket) this.gifts.push({ to: bucket, from });
    const old = this.#before[bucket]?.marks.key ?? [];
    const same = old.length === 0 || marks.key.some((mark) => old.includes(mark));
    if (!same && matching.includes(bucket)) this.reopened.push(bucket);
    this.places[bucket] = { name, limits, marks, retiredMs: 0 };
    this.#taken.add(bucket);
    this.#byName.set(name, bucket);
    return bucket;
  }

  /** To be called when all are added: what has given all it had away must not give it again. */
  finish(): this {
    for (const { from } of this.gifts) {
      if (this.#taken.has(from)) continue;
      this.places[from] = { ...(this.places[from] as Place), marks: NO_MARKS };
    }
    return this;
  }

  #matching({ org, key }: Marks): Bucket[] {
    return [...new Set([...org, ...key].flatMap((mark) => this.#byMark.get(mark) ?? []))];
  }

  /** A key's own bucket does not succeed to that of an account: its counts are not the key's. */
  #succeeds({ org }: Marks, old: Bucket): boolean {
    const before = this.#before[old]?.marks.org ?? [];
    return !this.#taken.has(old) && (org.length === 0) === (before.length === 0);
  }

  #newPlace(): Bucket {
    const free = this.#free.pop();
    if (free === undefined) return this.places.length as Bucket;
    this.emptied.push(free);
    return free;
  }
}

/** A snapshot in the parts that belong to the account and to the key, each with its marks. */
export function partsOf(
  { org, key }: Marks,
  { takenMs, windows, learned, pausedUntilMs, ...own }: BucketSnapshot,
): readonly { readonly marks: readonly string[]; readonly snapshot: BucketSnapshot }[] {
  const counts = {
    takenMs,
    ...(windows === undefined ? {} : { windows }),
    ...(learned === undefined ? {} : { learned }),
    ...(pausedUntilMs === undefined ? {} : { pausedUntilMs }),
  };
  if (org.length === 0) return [{ marks: key, snapshot: { ...counts, ...own } }];
  if (key.length === 0) return [{ marks: org, snapshot: { ...counts, ...own } }];
  return [
    { marks: org, snapshot: counts },
    { marks: key, snapshot: { takenMs, ...own } },
  ];
}

/** `parts`: what the thing is, then what tells it from others of its kind. */
export function markOf({ name, endpoint }: ProviderConfig, ...parts: readonly string[]): string {
  return JSON.stringify([name, endpoint, ...parts]);
}

/** What tells a key from others: its secret, or its name where it needs none. */
export function secretOf({ secret, name }: KeyConfig): string {
  return secret === '' ? `name ${name}` : `secret ${secret}`;
}
