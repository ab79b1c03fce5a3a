/** Does the gate fail only what is slower beyond doubt, and leave a repository as it was? */
import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { seededRandom } from '../../../bench/bootstrap.ts';
import { gateCases, USUAL, wordsOf } from '../../../bench/gates/cases.ts';
import { checkOut } from '../../../bench/gates/revisions.ts';
import { gateTable, judgePairs, type Kind } from '../../../bench/gates/verdict.ts';
import { ROOT } from '../../support/source.ts';

/** Pairs whose second side costs `factor` times the first, both up to `noise` dearer by chance. */
function pairsOf(factor: number, noise: number): [number, number][] {
  const random = seededRandom(11);
  return Array.from({ length: 15 }, () => [
    100 * (1 + noise * random()),
    100 * factor * (1 + noise * random()),
  ]);
}

for (const { name, kind, factor, noise, want } of [
  { name: 'a tenth slower, calm', kind: 'micro', factor: 1.1, noise: 0.05, want: 'slower' },
  { name: 'a tenth slower, a busy machine', kind: 'micro', factor: 1.1, noise: 1, want: 'unclear' },
  { name: 'a little slower', kind: 'micro', factor: 1.02, noise: 0.02, want: 'same' },
  { name: 'a little slower under load', kind: 'load', factor: 1.07, noise: 0.02, want: 'same' },
  { name: 'much slower under load', kind: 'load', factor: 1.4, noise: 0.2, want: 'slower' },
  { name: 'faster', kind: 'load', factor: 0.7, noise: 0.1, want: 'faster' },
] as const)
  test(`gate: ${name}`, () => {
    const judged = judgePairs({ name, kind: kind as Kind, pairs: pairsOf(factor, noise) });
    assert.equal(judged.word, want, JSON.stringify(judged.ratio));
    assert.match(gateTable([judged]), new RegExp(`${name} +\\| +15 \\| .* ${want} \\|`));
  });

test('the usual cases exist; a name with commas is one name; nonsense is refused', async () => {
  assert.equal((await gateCases([])).length, USUAL.length);
  const [name = ''] = USUAL.filter((each) => each.includes(', '));
  assert.deepEqual(wordsOf(`${name},json`), [name, 'json']);
  assert.deepEqual(
    (await gateCases([name, 'json', 'json'])).map(({ kind }) => kind),
    ['micro', 'load'],
  );
  await assert.rejects(gateCases(['nonsense']), RangeError);
});

const skip = spawnSync('git', ['--version']).status === 0 ? false : 'git is not installed';

test('both sides are checked out, and gone afterwards', { skip }, () => {
  const root = mkdtempSync(join(tmpdir(), 'cooldown-gate-test-'));
  const git = (...args: string[]) =>
    execFileSync('git', ['-c', 'user.name=x', '-c', 'user.email=x@localhost', ...args], {
      cwd: root,
      encoding: 'utf8',
      stdio: 'pipe',
    });
  const write = (path: string, text: string) => writeFileSync(join(root, path), text);
  try {
    git('init', '--quiet');
    for (const folder of ['bench', 'lib', 'node_modules']) mkdirSync(join(root, folder));
    write('.gitignore', 'node_modules\n');
    write('bench/run.ts', 'old bench');
    write('lib/a.ts', 'old lib');
    git('add', '-A');
    git('commit', '--quiet', '-m', 'first');
    write('bench/run.ts', 'new bench');
    write('lib/a.ts', 'new lib');
    write('lib/b.ts', 'unknown to git');
    const { before, now, remove } = checkOut(root, 'HEAD');
    const read = (...path: string[]) => readFileSync(join(...path), 'utf8');
    assert.equal(read(before, 'lib/a.ts'), 'old lib');
    assert.equal(read(now, 'lib/a.ts'), 'new lib');
    assert.equal(read(now, 'lib/b.ts'), 'unknown to git');
    assert.equal(existsSync(join(before, 'lib/b.ts')), false);
    for (const side of [before, now]) assert.equal(read(side, 'bench/run.ts'), 'new bench');
    remove();
    assert.equal(existsSync(before), false);
    assert.equal(git('worktree', 'list').trim().split('\n').length, 1);
    assert.match(
      git('status', '--porcelain'),
      /^ M bench\/run.ts\n M lib\/a.ts\n\?\? lib\/b.ts\n$/,
    );
    assert.throws(() => checkOut(root, 'nowhere'), /BASE=nowhere names no commit/);
  } finally {
    rmSync(root, { recursive: true });
  }
});

test('make gate refuses an unknown revision with exit 2', () => {
  const options = { cwd: ROOT, env: { ...process.env, BASE: 'no-such-revision' } } as const;
  const { status, stderr } = spawnSync(process.execPath, ['--import', 'tsx', 'bench/gate.ts'], {
    ...options,
    encoding: 'utf8',
    timeout: 30_000,
  });
  assert.equal(status, 2, stderr);
  assert.match(stderr, /BASE=no-such-revision names no commit/);
});
