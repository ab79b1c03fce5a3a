/** The table of strategies. A new one is one file beside this one and one line here. */
import type { StrategyName } from '../config/types.ts';
import { leastUsed } from './least-used.ts';
import { roundRobin } from './round-robin.ts';
import type { Strategy } from './types.ts';
import { weightedRandom } from './weighted-random.ts';

export const STRATEGIES: Readonly<Record<StrategyName, Strategy>> = {
  round_robin: roundRobin,
  least_used: leastUsed,
  weighted_random: weightedRandom,
};
