/** The choice of a key against the number of keys: operations of lib alone, in this process,
 *  in its processor time. */
import type { StrategyName } from '../../lib/config/types.ts';
import { STRATEGIES } from '../../lib/strategies/index.ts';
import { run, setup } from '../micro/select-and-reserve.ts';
import type { Curve } from './curve.ts';

const KEYS = [1, 4, 16, 64, 256, 1_024, 4_096];
const WARM_UP_MS = 100;
const ROUND_MS = 60;
const CALLS = 500;
const US_PER_MS = 1_000;
const NS_PER_US = 1_000;

function roundNs(keys: ReturnType<typeof setup>, forMs: number): number {
  const started = process.cpuUsage();
  let calls = 0;
  let spentUs = 0;
  while (spentUs < forMs * US_PER_MS) {
    calls += run(keys, CALLS);
    const { user, system } = process.cpuUsage(started);
    spentUs = user + system;
  }
  return (spentUs * NS_PER_US) / calls;
}

export const selection: Curve = {
  name: 'keys: the choice alone',
  cost: 'ns per selection',
  x: 'keys of the provider',
  logY: true,
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
