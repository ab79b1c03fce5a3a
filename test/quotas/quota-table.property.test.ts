/**
 * Random operations on the table and on a plain oracle: both must say the same after every one.
 * OPS and SEED in the environment make it longer or repeat a run.
 */
import assert from 'node:assert/strict';
import test from 'node:test';
import { type Bucket, type BucketLimits, REFUSED } from '../../lib/quotas/bucket.ts';
import { type Lease, newLease } from '../../lib/quotas/lease.ts';
import { QuotaTable } from '../../lib/quotas/quota-table.ts';
import { seeded } from '../support/seeded.ts';
import { Oracle, type OracleLease } from './oracle.ts';

const OPS = Number(process.env.OPS ?? 50_000);
const SEED = Number(process.env.SEED ?? 20_261_123);
const OPS_PER_WORLD = 5_000;
const MINUTE_MS = 60_000;
const BORN_MS = 1_790_000_000_123;

interface Held {
  readonly path: Int32Array;
  readonly lease: Lease;
  readonly model: OracleLease;
}

interface Start {
  readonly realMs: number;
  readonly path: readonly number[];
  tokens: number;
  requests: number;
}

/** 0 global, 1 provider, 2-3 orgs, 4-6 keys, 7-9 keys for a model. Two keys share an org. */
const PATHS = [
  [0, 1, 2, 4, 7],
  [0, 1, 2, 5, 8],
  [0, 1, 3, 6, 9],
];

class World {
  readonly #random: () => number;
  readonly #limits: BucketLimits[];
  readonly #table: QuotaTable;
  readonly #oracle: Oracle;
  readonly #held: Held[] = [];
  readonly #starts: Start[] = [];
  readonly #byLease = new Map<Lease, Start>();
  #wallMs = BORN_MS;
  /** What really passed: the wall clock may jump, this does not. */
  #realMs = 0;
  admitted = 0;
  waited = 0;

  constructor(seed: number) {
    this.#random = seeded(seed);
    this.#limits = Array.from({ length: 10 }, () => this.#randomLimits());
    this.#table = new QuotaTable(this.#limits, { bornMs: BORN_MS });
    this.#oracle = new Oracle(this.#limits, BORN_MS);
  }

  step(): void {
    const dice = this.#random();
    if (dice < 0.5) this.#reserve();
    else if (dice < 0.62) this.#end('settle');
    else if (dice < 0.66) this.#end('cancel');
    else if (dice < 0.72) this.#answered();
    else if (dice < 0.74) this.#punish();
    else if (dice < 0.76) this.#waitForRoom();
    else this.#passTime();
    this.#compare();
  }

