/**
 * What a reservation has taken, so that it can be given back to the same place exactly once.
 *
 * A lease is owned by the caller and used again for the next attempt: the table writes into it and
 * allocates nothing. Must stay true: a lease is `held` between a tryReserve that said yes and the
 * first settle or cancel after it, and never otherwise.
 */
import { MAX_PATH_BUCKETS } from '../limits.ts';

export interface Lease {
  /** Between a reservation and its end. */
  held: boolean;
  /** Whether `answered` was counted for this reservation. */
  answered: boolean;
  /** Table time of the reservation: the slots it was counted in. */
  second: number;
  hour: number;
  ms: number;
  /** Tokens reserved. */
  tokens: number;
  /** For each bucket of the path: the ticket of its ramp after a cooldown, 0 = it was not in
   *  one. */
  readonly tickets: number[];
}

/** A lease that holds nothing yet. One per request is enough: attempts follow each other. */
export function newLease(): Lease {
  return {
    held: false,
    answered: false,
    second: 0,
    hour: 0,
    ms: 0,
    tokens: 0,
    tickets: new Array<number>(MAX_PATH_BUCKETS).fill(0),
  };
}
