/** Is every promise of SECURITY.md held by a test that exists? */
import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { test } from 'node:test';
import { ROOT } from './support/source.ts';

interface Promised {
  readonly promise: string;
  readonly file: string;
  /** The name of a test, or a part of it. */
  readonly name: string;
}

const [, SECTION = ''] = readFileSync(`${ROOT}SECURITY.md`, 'utf8').split(/^## Promises.*$/m);

/** Rows `| promise | file | test |`; headings and rulers are none. */
function promises(): Promised[] {
  const rows = SECTION.split('\n').filter((line) => line.startsWith('|'));
  return rows
    .map((row) => row.split('|').map((cell) => cell.trim()))
    .filter(([, promise = '']) => promise !== 'promise' && !/^-+$/.test(promise))
    .map(([, promise = '', file = '', name = '', end]) => {
      assert.equal(end, '', `three cells: ${promise}`);
      return { promise, file: file.replaceAll('`', ''), name };
    });
}

/** Titles of tests, as they stand in the source: what follows `test(` or `describe(`, and the names
 *  in rows of tables. */
function titlesOf(source: string): string[] {
  const titles = /\b(?:test|describe)\(\s*(?:'((?:[^'\\]|\\.)*)'|"((?:[^"\\]|\\.)*)"|`([^`]*)`)/g;
  return [...source.matchAll(titles)].map((found) =>
    (found[1] ?? found[2] ?? found[3] ?? '').replaceAll('\\', ''),
  );
}

test('SECURITY.md has promises', () => assert.ok(promises().length > 30));

for (const { promise, file, name } of promises()) {
  test(`SECURITY.md: ${promise}`, () => {
    assert.match(file, /^test\/[\w/.-]+\.test\.ts$/);
    assert.ok(existsSync(ROOT + file), `${file} does not exist`);
    assert.ok(name.length >= 5, 'names a test');
    const titles = titlesOf(readFileSync(ROOT + file, 'utf8'));
    assert.ok(
      titles.some((title) => title.includes(name)),
      `${file} has no test "${name}", only:\n${titles.join('\n')}`,
    );
  });
}

test('titles are found in every way of writing them', () => {
  const source = "test('a b', () => {}); test(`c d`, f);\ndescribe(\n  \"it's\", g)";
  assert.deepEqual(titlesOf(source), ['a b', 'c d', "it's"]);
});
