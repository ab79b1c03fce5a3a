import assert from 'node:assert/strict';
import { test } from 'node:test';
import { interpolate } from '../../lib/config/interpolate.ts';

const env = { A: 'one', B: 'two', EMPTY: '', NEST: '\u0024{A}' };

for (const { source, text, missing = [] } of [
  { source: 'plain $A {A}', text: 'plain $A {A}' },
  { source: `\${A}`, text: 'one' },
  { source: `x-\${A}-\${B}-y`, text: 'x-one-two-y' },
  { source: `\${NO:def}`, text: 'def' },
  { source: `\${NO:-def}`, text: 'def' },
  { source: `\${NO:--1}`, text: '-1' },
  { source: `\${NO:}`, text: '' },
  { source: `\${NO:http://x:1/y}`, text: 'http://x:1/y' },
  { source: `\${A:def}`, text: 'one' },
  { source: `\${EMPTY:def}`, text: 'def' },
  { source: `\${EMPTY}`, text: '' },
  { source: `\${NO}`, text: '', missing: ['NO'] },
  { source: `\${NO}\${ALSO}`, text: '', missing: ['NO', 'ALSO'] },
  { source: `$\${A}`, text: `\${A}` },
  { source: `$\${A}\${A}`, text: `\${A}one` },
  { source: `\${NEST}`, text: `\${A}` },
  { source: `\${toString}`, text: '', missing: ['toString'] },
]) {
  test(`interpolate: ${source}`, () => {
    const result = interpolate(source, env);
    assert.equal(result.malformed, undefined);
    assert.deepEqual([result.text, result.missing], [text, missing]);
  });
}

for (const { source, why } of [
  { source: `\${A`, why: /not closed/ },
  { source: `\${}`, why: /followed by a name/ },
  { source: `\${1A}`, why: /followed by a name/ },
  { source: `\${A B}`, why: /followed by a name/ },
  { source: `\${A:\${B}}`, why: /cannot hold another/ },
]) {
  test(`interpolate: malformed ${source}`, () => {
    assert.match(interpolate(source, env).malformed ?? '', why);
  });
}

test('interpolate: names every variable, filled or not', () => {
  assert.deepEqual(interpolate(`\${A} \${NO:x} \${B}`, env).names, ['A', 'NO', 'B']);
  assert.equal(interpolate('plain', env).filled, false);
});
