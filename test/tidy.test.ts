/** Does the code keep the house rules, and would the rules notice if it did not? */
import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { test } from 'node:test';
import { goldenCases } from './support/golden.ts';
import { functionsOf, RULES } from './support/house-rules.ts';
import { projectFiles, ROOT, sourceFile } from './support/source.ts';

const files = projectFiles();

test('the files of the project are found', () => {
  const paths = files.map(({ path }) => path);
  for (const path of ['package.json', 'lib/errors.ts', 'test/tidy.test.ts']) {
    assert.ok(paths.includes(path), path);
  }
});

for (const rule of RULES)
  test(`house: ${rule.name}`, () => {
    const faults = rule.check(files);
    assert.equal(faults.length, 0, `\n${faults.join('\n')}\n`);
  });

/** One sample for each thing that a rule must notice: [rule, path, text]. */
const SINS: readonly (readonly [rule: string, path: string, text: string])[] = [
  ['imports go down', 'lib/stages/a.ts', "import { x } from '../server.ts';"],
  ['imports go down', 'lib/stages/a.ts', "import { x } from './b.ts';"],
  ['imports go down', 'lib/strategies/a.ts', "import type { X } from './b.ts';"],
  ['imports go down', 'lib/quotas/a.ts', "import { x } from '../strategies/b.ts';"],
  ['imports go down', 'lib/quotas/a.ts', "import { load } from '../config/types.ts';"],
  ['imports go down', 'lib/quotas/a.ts', "import {\n  a,\n  b,\n} from 'node:crypto';"],
  ['imports go down', 'lib/wire/a.ts', "import type { X } from 'node:http';"],
  ['imports go down', 'lib/server.ts', "import { x } from '../test/support/golden.ts';"],
  ['imports go down', 'lib/server.ts', "import ai from 'openai';"],
  ['imports go down', 'lib/server.ts', "const y = await import('yaml');"],
  ['imports go down', 'lib/attic/a.ts', "import { x } from '../errors.ts';"],
  ['touch the network', 'lib/routes/a.ts', "import { request } from 'node:http';"],
  ['touch the network', 'lib/routes/a.ts', "import net, { type Socket } from 'node:net';"],
  ['read files', 'lib/routes/a.ts', "import { readFile } from 'node:fs/promises';"],
  ['no barrels', 'lib/routes/a.ts', "export { x } from './b.ts';"],
  ['no barrels', 'lib/routes/a.ts', "export * from './b.ts';"],
  ['pure rooms', 'lib/quotas/a.ts', 'const now = Date.now();'],
  ['pure rooms', 'lib/translate/pair/a.ts', 'const id = Math.random();'],
  ['touch process', 'lib/server.ts', 'const home = process.env.HOME;'],
  ['have a console', 'lib/server.ts', 'console.log(1);'],
  ['call fetch', 'lib/stages/a.ts', 'const answer = await fetch(url);'],
  ['listen', 'lib/routes/a.ts', 'server.listen(0);'],
  ['files have at most', 'lib/a.ts', 'x;\n'.repeat(401)],
  ['functions have', 'test/a.ts', `function a(\n  b,\n): void {\n${'  x;\n'.repeat(68)}}\n`],
  ['functions have', 'lib/a.ts', `class A {\n  #b(c: D): E {\n${'    x;\n'.repeat(69)}  }\n}\n`],
  ['functions have', 'lib/a.ts', `const a = () => {\n${'  x;\n'.repeat(69)}};\n`],
  ['lines have', 'bench/a.ts', `// ${'x'.repeat(98)}`],
  ['a file begins', 'lib/a.ts', 'const a = 1;'],
  ['names say', 'lib/string-utils.ts', ''],
  ['names say', 'test/helpers/a.ts', ''],
  ['notes to self', 'Makefile', `# TO${'DO'} later`],
  ['paths of a machine', 'README.md', `see /ro${'ot'}/x`],
  ['paths of a machine', 'test/fixtures/a.json', `"/ho${'me'}/jane/x"`],
  ['no any', 'test/a.ts', 'const a = b as any;'],
  ['no any', 'lib/a.ts', 'function a(b: any) {}'],
  ['silenced', 'lib/a.ts', `// @ts-${'ignore'}`],
  ['left out', 'test/a.ts', "test.only('x', () => {});"],
  ['default', 'bin/a.js', 'export default 1;'],
  ['erasable', 'lib/a.ts', 'export enum A {}'],
  ['mirrors', 'lib/quotas/a.ts', 'export function a() {}'],
  ['mirrors', 'lib/quotas/a.ts', 'export const a = (b: number): number => b;'],
];

