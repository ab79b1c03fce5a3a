/** How far the estimator is off for each model, learned from what providers report. */
import { TOLD_CALIBRATION_SHARE } from './limits.ts';
import { Calibration } from './quotas/estimate-tokens.ts';

/** As large as a report must be to count. */
const REPORT_TOKENS = 10_000;

export class Calibrations {
  readonly #byModel = new Map<string, Calibration>();
  readonly #told = new Map<string, number>();
  readonly #tell: ((modelId: string, factor: number) => void) | undefined;

  /** `tell`: who else is to know of a factor that has changed. */
  constructor(tell?: (modelId: string, factor: number) => void) {
    this.#tell = tell;
  }

  /** The estimate as the provider is likely to count it, a whole number of at least 1. */
  corrected(modelId: string, estimate: number): number {
    const factor = this.#byModel.get(modelId)?.factor ?? 1;
    return Math.max(1, Math.round(estimate * factor));
  }

  /** The factors by model id. */
  factors(): Readonly<Record<string, number>> {
    return Object.fromEntries([...this.#byModel].map(([id, { factor }]) => [id, factor]));
  }

  /** Goes on with a factor of before; one that no report could have led to is set right as such. */
  restore(modelId: string, factor: unknown): void {
    if (typeof factor !== 'number') return;
    this.observe(modelId, REPORT_TOKENS, REPORT_TOKENS * factor);
  }

  /** Books one report. `modelId` is a configured one, so the map stays as small as the file. */
  observe(modelId: string, estimate: number, reported: number): void {
    let calibration = this.#byModel.get(modelId);
    if (calibration === undefined) {
      calibration = new Calibration();
      this.#byModel.set(modelId, calibration);
    }
    calibration.observe(estimate, reported);
    if (this.#tell !== undefined) this.#tellOf(modelId, calibration.factor);
  }

  /** Another thread's factor takes the place of this one's. */
  hear(modelId: string, factor: number): void {
    const calibration = new Calibration();
    calibration.observe(REPORT_TOKENS, REPORT_TOKENS * factor);
    this.#byModel.set(modelId, calibration);
    this.#told.set(modelId, factor);
  }

  #tellOf(modelId: string, factor: number): void {
    const told = this.#told.get(modelId) ?? 1;
    if (Math.abs(factor / told - 1) < TOLD_CALIBRATION_SHARE) return;
    this.#told.set(modelId, factor);
    this.#tell?.(modelId, factor);
  }
}
