/**
 * May this request start now, and if not, when?
 *
 * All counters of all tiers (global, provider, org, org and model, key, key and model) are buckets
 * of one table in one SharedArrayBuffer, changed only with Atomics, so that every worker thread
 * sees one truth and none holds a lock. A request touches a path of buckets: it takes from all of
 * them or from none.
 *
 * Must stay true, whatever threads and clocks do:
 * - In any 60 seconds a bucket has at most `requestsPerMinute` starts, and no more tokens reserved
 *   than `tokensPerMinute`; the same for 24 hours, and for requests in flight.
 * - What a lease took is given back once. A sum is never below what its slots hold
 * (window-ring.ts). - Nothing a provider said can make more than the configured limits possible,
 * only less. - tryReserve, admission, settle and cancel allocate nothing.
 *
 * The parts: window-ring.ts (counts per minute and day), gates.ts (disabled, cooling, one probe,
 * ramp), concurrency.ts (in flight), learned-quotas.ts (what headers said, pacing), table-clock.ts.
 */
import { MAX_COOLDOWN_MS, MAX_PATH_BUCKETS } from '../limits.ts';
import {
  type Admission,
  type Block,
  type Bucket,
  type BucketLimits,
  type BucketState,
  PACED,
  type QuotaStanding,
  READY,
  REFUSED,
} from './bucket.ts';
import type { ConcurrencyLimits } from './concurrency.ts';
import { type Gates, NO_ENTRY } from './gates.ts';
import type { Holdings } from './holdings.ts';
import type { LearnedQuotas } from './learned-quotas.ts';
import type { Lease } from './lease.ts';
import type { QuotaName, RateReading } from './rate-reading.ts';
import { type BucketSnapshot, putSnapshot, takeSnapshot } from './snapshot.ts';
import type { TableClock } from './table-clock.ts';
import { TableParts } from './table-parts.ts';
import { countOf } from './window-ring.ts';
import type { WindowName, Windows } from './windows.ts';

export class QuotaTable {
  #parts!: TableParts;
  // The parts once more: one step less on the way to them, and they are asked for all the time.
  #clock!: TableClock;
  #windows!: Windows;
  #gates!: Gates;
  #concurrency!: ConcurrencyLimits;
  #learned!: LearnedQuotas;
  readonly #holdings: Holdings | null;

  /** `bornMs` is the time now; `shared` the buffer of a table of the same buckets in another
   *  thread. With `room` for more buckets than these it stays the same buffer for good. Throws
   *  RangeError where a buffer or its room is too small. `holdings`: where this thread writes down
   *  what it has in flight, for whoever gives it back should the thread die. */
  constructor(
    buckets: readonly BucketLimits[],
    from: { bornMs: number; room?: number } | { shared: SharedArrayBuffer },
    holdings: Holdings | null = null,
  ) {
    this.#use(new TableParts(buckets, from));
    this.#holdings = holdings;
  }

  /** Hand it to `new QuotaTable(sameBuckets, { shared })` in another thread. */
  get shared(): SharedArrayBuffer {
    return this.#parts.shared;
  }

  get bucketCount(): number {
    return this.#parts.bucketCount;
  }

  /** Index 0 counts reservations that ended. A thread may `Atomics.waitAsync` on it. */
  get endings(): Int32Array {
    return this.#parts.endings;
  }

  /** Faults in a row, by bucket (breakers.ts). Another array after `grow`. */
  get faults(): Int32Array {
    return this.#parts.faults;
  }

