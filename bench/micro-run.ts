/** The micro benches: each case in a process of its own, one after the other, one table. */
import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { ALLOCATION_FLAGS, type Measurement } from './measure.ts';
import { findCases } from './micro-files.ts';
import { shown, summarize } from './statistics.ts';
import { markdownTable } from './table.ts';

const PROCESS = fileURLToPath(new URL('./micro-process.ts', import.meta.url));
const TIMEOUT_MS = 60_000;

/** What one case prints; throws when it fails or gives a wrong answer. */
async function runCase(file: string, name: string, what: 'all' | 'allocation'): Promise<string> {
  const args = [...ALLOCATION_FLAGS, '--import', 'tsx', PROCESS, file, name, what];
  const { stdout } = await promisify(execFile)(process.execPath, args, { timeout: TIMEOUT_MS });
  return stdout;
}

/** Bytes per operation of one case. */
export async function allocationOf(file: string, name: string): Promise<number> {
  return Number(await runCase(file, name, 'allocation'));
}

/** Measures all cases whose name holds `part`. */
export async function runMicro(part: string, told: (line: string) => void): Promise<Measurement[]> {
  const results: Measurement[] = [];
  for (const { file, one } of await findCases(part)) {
    told(one.name);
    results.push(JSON.parse(await runCase(file, one.name, 'all')) as Measurement);
  }
  return results;
}

export function microTable(results: readonly Measurement[]): string {
  const rows = results.map(({ name, unit, inputBytes, roundsNs, allocatedBytes }) => {
    const { median, min, max } = summarize(roundsNs);
    return [
      name,
      unit,
      shown(median),
      `${shown(min)}-${shown(max)}`,
      shown(allocatedBytes),
      inputBytes === 0 ? '' : shown((inputBytes * 1e9) / median / 1e6),
    ];
  });
  const head = ['case', 'per', 'ns, median', 'ns, min-max', 'bytes allocated', 'MB/s'];
  return markdownTable(head, rows);
}
