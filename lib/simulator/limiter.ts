/**
 * Is there room for this request at the simulated provider? (WIRE.md §E.2, §F.4)
 *
 * Pure: time is an argument. An account is one owner (org, or key for zhipu) with one model. Its
 * quotas are token buckets that refill continuously; a request is admitted when its estimate fits
 * every bucket, takes it from all of them, and is corrected to what was used when it ends.
 * Must stay true: a bucket is never above its limit; a refused request takes nothing; a ticket is
 * settled at most once.
 */
import { SIMULATED_RESERVATION_TOKENS, SIMULATOR_ACCOUNTS, SIMULATOR_ARRIVALS } from './limits.ts';
import { TimeRing } from './time-ring.ts';

/** Every limit is optional; a missing one does not bind. */
export interface SimulatorLimits {
  readonly requestsPerMinute?: number;
  /** Where `totalTokensPerMinute` is set too, this one counts uncached tokens only. */
  readonly tokensPerMinute?: number;
  /** The second bucket of 2026: cached tokens count here. */
  readonly totalTokensPerMinute?: number;
  readonly requestsPerDay?: number;
  readonly tokensPerDay?: number;
  /** Requests at the same time. */
  readonly concurrent?: number;
  /** Requests in a fixed window that begins with its first request (zhipu's five hours). */
  readonly window?: { readonly requests: number; readonly hours: number };
}

export type QuotaName =
  | 'requests_minute'
  | 'requests_day'
  | 'tokens_minute'
  | 'total_tokens_minute'
  | 'tokens_day'
  | 'concurrent'
  | 'window';

export type BucketName = Exclude<QuotaName, 'concurrent' | 'window'>;

export interface Need {
  readonly promptTokens: number;
  /** What the request allows; undefined where it says nothing. */
  readonly maxCompletionTokens: number | undefined;
}

export interface Usage {
  readonly promptTokens: number;
  readonly cachedTokens: number;
  readonly completionTokens: number;
}

/** Proof of admission; given back to `settle` exactly once. */
export interface Ticket {
  readonly account: Account;
  readonly reservedTokens: number;
  open: boolean;
}

export type Admission =
  | { readonly kind: 'admitted'; readonly ticket: Ticket }
  /** `waitMs`: until this quota has room, if nobody else takes it; Infinity where it never will. */
  | { readonly kind: 'refused'; readonly quota: QuotaName; readonly waitMs: number };

export interface QuotaView {
  readonly name: BucketName;
  readonly limit: number;
  /** Whole units, never below 0. */
  readonly remaining: number;
  /** Until the bucket is full again. */
  readonly fullInMs: number;
}

export interface AccountStats {
  readonly owner: string;
  readonly model: string;
  /** Every request that named this account. */
  readonly arrived: number;
  readonly admitted: number;
  readonly rejected: number;
  /** Prompt and completion tokens of settled requests. */
  readonly tokens: number;
  readonly running: number;
  readonly peakRunning: number;
}

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
const DAY_MS = 24 * HOUR_MS;

class Bucket {
  readonly name: BucketName;
  readonly limit: number;
  readonly #perMs: number;
  #level: number;
  #atMs: number;

  constructor(name: BucketName, limit: number, periodMs: number, nowMs: number) {
    this.name = name;
    this.limit = limit;
    this.#perMs = limit / periodMs;
    this.#level = limit;
    this.#atMs = nowMs;
  }

  get countsRequests(): boolean {
    return this.name === 'requests_minute' || this.name === 'requests_day';
  }

  level(nowMs: number): number {
    const passedMs = Math.max(0, nowMs - this.#atMs);
    this.#level = Math.min(this.limit, this.#level + passedMs * this.#perMs);
    this.#atMs = Math.max(this.#atMs, nowMs);
    return this.#level;
  }

  /** Until `amount` fits: 0 when it does now, Infinity when it is more than the limit. */
  waitMs(amount: number, nowMs: number): number {
    if (amount > this.limit) return Number.POSITIVE_INFINITY;
    const missing = amount - this.level(nowMs);
    // A refill is a sum of many small steps: what is short by rounding only is not short.
    return missing <= 1e-6 ? 0 : missing / this.#perMs;
  }

  /** Takes (or gives back, when negative). The level may fall below 0 by a correction. */
  take(amount: number, nowMs: number): void {
    this.#level = Math.min(this.limit, this.level(nowMs) - amount);
  }

  view(nowMs: number): QuotaView {
    const level = this.level(nowMs);
    return {
      name: this.name,
      limit: this.limit,
      remaining: Math.max(0, Math.floor(level + 1e-6)),
      fullInMs: (this.limit - level) / this.#perMs,
    };
  }
}

/** The books of one owner with one model. */
class Account {
  readonly owner: string;
  readonly model: string;
  readonly limits: SimulatorLimits;
  readonly buckets: readonly Bucket[];
  readonly arrivals = new TimeRing(SIMULATOR_ARRIVALS);
  arrived = 0;
  admitted = 0;
  rejected = 0;
  tokens = 0;
  running = 0;
  peakRunning = 0;
  windowEndMs = Number.NEGATIVE_INFINITY;
  windowUsed = 0;