for (const [name, path, text] of SINS)
  test(`noticed by "${name}": ${path}: ${text.slice(0, 50).replaceAll('\n', ' ')}`, () => {
    const [rule, ...more] = RULES.filter((each) => each.name.includes(name));
    assert.ok(rule !== undefined && more.length === 0, `which rule is "${name}"?`);
    const faults = rule.check([sourceFile(path, text)]);
    assert.equal(faults.length, 1, faults.join('\n'));
    assert.match(faults[0] ?? '', new RegExp(`^${path.replaceAll('.', '\\.')}:\\d+: .`));
  });

const INNOCENT: readonly (readonly [path: string, text: string])[] = [
  ['lib/stages/a.ts', "import type { Exchange } from '../exchange.ts';"],
  ['lib/quotas/a.ts', "import type { Config } from '../config/types.ts';"],
  ['lib/strategies/index.ts', "import { a } from './a.ts';"],
  ['lib/strategies/types.ts', "import type { QuotaTable } from '../quotas/quota-table.ts';"],
  ['lib/routes/index.ts', "import type { IncomingMessage } from 'node:http';"],
  ['lib/translate/types.ts', "// Date.now() of the 'process.env' console.log\nconst a = 'as any';"],
  ['lib/translate/types.ts', 'const at = new Date(ms); const b = Date.parse(text);'],
];

for (const [path, text] of INNOCENT)
  test(`not noticed: ${path}: ${text.slice(0, 60)}`, () => {
    const sample = sourceFile(path, `/** Why. */\n${text}`);
    assert.deepEqual(
      RULES.flatMap((rule) => rule.check([sample])),
      [],
    );
  });

test('a cycle is noticed, over types too', () => {
  const rule = RULES.find(({ name }) => name === 'no cycles in lib');
  const cycle = [
    sourceFile('lib/a.ts', "import { b } from './b.ts';"),
    sourceFile('lib/b.ts', "import type { C } from './quotas/c.ts';"),
    sourceFile('lib/quotas/c.ts', "import { a } from '../a.ts';"),
  ];
  assert.deepEqual(rule?.check(cycle), ['lib/a.ts -> lib/b.ts -> lib/quotas/c.ts -> lib/a.ts']);
  assert.deepEqual(rule?.check(cycle.slice(0, 2)), []);
});

test('functions are measured from head to closing brace', () => {
  const text = [
    'export function plain(a: A): B {',
    '  if (a) {',
    '    x();',
    '  }',
    '}',
    'const arrow = async (a) => {',
    '};',
    'class A {',
    '  constructor(',
    '    a: B,',
    '  ) {',
    '    super();',
    '  }',
    '  get b(): { c: D } {',
    '  }',
    '}',
    "describe('x', () => {",
    '});',
  ].join('\n');
  assert.deepEqual(
    functionsOf(sourceFile('lib/a.ts', text)).map(({ line, lines }) => [line, lines]),
    [
      [1, 5],
      [6, 2],
      [9, 5],
      [14, 2],
    ],
  );
});

test('the only runtime dependency is yaml', () => {
  const manifest = JSON.parse(readFileSync(`${ROOT}package.json`, 'utf8'));
  assert.deepEqual(Object.keys(manifest.dependencies ?? {}), ['yaml']);
  for (const kind of ['optionalDependencies', 'peerDependencies', 'bundleDependencies']) {
    assert.equal(manifest[kind], undefined, kind);
  }
});

for (const { kind, atLeast } of [
  { kind: 'request', atLeast: 60 },
  { kind: 'stream', atLeast: 60 },
])
  test(`golden: at least ${atLeast} cases of kind ${kind}`, () => {
    const folders = goldenFolders('').filter((folder) => folder.includes(kind));
    const count = folders.flatMap((folder) => goldenCases(folder)).length;
    assert.ok(count >= atLeast, `${count} in ${folders.join(', ') || 'no folder'}`);
  });

/** Folders under test/golden, however deep, relative to it. */
function goldenFolders(folder: string): string[] {
  const path = `${ROOT}test/golden/${folder}`;
  if (!existsSync(path)) return [];
  return readdirSync(path, { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .flatMap(({ name }) => [`${folder}${name}`, ...goldenFolders(`${folder}${name}/`)]);
}
