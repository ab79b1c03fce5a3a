/**
 * Which idle connection gets the next call, and how long may one be idle? One pool per address.
 *
 * Last in, first out: the connection used last is the one least likely to have been closed by the
 * other side. Must stay true: number and age of idle connections are bounded; one timer serves them
 * all, and it does not keep the process alive.
 */
import { MAX_FREE_SOCKETS } from '../../limits.ts';
import { hostOf } from '../headers.ts';
import type { Origin } from '../types.ts';
import { KnownHeads } from './known-heads.ts';

/** What a pool needs to know of a connection. */
export interface Pooled {
  /** The pool's: when it is to be closed if it is still idle. */
  idleUntilMs: number;
  readonly open: boolean;
  destroy(): void;
}

export class Pool<C extends Pooled> {
  /** As the `host` header says it. */
  readonly host: string;
  /** What its answers begin with. */
  readonly heads = new KnownHeads();
  /** Oldest first. */
  readonly #idle: C[] = [];
  #timer: NodeJS.Timeout | undefined;
  /** When the timer fires; Infinity while there is none. */
  #sweepAtMs = Number.POSITIVE_INFINITY;

  constructor(host: string) {
    this.host = host;
  }

  /** An open connection, or undefined. */
  take(): C | undefined {
    for (;;) {
      const connection = this.#idle.pop();
      if (connection === undefined || connection.open) return connection;
    }
  }

  /** Takes a connection back, to be closed after `keepMs` without a call. */
  put(connection: C, keepMs: number): void {
    if (this.#idle.length >= MAX_FREE_SOCKETS) {
      connection.destroy();
      return;
    }
    connection.idleUntilMs = performance.now() + keepMs;
    this.#idle.push(connection);
    if (connection.idleUntilMs < this.#sweepAtMs) this.#sweepIn(keepMs);
  }

  /** Forgets a connection that was closed while idle. */
  remove(connection: C): void {
    const index = this.#idle.indexOf(connection);
    if (index >= 0) this.#idle.splice(index, 1);
  }

  endIdle(): void {
    for (const connection of this.#idle.splice(0)) connection.destroy();
    clearTimeout(this.#timer);
    this.#sweepAtMs = Number.POSITIVE_INFINITY;
  }

  #sweepIn(ms: number): void {
    clearTimeout(this.#timer);
    this.#sweepAtMs = performance.now() + ms;
    this.#timer = setTimeout(() => this.#sweep(), ms).unref();
  }

  #sweep(): void {
    const nowMs = performance.now();
    let nextMs = Number.POSITIVE_INFINITY;
    for (const connection of [...this.#idle]) {
      if (connection.idleUntilMs <= nowMs) {
        this.remove(connection);
        connection.destroy();
      } else {
        nextMs = Math.min(nextMs, connection.idleUntilMs);
      }
    }
    this.#sweepAtMs = Number.POSITIVE_INFINITY;
    if (nextMs !== Number.POSITIVE_INFINITY) this.#sweepIn(Math.ceil(nextMs - nowMs));
  }
}

/** The pools of one transport. An address has one, however many origins name it. */
export class Pools<C extends Pooled> {
  readonly #byAddress = new Map<string, Pool<C>>();
  readonly #byOrigin = new WeakMap<Origin, Pool<C>>();

  of(origin: Origin): Pool<C> {
    return this.#byOrigin.get(origin) ?? this.#find(origin);
  }

  endIdle(): void {
    for (const pool of this.#byAddress.values()) pool.endIdle();
  }

  #find(origin: Origin): Pool<C> {
    const address = `${origin.protocol}//${origin.hostname}:${origin.port}`;
    let pool = this.#byAddress.get(address);
    if (pool === undefined) {
      pool = new Pool<C>(hostOf(origin));
      this.#byAddress.set(address, pool);
    }
    this.#byOrigin.set(origin, pool);
    return pool;
  }
}
