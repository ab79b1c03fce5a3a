/** Why buckets rest or are disabled, where other threads are to know it too. */
import type { Bucket } from '../quotas/bucket.ts';
import type { Verdict } from '../quotas/cooldown-rules.ts';

/** A map of verdicts; what is set here is told, what is heard from elsewhere is not told again. */
export class ToldVerdicts extends Map<Bucket, Verdict> {
  readonly #tell: (bucket: Bucket, verdict: Verdict) => void;

  constructor(
    entries: readonly (readonly [Bucket, Verdict])[],
    tell: (bucket: Bucket, verdict: Verdict) => void,
  ) {
    super();
    this.#tell = tell;
    this.replace(entries);
  }

  override set(bucket: Bucket, verdict: Verdict): this {
    this.#tell(bucket, verdict);
    return this.hear(bucket, verdict);
  }

  hear(bucket: Bucket, verdict: Verdict): this {
    return super.set(bucket, verdict);
  }

  /** These, and no others. */
  replace(entries: readonly (readonly [Bucket, Verdict])[]): void {
    this.clear();
    for (const [bucket, verdict] of entries) this.hear(bucket, verdict);
  }
}