  constructor(owner: string, model: string, limits: SimulatorLimits, nowMs: number) {
    this.owner = owner;
    this.model = model;
    this.limits = limits;
    const wanted: [BucketName, number | undefined, number][] = [
      ['requests_minute', limits.requestsPerMinute, MINUTE_MS],
      ['requests_day', limits.requestsPerDay, DAY_MS],
      ['tokens_minute', limits.tokensPerMinute, MINUTE_MS],
      ['total_tokens_minute', limits.totalTokensPerMinute, MINUTE_MS],
      ['tokens_day', limits.tokensPerDay, DAY_MS],
    ];
    this.buckets = wanted.flatMap(([name, limit, periodMs]) =>
      limit === undefined || limit <= 0 ? [] : [new Bucket(name, limit, periodMs, nowMs)],
    );
  }

  /** The first quota without room, or undefined. */
  refusal(tokens: number, nowMs: number): Admission | undefined {
    const { concurrent, window } = this.limits;
    if (concurrent !== undefined && this.running >= concurrent) {
      return { kind: 'refused', quota: 'concurrent', waitMs: 0 };
    }
    if (window !== undefined && nowMs < this.windowEndMs && this.windowUsed >= window.requests) {
      return { kind: 'refused', quota: 'window', waitMs: this.windowEndMs - nowMs };
    }
    for (const bucket of this.buckets) {
      const waitMs = bucket.waitMs(bucket.countsRequests ? 1 : tokens, nowMs);
      if (waitMs > 0) return { kind: 'refused', quota: bucket.name, waitMs };
    }
    return undefined;
  }

  enter(tokens: number, nowMs: number): void {
    for (const bucket of this.buckets) bucket.take(bucket.countsRequests ? 1 : tokens, nowMs);
    this.admitted += 1;
    this.running += 1;
    this.peakRunning = Math.max(this.peakRunning, this.running);
    const { window } = this.limits;
    if (window === undefined) return;
    if (nowMs >= this.windowEndMs) {
      this.windowEndMs = nowMs + window.hours * HOUR_MS;
      this.windowUsed = 0;
    }
    this.windowUsed += 1;
  }

  leave(reserved: number, used: Usage, nowMs: number): void {
    const total = used.promptTokens + used.completionTokens;
    const dual = this.limits.totalTokensPerMinute !== undefined;
    this.running -= 1;
    this.tokens += total;
    for (const bucket of this.buckets) {
      if (bucket.countsRequests) continue;
      const uncachedOnly = dual && bucket.name === 'tokens_minute';
      bucket.take((uncachedOnly ? total - used.cachedTokens : total) - reserved, nowMs);
    }
  }

  stats(): AccountStats {
    const { owner, model, arrived, admitted, rejected, tokens, running, peakRunning } = this;
    return { owner, model, arrived, admitted, rejected, tokens, running, peakRunning };
  }
}

export type { Account };

export class Limiter {
  readonly #limitsOf: (owner: string, model: string) => SimulatorLimits;
  readonly #accounts = new Map<string, Account>();

  /** `limitsOf` is asked once per account. */
  constructor(limitsOf: (owner: string, model: string) => SimulatorLimits) {
    this.#limitsOf = limitsOf;
  }

  /** Books that a request came, whatever becomes of it. */
  arrive(owner: string, model: string, nowMs: number): void {
    const account = this.#account(owner, model, nowMs);
    account.arrived += 1;
    account.arrivals.push(nowMs);
  }

  /**
   * Takes what the request may cost: its prompt and min(its maximum, 16,384) of output, 16,384
   * also where it names no maximum (WIRE.md §E.2). `completion: false` for calls without output.
   */
  admit(owner: string, model: string, need: Need, nowMs: number, completion = true): Admission {
    const account = this.#account(owner, model, nowMs);
    const cap = SIMULATED_RESERVATION_TOKENS;
    const output = completion ? Math.min(need.maxCompletionTokens ?? cap, cap) : 0;
    const reservedTokens = need.promptTokens + output;
    const refused = account.refusal(reservedTokens, nowMs);
    if (refused !== undefined) {
      account.rejected += 1;
      return refused;
    }
    account.enter(reservedTokens, nowMs);
    return { kind: 'admitted', ticket: { account, reservedTokens, open: true } };
  }

  /** Corrects the reservation to what was used. A second call does nothing. */
  settle(ticket: Ticket, used: Usage, nowMs: number): void {
    if (!ticket.open) return;
    ticket.open = false;
    ticket.account.leave(ticket.reservedTokens, used, nowMs);
  }

  quotas(owner: string, model: string, nowMs: number): QuotaView[] {
    return this.#account(owner, model, nowMs).buckets.map((bucket) => bucket.view(nowMs));
  }

  stats(): AccountStats[] {
    return [...this.#accounts.values()].map((account) => account.stats());
  }

  arrivals(owner: string, model: string): number[] {
    return this.#accounts.get(accountName(owner, model))?.arrivals.values() ?? [];
  }

  clear(): void {
    this.#accounts.clear();
  }

  #account(owner: string, model: string, nowMs: number): Account {
    const name = accountName(owner, model);
    const known = this.#accounts.get(name);
    if (known !== undefined) return known;
    if (this.#accounts.size >= SIMULATOR_ACCOUNTS) {
      const [oldest] = this.#accounts.keys();
      if (oldest !== undefined) this.#accounts.delete(oldest);
    }
    const made = new Account(owner, model, this.#limitsOf(owner, model), nowMs);
    this.#accounts.set(name, made);
    return made;
  }
}

const accountName = (owner: string, model: string): string => `${owner}\n${model}`;
