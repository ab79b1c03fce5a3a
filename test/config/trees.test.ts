import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Faults } from '../../lib/config/faults.ts';
import { parseTree, type Tree } from '../../lib/config/trees.ts';

/** A tree as plain values, maps as lists of pairs. */
function plain(tree: Tree): unknown {
  if (tree.kind === 'scalar') return tree.value;
  if (tree.kind === 'list') return tree.items.map(plain);
  return Object.fromEntries([...tree.entries].map(([key, { value }]) => [key, plain(value)]));
}

function parse(text: string): unknown {
  const faults = new Faults('f');
  const tree = parseTree(text, faults);
  assert.deepEqual(faults.errors(), []);
  return tree === undefined ? undefined : plain(tree);
}

function faultsOf(text: string): string[] {
  const faults = new Faults('f');
  parseTree(text, faults);
  return faults.errors().map(({ line, column, message }) => `${line}:${column}: ${message}`);
}

for (const { name, text, want } of [
  { name: 'empty', text: '', want: undefined },
  { name: 'only a comment', text: '# nothing\n', want: undefined },
  {
    name: 'scalars',
    text: 'a: 1\nb: x\nc: true\nd:\ne: "1"',
    want: { a: 1, b: 'x', c: true, d: null, e: '1' },
  },
  { name: 'keys are strings', text: '5: x\ntrue: y', want: { 5: 'x', true: 'y' } },
  { name: 'anchor and alias', text: 'a: &x [1]\nb: *x', want: { a: [1], b: [1] } },
  { name: 'the last anchor counts', text: 'a: &x 1\nb: &x 2\nc: *x', want: { a: 1, b: 2, c: 2 } },
  {
    name: 'merge key',
    text: 'a: &x {k: 1, l: 2}\nb: {<<: *x, l: 3}',
    want: { a: { k: 1, l: 2 }, b: { l: 3, k: 1 } },
  },
  {
    name: 'merge of several: the first wins',
    text: 'a: &x {k: 1}\nb: &y {k: 2, l: 2}\nc: {<<: [*x, *y]}',
    want: { a: { k: 1 }, b: { k: 2, l: 2 }, c: { k: 1, l: 2 } },
  },
  { name: 'a quoted << is a key', text: 'a: {"<<": 1}', want: { a: { '<<': 1 } } },
  { name: 'JSON is YAML', text: '{"a": [1, {"b": null}]}', want: { a: [1, { b: null }] } },
]) {
  test(`tree: ${name}`, () => assert.deepEqual(parse(text), want));
}

for (const { name, text, want } of [
  { name: 'tab', text: 'a:\n\t- 1', want: '2:1: a tab is used' },
  { name: 'unclosed quote', text: 'a: 1\nb: "x', want: '2:' },
  {
    name: 'unclosed list',
    text: 'a: [1, 2',
    want: '1:9: the indentation does not fit the lines above, or a bracket',
  },
  {
    name: 'unquoted interpolation in a flow map',
    text: `a: { k: \${X} }`,
    want: '1:10: something',
  },
  {
    name: 'duplicate key',
    text: 'a: 1\nb: 2\na: 3',
    want: '3:1: this key was already given in line 1',
  },
  {
    name: 'several documents',
    text: 'a: 1\n---\nb: 2',
    want: '2:1: a second document starts here',
  },
  { name: 'tag', text: 'a: !thing 1', want: '1:4: tags (!name) have no meaning here' },
  { name: 'known tag', text: 'a: !!binary aGk=', want: '1:4: tags' },
  { name: 'alias without anchor', text: 'a: *x', want: '1:4: an alias (*name) whose anchor' },
  { name: 'alias inside of its own anchor', text: 'a: &x [*x]', want: '1:8: an alias' },
  { name: 'merge of a scalar', text: 'a: {<<: 1}', want: '1:9: <<: only mappings can be merged' },
  { name: 'list as a key', text: '? [a]\n: 1', want: '1:3: a key must be a plain word' },
]) {
  test(`tree fault: ${name}`, () => {
    const [first = ''] = faultsOf(text);
    assert.ok(first.startsWith(want), first);
  });
}

for (const { name, text, want } of [
  { name: 'brackets', text: '['.repeat(100_000), want: /nesting is too deep/ },
  { name: 'dashes', text: '- '.repeat(100_000), want: /nesting is too deep/ },
  { name: 'questions', text: '? '.repeat(100_000), want: /nesting is too deep/ },
  {
    name: 'indentation',
    text: Array.from({ length: 1_000 }, (_, depth) => `${' '.repeat(depth)}a:`).join('\n'),
    want: /nesting is too deep/,
  },
  {
    name: 'alias bomb',
    text: Array.from({ length: 9 }, (_, level) => {
      const items =
        level === 0
          ? '1,1,1,1,1,1,1,1,1,1'
          : Array(10)
              .fill(`*l${level - 1}`)
              .join(',');
      return `k${level}: &l${level} [${items}]`;
    }).join('\n'),
    want: /aliases expand to far too many/,
  },
  {
    name: 'merge bomb',
    text: [
      `k: &k { ${Array.from({ length: 1_000 }, (_, index) => `k${index}: 1`).join(', ')} }`,
      ...Array.from({ length: 1_000 }, (_, index) => `m${index}: { <<: *k }`),
    ].join('\n'),
    want: /aliases expand to far too many/,
  },
]) {
  test(`tree bound: ${name}`, () => {
    const faults = faultsOf(text);
    assert.equal(faults.length, 1);
    assert.match(faults[0] ?? '', want);
  });
}

test('no syntax fault quotes the text', () => {
  const secret = 'sk-verysecret';
  for (const text of [
    `a: "${secret}\\q"`,
    `a: b\n${secret}`,
    `a: [${secret}: @x`,
    `a: {${secret}} }`,
    `a: *${secret}`,
    `a: !${secret} 1`,
    `%${secret}\n---\na: 1`,
    `${secret}: 1\n${secret}: 2`,
    `a: 1\n...\n${secret}`,
  ]) {
    const faults = faultsOf(text);
    assert.ok(faults.length > 0, text);
    assert.ok(!faults.join('\n').includes('secret'), faults.join('\n'));
  }
});
