/** A target as a program: `SECONDS=10 SEED=1 node --import tsx test/fuzz/json.ts`. Exit 1: found. */
import { fileURLToPath } from 'node:url';
import { isMainThread } from 'node:worker_threads';
import { readCorpus, save } from './corpus.ts';
import { fuzz, reasonOf } from './engine.ts';
import type { Checker, FuzzTarget } from './target.ts';
import { Watchdog } from './watchdog.ts';

const DEFAULT_SECONDS = 10;

/** Fuzzes when the module at `url` is what was started. */
export async function fuzzWhenStarted(url: string, target: FuzzTarget): Promise<void> {
  if (!isMainThread || process.argv[1] !== fileURLToPath(url)) return;
  const checker = await target.start();
  const found = (await replay(target, checker)) || (await run(target, checker));
  await checker.close?.();
  process.exit(found ? 1 : 0);
}

const say = (text: string) => process.stdout.write(`${text}\n`);

/** Whether an entry of the corpus fails. */
async function replay(target: FuzzTarget, checker: Checker): Promise<boolean> {
  for (const { file, bytes } of readCorpus(target.name)) {
    const { reason } = await reasonOf(target, checker, bytes);
    if (reason === '') continue;
    say(`${target.name}: FAIL on ${file}\n${reason}`);
    return true;
  }
  return false;
}

async function run(target: FuzzTarget, checker: Checker): Promise<boolean> {
  const { SECONDS = DEFAULT_SECONDS, SEED = Date.now() % 1e9 } = process.env;
  const [seconds, seed] = [Number(SECONDS), Number(SEED)];
  say(`${target.name}: SEED=${seed}, ${seconds} s`);
  const folder = fileURLToPath(new URL(`../corpus/${target.name}/`, import.meta.url));
  const watchdog = new Watchdog(target.name, folder, target.maxBytes);
  const endMs = performance.now() + seconds * 1_000;
  const { cases, outcomes, finding, heap } = await fuzz(target, checker, {
    seed,
    goesOn(_cases, input) {
      watchdog.looksAt(input);
      return performance.now() < endMs;
    },
  });
  await watchdog.close();
  say(`${target.name}: ${cases} cases, ${outcomes} outcomes, heap ${heap} MiB`);
  if (finding === null) return false;
  const file = finding.input.length > 0 ? save(target.name, finding.input) : 'no one input';
  say(`${target.name}: FOUND with SEED=${seed}, ${file}\n${finding.reason}`);
  return true;
}
