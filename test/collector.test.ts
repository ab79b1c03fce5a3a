import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { test } from 'node:test';

/** Runs the lines in a process of its own, for flags hold for all of it; gives what they print. */
function run(lines: string): string {
  const program = `import('./lib/collector.ts').then(async (it) => { ${lines} })`;
  const args = ['--allow-natives-syntax', '--import', 'tsx', '-e', program];
  const { stdout, stderr, status } = spawnSync(process.execPath, args, { encoding: 'utf8' });
  assert.deepEqual([status, stderr], [0, ''], 'the V8 that runs here knows the settings');
  return stdout.trim();
}

test('the collector is told', () => {
  assert.equal(run('it.tuneCollector()'), '');
});

/** Calls a function until it is optimized (TurboFan has a bit of its own in the status of each),
 *  within bounds. Its caller never is, or it would be part of that. */
const TRY = `
  const v8 = await import('node:v8');
  const tried = (rounds) => {
    const add = (a, b) => a + b;
    let sum = 0;
    for (let round = 0; round < rounds; round++) {
      for (let n = 0; n < 10_000; n++) sum = add(sum, n) % 1_000;
      if (%GetOptimizationStatus(add) & 64) return true;
    }
    return false;
  };
  %NeverOptimizeFunction(tried);
  const tell = (done) => console.log(done);
`;
const FEW = 500;
const MANY = 5_000;

for (const { name, lines, want } of [
  {
    name: 'while it starts nothing is',
    lines: `it.beginStart([]); tell(tried(${FEW}))`,
    want: false,
  },
  {
    name: 'after the start it is, as ever',
    lines: `it.beginStart([]); tried(${FEW}); it.endStart(process.versions.v8); tell(tried(${MANY}))`,
    want: true,
  },
  {
    name: 'an unknown V8 is told nothing that only another knows',
    lines: `it.beginStart([]); it.endStart('99.1.2'); tell(tried(${MANY}))`,
    want: true,
  },
  {
    name: 'who said how to compile has the last word',
    lines: `it.beginStart(['--max-old-space-size=99', '--max-lazy --opt']); tell(tried(${MANY}))`,
    want: true,
  },
  {
    name: 'without a beginning the end changes nothing',
    lines: `v8.setFlagsFromString('--no-turbofan'); it.endStart(process.versions.v8); tell(tried(${FEW}))`,
    want: false,
  },
])
  test(`optimized code: ${name}`, () => assert.equal(run(TRY + lines), String(want)));
