/**
 * Little is left of a quota: how long does a start keep the next one waiting?
 *
 * Pure arithmetic. A quota of a fixed window is spread over the time to its reset. One that refills
 * all the time needs no such thrift: what comes in can be spent, and beside it what is left, the
 * slower the less there is:
 *
 *   left      margin      half of it     nothing
 *   speed     2 refills   1.5 refills    1 refill
 *
 * Must stay true: whatever was unused comes back as a shorter pause (learned-quotas.ts), so the
 * arithmetic is linear in `need` and has no other memory.
 */
import { MAX_DAY_PACING_MS } from '../limits.ts';

const DAY_MS = 86_400_000;

/** Milliseconds after a start of `need`. `margin`: what is left when pacing begins; `refilling`: the
 *  limit, of which that much comes in every `windowMs`; 0 where nothing does before the reset. */
export function paceMs(
  need: number,
  left: number,
  margin: number,
  resetMs: number,
  windowMs: number,
  refilling: number,
): number {
  const spreadMs = (resetMs * need) / Math.max(need, left, 1);
  const slowestMs = windowMs === DAY_MS ? Math.min(spreadMs, MAX_DAY_PACING_MS) : spreadMs;
  if (refilling === 0) return Math.floor(slowestMs);
  const refillMs = (need * windowMs) / refilling;
  const share = Math.max(0, left) / Math.max(1, margin);
  return Math.floor(Math.min(slowestMs, refillMs / (1 + share)));
}
