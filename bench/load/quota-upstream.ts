/** The providers of the quota scenario, one for each variant: `quota-upstream.ts OPTIONS COUNT`
 *  tells its parent where they listen, and on any message what each of them saw. */
import { startSimulator } from '../../lib/simulator/simulator.ts';
import type { SimulatorStats } from '../../lib/simulator/types.ts';
import { farPort } from './quota-distance.ts';
import {
  FIRST_TOKEN_MS,
  orgName,
  QUOTA_MODEL,
  type QuotaOptions,
  secretOf,
  TOKENS_PER_SECOND,
} from './quota-plan.ts';

/** What one simulator saw. */
export interface Seen {
  readonly stats: SimulatorStats;
  /** Start times of every request, by org. */
  readonly arrivals: readonly (readonly number[])[];
}

process.once('disconnect', () => process.exit());

const [, , given = '{}', count] = process.argv;
const options = JSON.parse(given) as QuotaOptions;
const { requestsPerMinute, tokensPerMinute } = options;
const orgs = Array.from({ length: options.orgs }, (_, org) => org);
const simulators = await Promise.all(
  Array.from({ length: Number(count) }, () =>
    startSimulator({
      models: [QUOTA_MODEL],
      keys: orgs.map((org) => ({ key: secretOf(org), org: orgName(org) })),
      requestsPerMinute,
      tokensPerMinute,
      firstTokenMs: FIRST_TOKEN_MS,
      tokensPerSecond: TOKENS_PER_SECOND,
      logEntries: 0,
    }),
  ),
);
process.on('message', () => {
  const seen: Seen[] = simulators.map(({ stats, arrivals }) => ({
    stats: stats(),
    arrivals: orgs.map((org) => arrivals(orgName(org), QUOTA_MODEL)),
  }));
  process.send?.(seen);
});
const urls = simulators.map(async ({ url, port }) => {
  const far = await farPort(port, options.distanceMs);
  return url.replace(String(port), String(far));
});
process.send?.(await Promise.all(urls));
