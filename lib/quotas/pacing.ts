/**
 * Little is left of a quota: how long does a start keep the next one waiting?
 *
 * Pure arithmetic. A quota of a fixed window is spread over the time to its reset. One that refills
 * all the time needs no such thrift: what comes in can be spent, and beside it what is left, the
 * slower the less there is. It levels out at a quarter of the margin, which is there for what we
 * cannot see: other users of the quota, estimates that were low, answers that are on their way.
 *
 *   left      margin         half of it     a quarter    nothing
 *   speed     2.5 refills    1.5 refills    1 refill     half a refill
 *
 * Must stay true: a pause is linear in `need`, so that what was reserved and not used can be taken
 * off it again (learned-quotas.ts), also after its end.
 */
import { MAX_DAY_PACING_MS } from '../limits.ts';
import { isBefore } from './table-clock.ts';

const DAY_MS = 86_400_000;

/** Milliseconds after a start of `need`. `margin`: what is left when pacing begins; `refilling`:
 *  the limit, of which that much comes in every `windowMs`; 0 where nothing does before the
 *  reset. */
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
  return Math.floor(Math.min(slowestMs, refillMs / (0.5 + 2 * share)));
}

/** From when the next start may come after one at `ms`, in wrapped ms; `nextStart`: from when this
 *  one could. Where the quota refills, one that came late (its pause was shortened after its end)
 *  makes up for it, by one pause at most. */
export function nextStartMs(
  ms: number,
  nextStart: number,
  gapMs: number,
  refills: boolean,
): number {
  const made = refills && isBefore((ms - gapMs) | 0, nextStart);
  if (made) return (nextStart + gapMs) | 0;
  return refills ? ms : (ms + gapMs) | 0;
}
