import assert from 'node:assert/strict';
import { test } from 'node:test';
import { closest, didYouMean, editDistance } from '../../lib/config/suggest.ts';

const KEYS = ['port', 'bind_address', 'api_key_required', 'auth_tokens', 'max_body_bytes'];

for (const { word, want } of [
  { word: 'prot', want: 'port' },
  { word: 'Port', want: 'port' },
  { word: 'bindAddress', want: 'bind_address' },
  { word: 'bind-address', want: 'bind_address' },
  { word: 'bind', want: 'bind_address' },
  { word: 'auth_token', want: 'auth_tokens' },
  { word: 'max_body', want: 'max_body_bytes' },
  { word: 'zzz', want: undefined },
  { word: '', want: undefined },
]) {
  test(`closest: ${word}`, () => assert.equal(closest(word, KEYS), want));
}

test('did you mean: nothing to say is nothing said', () => {
  assert.equal(didYouMean('zzz', KEYS), '');
  assert.equal(didYouMean('prot', KEYS), '; did you mean "port"?');
});

for (const { a, b, want } of [
  { a: '', b: 'abc', want: 3 },
  { a: 'abc', b: 'abc', want: 0 },
  { a: 'kitten', b: 'sitting', want: 3 },
  { a: 'prot', b: 'port', want: 1 },
]) {
  test(`edit distance: ${a} ${b}`, () => {
    assert.equal(editDistance(a, b), want);
    assert.equal(editDistance(b, a), want);
  });
}
