/** The choice of a key against the number of keys: operations of lib alone, in this process. */
import type { StrategyName } from '../../lib/config/types.ts';
import { STRATEGIES } from '../../lib/strategies/index.ts';
import { run, setup } from '../micro/select-and-reserve.ts';
import type { Curve } from './curve.ts';

const KEYS = [1, 4, 16, 64, 256, 1_024, 4_096];
const WARM_UP_MS = 100;
const ROUND_MS = 60;
const CALLS = 500;
const NS_PER_MS = 1e6;

function roundNs(keys: ReturnType<typeof setup>, forMs: number): number {
  const startedMs = performance.now();
  let calls = 0;
  let spentMs = 0;
  while (spentMs < forMs) {
    calls += run(keys, CALLS);
    spentMs = performance.now() - startedMs;
  }
  return (spentMs * NS_PER_MS) / calls;
}

export const selection: Curve = {
  name: 'keys: the choice alone',
  cost: 'ns per selection',
  x: 'keys of the provider',
  async measure({ rounds }) {
    return (Object.keys(STRATEGIES) as StrategyName[]).map((name) => ({
      name,
      points: KEYS.map((count) => {
        const keys = setup(name, count, 0);
        roundNs(keys, WARM_UP_MS);
        return { x: count, rounds: Array.from({ length: rounds }, () => roundNs(keys, ROUND_MS)) };
      }),
    }));
  },
};
