/**
 * Is there anybody at the other end? Faults in a row of one key or one provider open its circuit.
 *
 *    CLOSED --BREAKER_FAULTS in a row--> OPEN (rests) --rest over: one probe--> HALF-OPEN --+
 *       ^                                  ^------------------ another fault ---------------+
 *       +------------------------------------------ any answer -----------------------------+
 *
 * Only faults of the network and 5xx answers count: what a provider says on purpose is the error
 * table's business. The rests, their doubling and the single probe are the quota table's,
 * and so are the counts, so that threads count together.
 */
import { BREAKER_FAULTS } from './limits.ts';
import type { Bucket } from './quotas/bucket.ts';
import type { QuotaTable } from './quotas/quota-table.ts';

export class Breakers {
  readonly #quotas: QuotaTable;

  constructor(quotas: QuotaTable) {
    this.#quotas = quotas;
  }

  /** Books a fault. Returns the end of the rest where the circuit is open now, else 0. */
  fault(bucket: Bucket, nowMs: number): number {
    const inARow = Atomics.add(this.#quotas.faults, bucket, 1) + 1;
    return inARow < BREAKER_FAULTS ? 0 : this.#quotas.rest(bucket, nowMs);
  }

  /** The other end answers, whatever it says. */
  answered(bucket: Bucket): void {
    const { faults } = this.#quotas;
    if (faults[bucket] !== 0) Atomics.store(faults, bucket, 0);
  }

  /** Faults in a row up to now. */
  faultsInARow(bucket: Bucket): number {
    return this.#quotas.faults[bucket] ?? 0;
  }
}
