/** Does blanking leave exactly the code, where it was? */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { blank } from './source.ts';

for (const { name, text, want } of [
  { name: 'line comment', text: 'a(); // b()', want: 'a();       ' },
  { name: 'block comment over lines', text: 'a /* b\n c */ d', want: 'a     \n      d' },
  { name: 'strings', text: `x('a//b', "c'{")`, want: `x('    ', "   ")` },
  { name: 'escaped quote', text: String.raw`'a\'b' + c`, want: `'    ' + c` },
  { name: 'template', text: '`a @{b({ c: `d` })} e` + f', want: '`  @{b({ c: ` ` })}  ` + f' },
  { name: 'template in template', text: '`@{`@{a}`}b@{c}`;{', want: '`@{`@{a}`} @{c}`;{' },
  { name: 'regular expression', text: 'x = /["{]\\/[/]/g;', want: 'x = /          /;' },
  { name: 'division', text: 'a / b / c', want: 'a / b / c' },
  { name: 'division after a call', text: "f(1) / 2; '/'", want: "f(1) / 2; ' '" },
])
  test(`blank: ${name}`, () => {
    const dollars = (sample: string) => sample.replaceAll('@', '$'); // not yet a placeholder here
    assert.equal(blank(dollars(text)), dollars(want));
  });
