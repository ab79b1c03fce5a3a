/** The quota table, written as plainly as possible: maps, no sharing, no cleverness. */
import type { BucketLimits } from '../../lib/quotas/bucket.ts';

const EPOCH_LEAD_MS = 48 * 3_600_000;

interface Tally {
  requests: number;
  tokens: number;
}

interface Gate {
  coolUntilMs: number;
  cooling: boolean;
  ramp: { allowed: number; used: number } | undefined;
  strikes: number;
  disabled: boolean;
}

export interface OracleLease {
  path: readonly number[];
  second: number;
  hour: number;
  tokens: number;
  ramps: (Gate['ramp'] | undefined)[];
  answered: boolean;
}

/** Table time as whole milliseconds that never go back. */
class OracleClock {
  ms: number;
  #offsetMs = 0;
  readonly #epochMs: number;

  constructor(bornMs: number) {
    this.#epochMs = Math.floor(bornMs / 3_600_000) * 3_600_000 - EPOCH_LEAD_MS;
    this.ms = EPOCH_LEAD_MS;
  }

  sync(nowMs: number): void {
    const last = Math.floor(this.ms / 1_000);
    let ms = nowMs - this.#epochMs + this.#offsetMs;
    if (last - Math.floor(ms / 1_000) > 60) {
      this.#offsetMs += (last - 1 - Math.floor(ms / 1_000)) * 1_000;
      ms = 0;
    }
    this.ms = Math.max(last * 1_000, ms);
  }
}

export class Oracle {
  readonly #buckets: readonly BucketLimits[];
  readonly #clock: OracleClock;
  readonly #seconds: Map<number, Tally>[];
  readonly #hours: Map<number, Tally>[];
  readonly inFlight: number[];
  readonly gates: Gate[];

  constructor(buckets: readonly BucketLimits[], bornMs: number) {
    this.#buckets = buckets;
    this.#clock = new OracleClock(bornMs);
    this.#seconds = buckets.map(() => new Map());
    this.#hours = buckets.map(() => new Map());
    this.inFlight = buckets.map(() => 0);
    this.gates = buckets.map(() => ({
      coolUntilMs: 0,
      cooling: false,
      ramp: undefined,
      strikes: 0,
      disabled: false,
    }));
  }

  sync(nowMs: number): number {
    this.#clock.sync(nowMs);
    return this.#clock.ms;
  }

