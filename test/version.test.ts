import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import test from 'node:test';
import { VERSION } from '../lib/version.ts';

test('the version is the one of package.json', () => {
  const manifest = readFileSync(new URL('../package.json', import.meta.url), 'utf8');
  assert.equal(VERSION, JSON.parse(manifest).version);
});
