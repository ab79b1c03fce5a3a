/** Do the documents say what the code says? Keys, metrics, targets, files: all that can be
 *  compared. */
import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { test } from 'node:test';
import type { SchemaNode } from '../lib/config/nodes.ts';
import { ROOT as SCHEMA } from '../lib/config/schema.ts';
import { parseDurationMs, parseSizeBytes } from '../lib/config/units.ts';
import { ROOT } from './support/source.ts';

const MAX_ARCHITECTURE_LINES = 200;
const DOCUMENTS = [
  'README.md',
  'ARCHITECTURE.md',
  'CHANGELOG.md',
  'SECURITY.md',
  'bench/README.md',
];

const read = (path: string): string => readFileSync(ROOT + path, 'utf8');
const README = read('README.md');
const ARCHITECTURE = read('ARCHITECTURE.md');

interface Key {
  /** As in `providers[].timeouts.connect`. */
  readonly path: string;
  readonly node: SchemaNode;
}

/** Every key of the configuration that holds a value rather than more keys. */
function keysOf(node: SchemaNode, path: string): Key[] {
  switch (node.kind) {
    case 'object': {
      const dot = path === '' ? '' : '.';
      return Object.entries(node.keys).flatMap(([name, child]) =>
        keysOf(child, `${path}${dot}${name}`),
      );
    }
    case 'named':
      return keysOf(node.of, `${path}[]`);
    case 'list':
      return [{ path, node }, ...keysInside(node.of, `${path}[]`)];
    default:
      return [{ path, node }];
  }
}

/** Items that are objects, or may be. */
function keysInside(node: SchemaNode, path: string): Key[] {
  if (node.kind === 'object') return keysOf(node, path);
  return node.kind === 'either' ? keysOf(node.map, path) : [];
}

/** The tables of README, as `path of the key -> cell of its default`. */
function documentedKeys(): Map<string, string> {
  const found = new Map<string, string>();
  for (const section of README.split(/^#{2,4} /m).slice(1)) {
    const parent = /^`([\w.[\]]+)`\n/.exec(section)?.[1];
    if (parent === undefined) continue;
    for (const [, name, cell] of section.matchAll(/^\| `([\w.]+)` \| (.*?)\|/gm)) {
      found.set(`${parent}.${name}`, cell?.trim() ?? '');
    }
  }
  return found;
}

const DOCUMENTED = documentedKeys();
const KEYS = keysOf(SCHEMA, '');

test('the schema has keys to compare', () => assert.ok(KEYS.length > 60, String(KEYS.length)));

for (const { path, node } of KEYS) {
  if (!path.includes('.')) {
    test(`README names the key ${path}`, () => assert.ok(README.includes(`\`${path}\``)));
    continue;
  }
  test(`README has a row for the key ${path}`, () => {
    const cell = DOCUMENTED.get(path);
    assert.ok(cell !== undefined, `no row under the heading of its section`);
    if (node.kind === 'reserved') assert.equal(cell, 'reserved');
    else if (node.default !== undefined) assertDefault(node, cell);
  });
}

function assertDefault(node: SchemaNode, cell: string): void {
  const words = [...cell.matchAll(/`([^`]*)`/g)].map(([, word = '']) => word);
  const [first = ''] = words;
  if (node.kind === 'duration') assert.equal(parseDurationMs(first), node.default);
  else if (node.kind === 'size') assert.equal(parseSizeBytes(first), node.default);
  else if (node.kind === 'map') assert.equal(first, '{}');
  else if (Array.isArray(node.default)) {
    assert.deepEqual(words, node.default.length === 0 ? ['[]'] : node.default);
  } else if (node.default === '') assert.equal(first, '""');
  else if (String(node.default).includes('\n')) assert.equal(words.length, 0);
  else assert.equal(first, String(node.default));
}

test('README has no row for a key that is not there', () => {
  const known = new Set(KEYS.map(({ path }) => path));
  assert.deepEqual(
    [...DOCUMENTED.keys()].filter((path) => !known.has(path)),
    [],
  );
});

test('README names every metric', () => {
  const sources = ['lib/telemetry/metrics.ts', 'lib/telemetry/process-metrics.ts'].map(read);
  const names = sources.flatMap((text) => [
    ...text.matchAll(/'((?:cooldown|process|nodejs)_[a-z0-9_]+)'/g),
  ]);
  assert.ok(names.length > 20);
  for (const [, name] of names) assert.ok(README.includes(`\`${name}\``), name);
});

test('README names no metric that is not there', () => {
  const sources = read('lib/telemetry/metrics.ts') + read('lib/telemetry/process-metrics.ts');
  for (const [, name = ''] of README.matchAll(/`((?:cooldown|process|nodejs)_[a-z0-9_]+)`/g)) {
    assert.ok(sources.includes(`'${name}'`), name);
  }
});

/** What stands in fences and code spans. */
function codeOf(markdown: string): string {
  const fences = markdown.match(/^```[\s\S]*?^```/gm) ?? [];
  const prose = markdown.replace(/^```[\s\S]*?^```/gm, '');
  return [...fences, ...(prose.match(/`[^`\n]+`/g) ?? [])].join('\n');
}

for (const path of DOCUMENTS)
  test(`every make target of ${path} exists`, () => {
    const makefile = read('Makefile');
    for (const [, target = ''] of codeOf(read(path)).matchAll(/\bmake ([a-z][\w-]*)/g)) {
      assert.match(makefile, new RegExp(`^${target}:`, 'm'), `make ${target}`);
    }
  });

for (const path of DOCUMENTS)
  test(`every link of ${path} leads somewhere`, () => {
    const text = read(path);
    for (const [, target = ''] of text.matchAll(/\]\(([^)\s]+)\)/g)) {
      if (/^https?:/.test(target)) continue;
      const [file = '', anchor] = target.split('#');
      const to = file === '' ? path : join(dirname(path), file);
      assert.ok(existsSync(ROOT + to), target);
      if (anchor !== undefined) assert.ok(anchorsOf(read(to)).has(anchor), target);
    }
  });

function anchorsOf(markdown: string): Set<string> {
  const titles = [...markdown.matchAll(/^#+ (.+)$/gm)].map(([, title = '']) => title);
  return new Set(
    titles.map((title) => {
      return title
        .toLowerCase()
        .replace(/[^\w -]/g, '')
        .replaceAll(' ', '-');
    }),
  );
}

test('ARCHITECTURE.md can be read in one go', () => {
  const lines = ARCHITECTURE.trimEnd().split('\n').length;
  assert.ok(lines <= MAX_ARCHITECTURE_LINES, `${lines} lines`);
});

test('every file that ARCHITECTURE.md names exists', () => {
  const named = [...ARCHITECTURE.matchAll(/`((?:[\w-]+\/)*[\w.-]+\.(?:ts|json|md))`/g)];
  assert.ok(named.length > 40);
  for (const [, path = ''] of named) {
    if (path.includes('NAME')) continue; // stands for any
    const places = [path, `lib/${path}`, `config/${path}`];
    assert.ok(
      places.some((place) => existsSync(ROOT + place)),
      path,
    );
  }
});

test('ARCHITECTURE.md names every room', () => {
  const rooms = read('test/support/import-rules.ts');
  const layers = /const LAYERS[\s\S]*?^\];/m.exec(rooms)?.[0] ?? '';
  const [, picture = ''] = /## Import direction([\s\S]*?)\n## /.exec(ARCHITECTURE) ?? [];
  for (const [, room = ''] of layers.matchAll(/'([\w-]+)'/g)) {
    assert.match(picture, new RegExp(`\\b${room}\\b`), room);
  }
});
