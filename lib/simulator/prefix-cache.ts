/**
 * How much of this prompt was seen a moment ago? The provider's prompt cache, per org: exact
 * prefix, whole blocks, forgotten after five minutes without a hit (WIRE.md §E.7). Time is an
 * argument.
 */
import { createHash } from 'node:crypto';
import {
  SIMULATOR_CACHE_BLOCK_BYTES,
  SIMULATOR_CACHE_BLOCKS,
  SIMULATOR_CACHE_PROMPT_BLOCKS,
  SIMULATOR_CACHE_TTL_MS,
} from './limits.ts';

// In a string their quotes are escaped, so these are found as keys only.
const MESSAGES = Buffer.from('"messages":');
const TOOLS = Buffer.from('"tools":[');

/** The body as a model reads it: tools first, then messages. What stands before (sizes, switches)
 *  may vary and does not count. */
function promptOf(body: Buffer): Buffer {
  const messages = Math.max(0, body.indexOf(MESSAGES));
  const tools = body.lastIndexOf(TOOLS);
  if (tools < 0) return body.subarray(messages);
  if (tools < messages) return body.subarray(tools);
  return Buffer.concat([body.subarray(tools), body.subarray(messages, tools)]);
}

export class PrefixCache {
  /** Digest of everything up to a block's end -> when it was seen last. In order of that time. */
  readonly #seen = new Map<string, number>();

  /** Bytes at the start of the prompt that were seen before; remembers the whole prompt. */
  visit(org: string, body: Buffer, nowMs: number): number {
    const prompt = promptOf(body);
    const blocks = Math.min(
      Math.floor(prompt.length / SIMULATOR_CACHE_BLOCK_BYTES),
      SIMULATOR_CACHE_PROMPT_BLOCKS,
    );
    let digest = org;
    let hits = 0;
    for (let at = 0; at < blocks; at++) {
      const start = at * SIMULATOR_CACHE_BLOCK_BYTES;
      const block = prompt.subarray(start, start + SIMULATOR_CACHE_BLOCK_BYTES);
      digest = createHash('sha1').update(digest).update(block).digest('base64');
      if (hits === at && this.#fresh(digest, nowMs)) hits += 1;
      this.#remember(digest, nowMs);
    }
    return hits * SIMULATOR_CACHE_BLOCK_BYTES;
  }

  clear(): void {
    this.#seen.clear();
  }

  #fresh(digest: string, nowMs: number): boolean {
    const seenMs = this.#seen.get(digest);
    return seenMs !== undefined && nowMs - seenMs < SIMULATOR_CACHE_TTL_MS;
  }

  #remember(digest: string, nowMs: number): void {
    this.#seen.delete(digest);
    this.#seen.set(digest, nowMs);
    if (this.#seen.size <= SIMULATOR_CACHE_BLOCKS) return;
    const [oldest] = this.#seen.keys();
    if (oldest !== undefined) this.#seen.delete(oldest);
  }
}
