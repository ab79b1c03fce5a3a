/**
 * `make fuzz [SECONDS=10] [TARGET=json] [SEED=1]`: every target of this folder, one after the
 * other, each in a process of its own for so many seconds. Exit 1 when anything was found.
 */
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { TARGETS } from './targets.ts';

const { TARGET = '' } = process.env;
const names = TARGETS.map(({ name }) => name);
const wanted = TARGET === '' ? names : TARGET.split(',').map((name) => name.trim());
const unknown = wanted.filter((name) => !names.includes(name));

if (unknown.length > 0) {
  process.stderr.write(
    `no target is called ${unknown.join(', ')}; there are ${names.join(', ')}\n`,
  );
  process.exit(2);
}
let failed = 0;
for (const name of wanted) {
  const file = fileURLToPath(new URL(`./${name}.ts`, import.meta.url));
  const { status } = spawnSync(process.execPath, ['--import', 'tsx', file], { stdio: 'inherit' });
  if (status !== 0) failed += 1;
}
process.exit(failed === 0 ? 0 : 1);
