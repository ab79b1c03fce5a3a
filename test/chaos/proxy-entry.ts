/**
 * The program, with an ear for its parent: told to, it collects garbage and says what it holds.
 * What the tests of a process's inside need and the program itself does not offer.
 */
import { main } from '../../lib/main.ts';

export interface Held {
  readonly heapBytes: number;
  readonly rssBytes: number;
  /** What keeps the process alive, counted by kind. */
  readonly resources: Readonly<Record<string, number>>;
}

/** What the first round finds unreachable may only be let go after the second. */
const ROUNDS = 3;

process.on('message', () => void tell());

async function tell(): Promise<void> {
  for (let round = 0; round < ROUNDS; round++) {
    globalThis.gc?.();
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  const { heapUsed, external, rss } = process.memoryUsage();
  const resources: Record<string, number> = {};
  for (const kind of process.getActiveResourcesInfo()) {
    resources[kind] = (resources[kind] ?? 0) + 1;
  }
  process.send?.({ heapBytes: heapUsed + external, rssBytes: rss, resources } satisfies Held);
}

process.once('disconnect', () => process.kill(process.pid, 'SIGTERM'));
process.exitCode = await main(process.argv.slice(2));
process.disconnect?.();
