/**
 * How fast could it have gone? A scheduler that knows what every request will really use.
 *
 * Pure. It serves sessions in turn, each in the order of its requests, from whichever org has room
 * first, and reserves nothing: a request takes what it uses when it starts. Two kinds of limit:
 *
 *   bucket   the provider's: full at the start, refilled all the time
 *   window   a configured limit: no more than that in any 60 seconds
 */
export interface IdealRequest {
  readonly atMs: number;
  readonly session: number;
  readonly tokens: number;
}

export interface IdealLimits {
  readonly kind: 'bucket' | 'window';
  readonly orgs: number;
  readonly requestsPerMinute: number;
  readonly tokensPerMinute: number;
}

const MINUTE_MS = 60_000;

interface Pool {
  /** From when on `amount` fits; not before `fromMs`. */
  roomAtMs(amount: number, fromMs: number): number;
  take(amount: number, atMs: number): void;
  /** What would fit at `atMs`. */
  left(atMs: number): number;
}

/** When each request starts, in the order given (which is that of arrival). */
export function idealStarts(requests: readonly IdealRequest[], limits: IdealLimits): number[] {
  const starts = requests.map(() => Number.POSITIVE_INFINITY);
  const orgs = Array.from({ length: limits.orgs }, () => poolsOf(limits));
  const waiting = new Map<number, number[]>(); // by session, in the order of their turns
  let nowMs = 0;
  for (let next = 0, served = 0; served < requests.length; ) {
    if (waiting.size === 0) nowMs = Math.max(nowMs, requests[next]?.atMs ?? nowMs);
    for (; next < requests.length && (requests[next]?.atMs ?? 0) <= nowMs; next++) {
      const { session } = requests[next] as IdealRequest;
      const own = waiting.get(session);
      if (own === undefined) waiting.set(session, [next]);
      else own.push(next);
    }
    const [session, own] = waiting.entries().next().value as [number, number[]];
    const head = own[0] as number;
    const { tokens } = requests[head] as IdealRequest;
    const [org, roomMs] = firstOrg(orgs, tokens, nowMs);
    if (roomMs > nowMs) {
      nowMs = Math.min(roomMs, requests[next]?.atMs ?? roomMs);
      continue;
    }
    org.requests.take(1, nowMs);
    org.tokens.take(tokens, nowMs);
    starts[head] = nowMs;
    served += 1;
    waiting.delete(session);
    if (own.length > 1) waiting.set(session, own.slice(1));
  }
  return starts;
}

interface Org {
  readonly requests: Pool;
  readonly tokens: Pool;
}

function poolsOf({ kind, requestsPerMinute, tokensPerMinute }: IdealLimits): Org {
  const make = (limit: number) => (kind === 'bucket' ? new Bucket(limit) : new Window(limit));
  return { requests: make(requestsPerMinute), tokens: make(tokensPerMinute) };
}

function firstOrg(orgs: readonly Org[], tokens: number, nowMs: number): [Org, number] {
  let first = orgs[0] as Org;
  let firstMs = Number.POSITIVE_INFINITY;
  for (const org of orgs) {
    const roomMs = Math.max(org.requests.roomAtMs(1, nowMs), org.tokens.roomAtMs(tokens, nowMs));
    if (roomMs > firstMs) continue;
    // A bucket that is full refills for nothing: of those with room the fullest.
    if (roomMs === firstMs && org.tokens.left(nowMs) <= first.tokens.left(nowMs)) continue;
    first = org;
    firstMs = roomMs;
  }
  if (firstMs === Number.POSITIVE_INFINITY) throw new RangeError('a request above the whole limit');
  return [first, firstMs];
}

class Bucket implements Pool {
  readonly #limit: number;
  #level: number;
  #atMs = 0;

  constructor(limit: number) {
    this.#limit = limit;
    this.#level = limit;
  }

  roomAtMs(amount: number, fromMs: number): number {
    if (amount > this.#limit) return Number.POSITIVE_INFINITY;
    const missing = amount - this.#levelAt(fromMs);
    return missing <= 1e-6 ? fromMs : fromMs + (missing * MINUTE_MS) / this.#limit;
  }

  left(atMs: number): number {
    return this.#levelAt(atMs);
  }

  take(amount: number, atMs: number): void {
    this.#level = this.#levelAt(atMs) - amount;
    this.#atMs = atMs;
  }

  #levelAt(atMs: number): number {
    return Math.min(this.#limit, this.#level + ((atMs - this.#atMs) * this.#limit) / MINUTE_MS);
  }
}

class Window implements Pool {
  readonly #limit: number;
  readonly #taken: { readonly atMs: number; readonly amount: number }[] = [];
  #oldest = 0;
  #sum = 0;

  constructor(limit: number) {
    this.#limit = limit;
  }

  roomAtMs(amount: number, fromMs: number): number {
    if (amount > this.#limit) return Number.POSITIVE_INFINITY;
    this.#forget(fromMs);
    let excess = this.#sum + amount - this.#limit;
    let roomMs = fromMs;
    for (let at = this.#oldest; excess > 0; at++) {
      const taken = this.#taken[at];
      if (taken === undefined) break;
      excess -= taken.amount;
      roomMs = taken.atMs + MINUTE_MS;
    }
    return roomMs;
  }

  left(atMs: number): number {
    this.#forget(atMs);
    return this.#limit - this.#sum;
  }

  take(amount: number, atMs: number): void {
    this.#taken.push({ atMs, amount });
    this.#sum += amount;
  }

  #forget(nowMs: number): void {
    for (; ; this.#oldest++) {
      const oldest = this.#taken[this.#oldest];
      if (oldest === undefined || oldest.atMs + MINUTE_MS > nowMs) return;
      this.#sum -= oldest.amount;
    }
  }
}
