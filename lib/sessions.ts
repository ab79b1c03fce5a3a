/**
 * Which conversation does a request belong to, and where is its prompt cache warm?
 *
 * Prompt caches are kept per org (WIRE.md §E.7), so a conversation that stays with its org pays for
 * less of its prompt. Sub-agents have prompts of their own: session and agent make the key.
 */
import type { IncomingHttpHeaders } from 'node:http';
import { CACHE_WARM_MS, MAX_SESSIONS, TELL_WARMTH_MS } from './limits.ts';
import type { Bucket } from './quotas/bucket.ts';
import type { WaitingClass } from './quotas/waiting-room.ts';

/** Whose turn it is in a queue: the session, else the client's token, else everyone alike. */
export function sessionOf(headers: IncomingHttpHeaders): string {
  return one(headers['x-claude-code-session-id']) || credential(headers);
}

/** Main turns go before sub-agents, and those before background work. */
export function classOf(headers: IncomingHttpHeaders, isBackgroundModel: boolean): WaitingClass {
  if (one(headers['x-claude-code-agent-id']) !== '') return 'subagent';
  return isBackgroundModel ? 'background' : 'main';
}

/** The key of a prompt cache; empty where the client names no session. */
export function cacheKeyOf(headers: IncomingHttpHeaders, modelId: string): string {
  const session = one(headers['x-claude-code-session-id']);
  if (session === '') return '';
  return `${session} ${one(headers['x-claude-code-agent-id'])} ${modelId}`;
}

function one(value: string | string[] | undefined): string {
  return typeof value === 'string' ? value : '';
}

function credential(headers: IncomingHttpHeaders): string {
  return headers.authorization ?? one(headers['x-api-key']);
}

interface Warmth {
  readonly org: Bucket;
  readonly untilMs: number;
  /** When other threads heard of it. */
  readonly toldMs: number;
}

/** A conversation was served by this org. */
export type TellWarmth = (key: string, org: Bucket, nowMs: number) => void;

/** Where each conversation was served last. Bounded: the one not used for longest is forgotten. */
export class Sessions {
  readonly #warm = new Map<string, Warmth>();
  readonly #tell: TellWarmth | undefined;

  /** `tell`: who else is to know, now and then. */
  constructor(tell?: TellWarmth) {
    this.#tell = tell;
  }

  get size(): number {
    return this.#warm.size;
  }

  /** The org whose cache is still warm for this conversation. */
  warmOrg(key: string, nowMs: number): Bucket | undefined {
    const warmth = this.#warm.get(key);
    return warmth !== undefined && nowMs < warmth.untilMs ? warmth.org : undefined;
  }

  /** Served by this org just now. */
  served(key: string, org: Bucket, nowMs: number): void {
    if (key === '') return;
    const known = this.#warm.get(key);
    const isNews = known?.org !== org || nowMs - known.toldMs >= TELL_WARMTH_MS;
    this.#put(key, { org, untilMs: nowMs + CACHE_WARM_MS, toldMs: isNews ? nowMs : known.toldMs });
    if (isNews) this.#tell?.(key, org, nowMs);
  }

  /** Another thread has served it. */
  hear(key: string, org: Bucket, nowMs: number): void {
    this.#put(key, { org, untilMs: nowMs + CACHE_WARM_MS, toldMs: nowMs });
  }

  #put(key: string, warmth: Warmth): void {
    this.#warm.delete(key); // re-inserted at the end: the Map's order is the order of use
    this.#warm.set(key, warmth);
    if (this.#warm.size <= MAX_SESSIONS) return;
    for (const oldest of this.#warm.keys()) {
      this.#warm.delete(oldest);
      return;
    }
  }
}