  /** Gives back the places in flight of a thread that is dead. What it had reserved stays booked
   *  in its windows: nobody knows how much of it was used. */
  giveBack(holdings: Holdings): void {
    holdings.giveBack(this.#concurrency, this.#gates);
    Atomics.add(this.#parts.endings, 0, 1);
  }

  /** From now on these are the buckets and their limits: those of before, in their places, then new
   *  ones. All that the table holds stays, what is in flight and its leases included, but for the
   *  buckets of `emptied`. The buffer is another one (other threads need the new `shared`) unless
   *  it has room: then every thread grows by itself, and nothing is copied. */
  grow(buckets: readonly BucketLimits[], emptied: readonly Bucket[], nowMs: number): void {
    const { shared, room } = this.#parts;
    this.#use(new TableParts(buckets, room > 0 ? { shared } : { before: this.#parts }));
    for (const bucket of emptied) this.#parts.clear(bucket);
    this.#sync(nowMs);
  }

  /** Takes one request and `tokens` from every bucket of the path, or nothing from any. `lease`
   *  must hold nothing; it holds the reservation when the answer is true. */
  tryReserve(path: Int32Array, nowMs: number, tokens: number, lease: Lease): boolean {
    if (this.admission(path, nowMs, tokens) === REFUSED) return false;
    return this.reserveChecked(path, tokens, lease);
  }

  /** The second half of tryReserve, for a path that `admission` has just let through: at the time
   *  of the last call that named one. */
  reserveChecked(path: Int32Array, tokens: number, lease: Lease): boolean {
    if (lease.held || path.length > MAX_PATH_BUCKETS) return false;
    lease.second = this.#clock.second;
    lease.hour = this.#clock.hour;
    lease.ms = this.#clock.ms;
    lease.tokens = countOf(tokens);
    lease.answered = false;
    for (let place = 0; place < path.length; place++) {
      if (this.#take(path[place] as number, place, lease)) continue;
      while (--place >= 0) this.#undo(path[place] as number, place, lease);
      return false;
    }
    lease.held = true;
    return true;
  }

  /** What tryReserve would say now, without taking anything. */
  admission(path: Int32Array, nowMs: number, tokens: number): Admission {
    this.#sync(nowMs);
    return this.admissionOfPart(path, 0, path.length, countOf(tokens));
  }

  /** The same for `buckets[from, to)`, at the time of the last call that named one. */
  admissionOfPart(buckets: Int32Array, from: number, to: number, tokens: number): Admission {
    let worst: Admission = READY;
    for (let place = from; place < to; place++) {
      const found = this.#admissionOf(buckets[place] as number, tokens);
      if (found === REFUSED) return REFUSED;
      if (found < worst) worst = found;
    }
    return worst;
  }

  /** The provider has accepted the request (2xx headers): ends the doubling of rests, lets a ramp
   *  grow, counts towards one more request in flight. Once per lease. */
  answered(path: Int32Array, lease: Lease): void {
    if (!lease.held || lease.answered) return;
    lease.answered = true;
    for (let place = 0; place < path.length; place++) {
      const bucket = path[place] as number;
      this.#gates.answered(bucket, lease.tickets[place] as number);
      this.#concurrency.grow(bucket);
    }
  }

  /** The request is over, however it ended (an aborted one with what it used so far): frees its
   *  places in flight and corrects the tokens where they were reserved, with those not read from a
   *  cache where only they count. False, and nothing is done, when the lease holds nothing. */
  settle(path: Int32Array, lease: Lease, nowMs: number, used: number, uncached = used): boolean {
    if (!this.#end(lease, nowMs)) return false;
    for (let place = 0; place < path.length; place++) {
      const bucket = path[place] as number;
      this.#leave(bucket, lease.tickets[place] as number);
      const tokens = countOf(this.#parts.countsUncached[bucket] === 1 ? uncached : used);
      if (tokens === lease.tokens) continue;
      this.#windows.correctTokens(bucket, this.#clock, lease, tokens - lease.tokens);
      this.#learned.correct(bucket, this.#clock.ms, lease, tokens);
    }
    Atomics.add(this.#parts.endings, 0, 1);
    return true;
  }

  /** The request never went out: everything goes back, its start included. False as in settle. */
  cancel(path: Int32Array, lease: Lease, nowMs: number): boolean {
    if (!this.#end(lease, nowMs)) return false;
    for (let place = 0; place < path.length; place++) {
      this.#undo(path[place] as number, place, lease);
    }
    Atomics.add(this.#parts.endings, 0, 1);
    return true;
  }

  /** The earliest moment at which tryReserve could say yes if nothing else happened: `nowMs` when
   *  it would now; Infinity when only the end of another request helps, or nothing
   *  (`neverFits`). */
  admissibleAtMs(path: Int32Array, nowMs: number, tokens: number): number {
    return this.blockedBy(path, nowMs, tokens)?.untilMs ?? nowMs;
  }

  /** Whether the request is larger than a configured limit of its path will ever allow. */
  neverFits(path: Int32Array, tokens: number): boolean {
    return path.some((bucket) => this.#windows.neverFits(bucket, countOf(tokens)));
  }

  /** The bucket and limit that refuse for the longest time, or undefined when there is room. */
  blockedBy(path: Int32Array, nowMs: number, tokens: number): Block | undefined {
    this.#sync(nowMs);
    const need = countOf(tokens);
    let worst: Block | undefined;
    for (const bucket of path) {
      for (const { limit, waitMs } of this.#parts.waits(bucket, need)) {
        const untilMs = nowMs + waitMs;
        if (waitMs <= 0 || (worst !== undefined && untilMs <= worst.untilMs)) continue;
        worst = { bucket: bucket as Bucket, limit, untilMs };
      }
    }
    return worst;
  }

  /** Lets a bucket rest until `untilMs`; of two ends the later holds, and none is later than
   *  MAX_COOLDOWN_MS from now. Afterwards one probe goes through, then a ramp. Returns the end. */
  cool(bucket: Bucket, nowMs: number, untilMs: number): number {
    this.#sync(nowMs);
    if (!(untilMs > nowMs)) return this.coolUntilMs(bucket, nowMs) || nowMs;
    const restMs = Math.min(MAX_COOLDOWN_MS, Math.ceil(untilMs - nowMs));
    const { ms } = this.#clock;
    return nowMs + this.#clock.msUntil(this.#gates.cool(bucket, ms, (ms + restMs) | 0));
  }

  /** Rest after a refusal that names no end: FIRST_REST_MS, doubling to MAX_REST_MS while it
   *  repeats without an answer in between. Refusals during one rest count once. Returns the end. */
  rest(bucket: Bucket, nowMs: number): number {
    this.#sync(nowMs);
    return nowMs + this.#clock.msUntil(this.#gates.rest(bucket, this.#clock.ms));
  }

  /** End of the rest of a bucket that is cooling, else 0. */
  coolUntilMs(bucket: Bucket, nowMs: number): number {
    this.#sync(nowMs);
    if (!this.#gates.isCooling(bucket, this.#clock.ms)) return 0;
    return nowMs + this.#clock.msUntil(this.#gates.end(bucket));
  }

  disable(bucket: Bucket): void {
    this.#gates.disable(bucket);
  }

  /** Ends a disablement and any rest, at once and without a ramp. */
  enable(bucket: Bucket): void {
    this.#gates.enable(bucket, this.#clock.ms);
  }

  /** Too many at once: the learned concurrency of the bucket halves. */
  lowerConcurrency(bucket: Bucket, nowMs: number): void {
    this.#sync(nowMs);
    this.#concurrency.halve(bucket, this.#clock.ms);
  }

  /** The learned concurrency; 0 = none. */
  learnedConcurrency(bucket: Bucket): number {
    return this.#concurrency.learned(bucket);
  }

  /** Takes over what the headers of an answer said (rate-headers.ts). */
  learn(bucket: Bucket, nowMs: number, readings: readonly RateReading[]): void {
    this.#sync(nowMs);
    for (const reading of readings) {
      const inMs = reading.resetAtMs === undefined ? undefined : reading.resetAtMs - nowMs;
      this.#learned.learn(bucket, this.#clock.ms, reading, inMs);
    }
  }

  /** After a 429 for `quota` that names `untilMs` as the reset: when to ask again. Earlier than
   *  that where the quota refills all the time and by its rate `need` fits before. */
  probeAtMs(b: Bucket, nowMs: number, quota: QuotaName, untilMs: number, need: number): number {
    this.#sync(nowMs);
    const refillMs = this.#learned.refillMs(b, this.#clock.ms, quota, countOf(need));
    return refillMs === undefined ? untilMs : Math.min(untilMs, nowMs + refillMs);
  }

  /** A learned quota as it stands now (for metrics, health and error texts). */
  standing(bucket: Bucket, nowMs: number, quota: QuotaName): QuotaStanding {
    this.#sync(nowMs);
    const [limit, remaining, inMs] = this.#learned.standing(bucket, this.#clock.ms, quota);
    return { limit, remaining, resetAtMs: inMs < 0 ? -1 : nowMs + inMs };
  }

  stateOf(bucket: Bucket, nowMs: number): BucketState {
    this.#sync(nowMs);
    const { ms } = this.#clock;
    if (this.#gates.isDisabled(bucket)) return 'disabled';
    if (this.#gates.isCooling(bucket, ms)) return 'cooling';
    if (this.#learned.isExhausted(bucket, ms, 1)) return 'cooling';
    if (this.#learned.isLow(bucket, ms)) return 'pacing';
    return this.#admissionOf(bucket, 1) === REFUSED ? 'pacing' : 'ready';
  }

  /** Starts in the last 60 seconds. */
  requestsInWindow(bucket: Bucket, nowMs: number): number {
    this.#sync(nowMs);
    return this.#windows.starts(bucket, this.#clock);
  }

  /** The same at the time of the last call that named one. */
  startsInMinute(bucket: Bucket): number {
    return this.#windows.starts(bucket, this.#clock);
  }

  /** What a configured window holds now; 0 where the bucket has no such limit. */
  usedInWindow(bucket: Bucket, nowMs: number, window: WindowName): number {
    this.#sync(nowMs);
    return this.#windows.used(bucket, this.#clock, window);
  }

  inFlight(bucket: Bucket): number {
    return this.#concurrency.inFlight(bucket);
  }

  /** Where `round_robin` goes on among the keys under a bucket; shared by all threads. */
  turn(bucket: Bucket): number {
    return Atomics.load(this.#parts.turns, bucket);
  }

  setTurn(bucket: Bucket, turn: number): void {
    Atomics.store(this.#parts.turns, bucket, turn);
  }

  /** What is worth keeping of a bucket (snapshot.ts); undefined when there is nothing. */
  snapshot(bucket: Bucket, nowMs: number): BucketSnapshot | undefined {
    this.#sync(nowMs);
    return takeSnapshot(this.#parts, bucket, nowMs);
  }

  /** Adds a snapshot, of any age and from any source, to what a bucket holds. */
  restore(bucket: Bucket, nowMs: number, saved: unknown): void {
    this.#sync(nowMs);
    putSnapshot(this.#parts, bucket, nowMs, saved);
  }

  #use(parts: TableParts): void {
    this.#parts = parts;
    this.#clock = parts.clock;
    this.#windows = parts.windows;
    this.#gates = parts.gates;
    this.#concurrency = parts.concurrency;
    this.#learned = parts.learned;
  }

  #admissionOf(bucket: number, tokens: number): Admission {
    const { ms } = this.#clock;
    if (!this.#gates.fits(bucket, ms) || !this.#concurrency.fits(bucket)) return REFUSED;
    if (!this.#windows.fits(bucket, this.#clock, tokens)) return REFUSED;
    if (!this.#learned.isAnyKnown(bucket)) return READY;
    if (this.#learned.isExhausted(bucket, ms, tokens)) return REFUSED;
    if (!this.#learned.isLow(bucket, ms)) return READY;
    return this.#learned.isPausing(bucket, ms) ? REFUSED : PACED;
  }

  /** Takes what the lease says from one bucket, or nothing. */
  #take(bucket: number, place: number, lease: Lease): boolean {
    if (!this.#concurrency.enter(bucket)) return false;
    const ticket = this.#gates.enter(bucket, lease.ms);
    if (ticket !== NO_ENTRY) {
      lease.tickets[place] = ticket;
      if (this.#windows.take(bucket, lease)) {
        if (this.#learned.take(bucket, lease.ms, lease.tokens)) {
          this.#holdings?.took(bucket, ticket);
          return true;
        }
        this.#windows.giveBack(bucket, this.#clock, lease);
      }
      this.#gates.leave(bucket, ticket);
    }
    this.#concurrency.leave(bucket);
    return false;
  }

  #undo(bucket: number, place: number, lease: Lease): void {
    this.#learned.undo(bucket, lease.ms, lease.tokens);
    this.#windows.giveBack(bucket, this.#clock, lease);
    this.#leave(bucket, lease.tickets[place] as number);
  }

  #leave(bucket: number, ticket: number): void {
    this.#holdings?.left(bucket, ticket); // first: what is given back twice would be over a limit
    this.#gates.leave(bucket, ticket);
    this.#concurrency.leave(bucket);
  }

  #end(lease: Lease, nowMs: number): boolean {
    if (!lease.held) return false;
    lease.held = false;
    this.#sync(nowMs);
    return true;
  }

  /** Sets the clock. The thread that is first in a new hour clears the times that are long past. */
  #sync(nowMs: number): void {
    const hour = this.#clock.hour;
    const steppedSeconds = this.#clock.sync(nowMs);
    if (steppedSeconds === 0 || this.#clock.hour === hour) return;
    const allOver = steppedSeconds * 1_000 > MAX_COOLDOWN_MS;
    for (let bucket = 0; bucket < this.bucketCount; bucket++) {
      this.#gates.sweep(bucket, this.#clock.ms, allOver);
      this.#learned.sweep(bucket, this.#clock.ms, allOver);
    }
  }
}
