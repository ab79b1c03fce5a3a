/** Where the reasoning prompt stands, and that it stands there once. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { withPrompt } from '../../lib/reasoning/inject.ts';

for (const { name, system, prompt, want } of [
  { name: 'the last paragraph', system: 'Base.', prompt: 'Think.', want: 'Base.\n\nThink.' },
  { name: 'alone where there is no text', system: '', prompt: 'Think.', want: 'Think.' },
  { name: 'without its outer blanks', system: 'A', prompt: '\n Think.\n', want: 'A\n\nThink.' },
  { name: 'not twice', system: 'Think.\n\nBase.', prompt: 'Think.\n', want: 'Think.\n\nBase.' },
  { name: 'a blank prompt adds nothing', system: 'Base.', prompt: ' \n', want: 'Base.' },
  { name: 'nothing at all', system: '', prompt: '', want: '' },
]) {
  test(`reasoning prompt: ${name}`, () => assert.equal(withPrompt(system, prompt), want));
}

test('reasoning prompt: a second injection changes nothing', () => {
  const once = withPrompt('Base.', 'Line one\nLine two\n');
  assert.equal(withPrompt(once, 'Line one\nLine two\n'), once);
});