  reserve(path: readonly number[], nowMs: number, tokens: number): OracleLease | undefined {
    const ms = this.sync(nowMs);
    const [second, hour] = [Math.floor(ms / 1_000), Math.floor(ms / 3_600_000)];
    if (!path.every((bucket) => this.#fits(bucket, ms, tokens))) return undefined;
    const ramps = path.map((bucket) => this.#take(bucket, second, hour, tokens));
    return { path, second, hour, tokens, ramps, answered: false };
  }

  settle(lease: OracleLease, nowMs: number, used: number): void {
    this.sync(nowMs);
    this.#end(lease);
    this.#add(lease, 0, used - lease.tokens);
  }

  cancel(lease: OracleLease, nowMs: number): void {
    this.sync(nowMs);
    this.#end(lease);
    this.#add(lease, -1, -lease.tokens);
  }

  answered(lease: OracleLease): void {
    if (lease.answered) return;
    lease.answered = true;
    lease.path.forEach((bucket, place) => {
      const gate = this.gates[bucket] as Gate;
      gate.strikes = 0;
      const ramp = lease.ramps[place];
      if (ramp === undefined || gate.ramp !== ramp) return;
      ramp.allowed += 1;
      if (ramp.allowed >= 16) gate.ramp = undefined;
    });
  }

  cool(bucket: number, nowMs: number, untilMs: number): void {
    const ms = this.sync(nowMs);
    const gate = this.gates[bucket] as Gate;
    const until = ms + Math.min(24 * 3_600_000, untilMs - nowMs);
    gate.coolUntilMs = Math.max(until, gate.coolUntilMs > ms ? gate.coolUntilMs : 0);
    gate.cooling = true;
    gate.ramp = undefined;
  }

  rest(bucket: number, nowMs: number): void {
    const ms = this.sync(nowMs);
    const gate = this.gates[bucket] as Gate;
    if (gate.cooling && gate.coolUntilMs > ms) return;
    const restMs = Math.min(60_000, 2_000 * 2 ** gate.strikes);
    gate.strikes = Math.min(10, gate.strikes + 1);
    this.cool(bucket, nowMs, nowMs + restMs);
  }

  enable(bucket: number): void {
    Object.assign(this.gates[bucket] as Gate, {
      coolUntilMs: 0,
      cooling: false,
      ramp: undefined,
      strikes: 0,
      disabled: false,
    });
  }

  /** Requests and tokens that count in the minute of now. */
  minute(bucket: number): Tally {
    return sum(this.#seconds[bucket], Math.floor(this.#clock.ms / 1_000), 61);
  }

  day(bucket: number): Tally {
    return sum(this.#hours[bucket], Math.floor(this.#clock.ms / 3_600_000), 25);
  }

  #fits(bucket: number, ms: number, tokens: number): boolean {
    const limits = this.#buckets[bucket] as BucketLimits;
    const minute = this.minute(bucket);
    const day = this.day(bucket);
    return (
      this.#gateFits(this.gates[bucket] as Gate, ms) &&
      under((this.inFlight[bucket] ?? 0) + 1, limits.maxConcurrent) &&
      under(minute.requests + 1, limits.requestsPerMinute) &&
      under(minute.tokens + tokens, limits.tokensPerMinute) &&
      under(day.requests + 1, limits.requestsPerDay) &&
      under(day.tokens + tokens, limits.tokensPerDay)
    );
  }

  #gateFits(gate: Gate, ms: number): boolean {
    if (gate.disabled) return false;
    if (gate.cooling) return ms >= gate.coolUntilMs;
    return gate.ramp === undefined || gate.ramp.used < gate.ramp.allowed;
  }

  #take(bucket: number, second: number, hour: number, tokens: number): Gate['ramp'] {
    const gate = this.gates[bucket] as Gate;
    if (gate.cooling) {
      gate.cooling = false;
      gate.ramp = { allowed: 1, used: 0 };
    }
    if (gate.ramp !== undefined) gate.ramp.used += 1;
    this.inFlight[bucket] = (this.inFlight[bucket] ?? 0) + 1;
    count(this.#seconds[bucket], second, 1, tokens);
    count(this.#hours[bucket], hour, 1, tokens);
    return gate.ramp;
  }

  #end(lease: OracleLease): void {
    lease.path.forEach((bucket, place) => {
      this.inFlight[bucket] = (this.inFlight[bucket] ?? 0) - 1;
      const ramp = lease.ramps[place];
      if (ramp !== undefined && this.gates[bucket]?.ramp === ramp) ramp.used -= 1;
    });
  }

  #add(lease: OracleLease, requests: number, tokens: number): void {
    for (const bucket of lease.path) {
      count(this.#seconds[bucket], lease.second, requests, tokens);
      count(this.#hours[bucket], lease.hour, requests, tokens);
    }
  }
}

function under(value: number, limit: number): boolean {
  return limit === 0 || value <= limit;
}

function count(map: Map<number, Tally> | undefined, at: number, r: number, t: number): void {
  const tally = map?.get(at) ?? { requests: 0, tokens: 0 };
  tally.requests += r;
  tally.tokens += t;
  map?.set(at, tally);
}

function sum(map: Map<number, Tally> | undefined, now: number, window: number): Tally {
  const total = { requests: 0, tokens: 0 };
  for (let at = now - window + 1; at <= now; at++) {
    const tally = map?.get(at);
    total.requests += tally?.requests ?? 0;
    total.tokens += tally?.tokens ?? 0;
  }
  return total;
}