  finish(): void {
    while (this.#held.length > 0) this.#end('settle');
    for (let bucket = 0; bucket < this.#limits.length; bucket++) {
      assert.equal(this.#table.inFlight(bucket as Bucket), 0, 'a place in flight leaked');
    }
    this.#wallMs += 26 * 3_600_000;
    for (let bucket = 0; bucket < this.#limits.length; bucket++) {
      for (const window of ['requests_minute', 'tokens_minute', 'requests_day'] as const) {
        assert.equal(this.#table.usedInWindow(bucket as Bucket, this.#wallMs, window), 0);
      }
    }
  }

  #randomLimits(): BucketLimits {
    const some = (limit: number) => (this.#random() < 0.5 ? 0 : 1 + this.#below(limit));
    return {
      requestsPerMinute: some(20),
      tokensPerMinute: some(5_000),
      requestsPerDay: some(400),
      tokensPerDay: some(100_000),
      maxConcurrent: some(8),
    };
  }

  /** The computed moment is the first one with room: not a millisecond earlier, and not later. */
  #waitForRoom(): void {
    const path = PATHS[this.#below(PATHS.length)] as number[];
    const buckets = Int32Array.from(path);
    const tokens = this.#below(600);
    const atMs = this.#table.admissibleAtMs(buckets, this.#wallMs, tokens);
    if (atMs === Number.POSITIVE_INFINITY || atMs === this.#wallMs) return;
    const waitMs = atMs - this.#wallMs;
    assert.ok(waitMs > 0 && Number.isInteger(waitMs), `waits ${waitMs} ms`);
    this.#realMs += waitMs;
    this.#wallMs = atMs - 1;
    assert.equal(this.#table.admission(buckets, this.#wallMs, tokens), REFUSED, 'too early');
    this.#oracle.sync(this.#wallMs);
    this.#wallMs = atMs;
    assert.notEqual(this.#table.admission(buckets, this.#wallMs, tokens), REFUSED, 'in time');
    this.#reserve(path, tokens);
    this.waited += 1;
  }

  #reserve(path = PATHS[this.#below(PATHS.length)] as number[], tokens = this.#below(600)): void {
    const buckets = Int32Array.from(path);
    const lease = newLease();
    const admissibleAtMs = this.#table.admissibleAtMs(buckets, this.#wallMs, tokens);
    const taken = this.#table.tryReserve(buckets, this.#wallMs, tokens, lease);
    const model = this.#oracle.reserve(path, this.#wallMs, tokens);
    assert.equal(taken, model !== undefined, 'admitted');
    assert.equal(admissibleAtMs === this.#wallMs, taken, 'admissible now');
    assert.equal(lease.held, taken);
    if (model === undefined) return;
    this.admitted += 1;
    this.#held.push({ path: buckets, lease, model });
    const start = { realMs: this.#realMs, path, tokens, requests: 1 };
    this.#starts.push(start);
    this.#byLease.set(lease, start);
    this.#checkWindows(path);
  }

  /** Independent of any ring: what really started in the last 60 real seconds. */
  #checkWindows(path: readonly number[]): void {
    const since = this.#realMs - MINUTE_MS;
    const oldest = this.#starts.findIndex((start) => start.realMs > since);
    this.#starts.splice(0, Math.max(0, oldest));
    for (const bucket of path) {
      const limits = this.#limits[bucket] as BucketLimits;
      const recent = this.#starts.filter((start) => start.path.includes(bucket));
      const requests = recent.reduce((sum, start) => sum + start.requests, 0);
      const tokens = recent.reduce((sum, start) => sum + start.tokens, 0);
      assert.ok(!limits.requestsPerMinute || requests <= limits.requestsPerMinute, 'requests');
      assert.ok(!limits.tokensPerMinute || tokens <= limits.tokensPerMinute, 'tokens');
    }
  }

  #end(how: 'settle' | 'cancel'): void {
    const [held] = this.#held.splice(this.#below(this.#held.length), 1);
    if (held === undefined) return;
    const { path, lease, model } = held;
    const start = this.#byLease.get(lease) as Start;
    if (how === 'settle') {
      const used = this.#below(800);
      assert.equal(this.#table.settle(path, lease, this.#wallMs, used), true);
      this.#oracle.settle(model, this.#wallMs, used);
      start.tokens = used;
    } else {
      assert.equal(this.#table.cancel(path, lease, this.#wallMs), true);
      this.#oracle.cancel(model, this.#wallMs);
      Object.assign(start, { tokens: 0, requests: 0 });
    }
    this.#byLease.delete(lease);
    assert.equal(this.#table.settle(path, lease, this.#wallMs, 1), false, 'a second settle');
    assert.equal(this.#table.cancel(path, lease, this.#wallMs), false, 'a second cancel');
  }

  #answered(): void {
    const held = this.#held[this.#below(this.#held.length)];
    if (held === undefined) return;
    this.#table.answered(held.path, held.lease);
    this.#oracle.answered(held.model);
  }

  #punish(): void {
    const bucket = this.#below(this.#limits.length) as Bucket;
    const dice = this.#random();
    if (dice < 0.4) {
      const untilMs = this.#wallMs + 1 + this.#below(90_000);
      this.#table.cool(bucket, this.#wallMs, untilMs);
      this.#oracle.cool(bucket, this.#wallMs, untilMs);
    } else if (dice < 0.8) {
      this.#table.rest(bucket, this.#wallMs);
      this.#oracle.rest(bucket, this.#wallMs);
    } else if (dice < 0.85) {
      this.#table.disable(bucket);
      (this.#oracle.gates[bucket] as { disabled: boolean }).disabled = true;
    } else {
      this.#table.enable(bucket);
      this.#oracle.enable(bucket);
    }
  }

  #passTime(): void {
    const dice = this.#random();
    const stepMs = dice < 0.8 ? this.#below(3_000) : dice < 0.97 ? this.#below(70_000) : 0;
    const longMs = dice > 0.997 ? this.#below(30 * 3_600_000) : 0;
    this.#realMs += stepMs + longMs;
    this.#wallMs += stepMs + longMs;
    if (dice > 0.97 && dice < 0.985) this.#wallMs -= this.#below(90_000);
    if (dice > 0.985 && dice < 0.99) this.#wallMs -= this.#below(10 * 3_600_000);
  }

  #compare(): void {
    this.#oracle.sync(this.#wallMs);
    const bucket = this.#below(this.#limits.length) as Bucket;
    const used = (window: Parameters<QuotaTable['usedInWindow']>[2]) =>
      this.#table.usedInWindow(bucket, this.#wallMs, window);
    const limits = this.#limits[bucket] as BucketLimits;
    assert.equal(used('requests_minute'), this.#oracle.minute(bucket).requests);
    if (limits.tokensPerMinute > 0) {
      assert.equal(used('tokens_minute'), this.#oracle.minute(bucket).tokens);
    }
    if (limits.requestsPerDay > 0) {
      assert.equal(used('requests_day'), this.#oracle.day(bucket).requests);
    }
    if (limits.tokensPerDay > 0) assert.equal(used('tokens_day'), this.#oracle.day(bucket).tokens);
    assert.equal(this.#table.inFlight(bucket), this.#oracle.inFlight[bucket]);
  }

  #below(end: number): number {
    return Math.floor(this.#random() * end);
  }
}

test(`${OPS} random operations say what the oracle says (seed ${SEED})`, () => {
  let admitted = 0;
  let waited = 0;
  for (let done = 0, seed = SEED; done < OPS; done += OPS_PER_WORLD, seed++) {
    const world = new World(seed);
    for (let op = 0; op < OPS_PER_WORLD; op++) {
      try {
        world.step();
      } catch (error) {
        throw new Error(`seed ${seed}, operation ${op}`, { cause: error });
      }
    }
    world.finish();
    admitted += world.admitted;
    waited += world.waited;
  }
  assert.ok(admitted > OPS / 50, `only ${admitted} were admitted: the worlds are too narrow`);
  assert.ok(waited > OPS / 1_000, `only ${waited} waits were tried`);
});
