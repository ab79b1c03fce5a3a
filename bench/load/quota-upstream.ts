/** The providers of the quota scenario, one for each variant: `quota-upstream.ts OPTIONS COUNT`
 *  tells its parent where they listen, and on any message what each of them saw. */
import { startSimulator } from '../../lib/simulator/simulator.ts';
import type { SimulatorStats } from '../../lib/simulator/types.ts';
import { QUOTA_MODEL, type QuotaOptions } from './quota-plan.ts';

/** An answer's speed: about that of Cerebras. */
export const FIRST_TOKEN_MS = 300;
export const TOKENS_PER_SECOND = 1_000;

export const secretOf = (org: number): string => `quota-secret-${org + 1}`;
export const orgName = (org: number): string => `org-${org + 1}`;

/** What one simulator saw. */
export interface Seen {
  readonly stats: SimulatorStats;
  /** Start times of every request, by org. */
  readonly arrivals: readonly (readonly number[])[];
}

async function main(options: QuotaOptions, count: number): Promise<void> {
  process.once('disconnect', () => process.exit());
  const { orgs, requestsPerMinute, tokensPerMinute } = options;
  const each = Array.from({ length: orgs }, (_, org) => org);
  const simulators = await Promise.all(
    Array.from({ length: count }, () =>
      startSimulator({
        models: [QUOTA_MODEL],
        keys: each.map((org) => ({ key: secretOf(org), org: orgName(org) })),
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
      arrivals: each.map((org) => arrivals(orgName(org), QUOTA_MODEL)),
    }));
    process.send?.(seen);
  });
  process.send?.(simulators.map(({ url }) => url));
}

const [, , options, count] = process.argv;
if (process.send !== undefined && options?.startsWith('{')) {
  await main(JSON.parse(options) as QuotaOptions, Number(count));
}
