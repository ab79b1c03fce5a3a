import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { test } from 'node:test';

test('the V8 that runs here knows the setting: nothing is said on stderr', () => {
  const program = "import('./lib/collector.ts').then(({ tuneCollector }) => tuneCollector())";
  const { stderr, status } = spawnSync(process.execPath, ['--import', 'tsx', '-e', program], {
    encoding: 'utf8',
  });
  assert.doesNotMatch(stderr, /flag/);
  assert.equal(status, 0);
});
