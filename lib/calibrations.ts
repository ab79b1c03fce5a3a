/** How far the estimator is off for each model, learned from what providers report. */
import { Calibration } from './quotas/estimate-tokens.ts';

export class Calibrations {
  readonly #byModel = new Map<string, Calibration>();

  /** The estimate as the provider is likely to count it, a whole number of at least 1. */
  corrected(modelId: string, estimate: number): number {
    const factor = this.#byModel.get(modelId)?.factor ?? 1;
    return Math.max(1, Math.round(estimate * factor));
  }

  /** Books one report. `modelId` is a configured one, so the map stays as small as the file. */
  observe(modelId: string, estimate: number, reported: number): void {
    let calibration = this.#byModel.get(modelId);
    if (calibration === undefined) {
      calibration = new Calibration();
      this.#byModel.set(modelId, calibration);
    }
    calibration.observe(estimate, reported);
  }
}
