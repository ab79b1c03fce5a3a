import assert from 'node:assert/strict';
import test from 'node:test';
import { threadsOn } from '../../lib/config/threads.ts';

const linux = (node: string) => ({ node, platform: 'linux', cores: 4 });

for (const { name, host, workers, gives } of [
  { name: 'one is possible everywhere', host: linux('20.1.0'), workers: 1, gives: 1 },
  { name: 'auto is one on an old Node', host: linux('20.19.0'), workers: 'auto', gives: 1 },
  { name: 'the last one that is too old', host: linux('22.11.9'), workers: 'auto', gives: 1 },
  { name: 'the first that can', host: linux('22.12.0'), workers: 'auto', gives: 4 },
  { name: 'a later one', host: linux('24.0.1'), workers: 7, gives: 7 },
  {
    name: 'no system for it',
    host: { ...linux('24.0.0'), platform: 'darwin' },
    workers: 'auto',
    gives: 1,
  },
] as const) {
  test(`threads: ${name}`, () => assert.equal(threadsOn(host, workers), gives));
}

for (const { name, host, why } of [
  {
    name: 'an old Node',
    host: linux('20.19.0'),
    why: /from Node\.js 22\.12 on, and this is 20\.19\.0/,
  },
  { name: 'a system', host: { ...linux('24.0.0'), platform: 'darwin' }, why: /on darwin; use 1/ },
]) {
  test(`threads: ${name} that cannot is named`, () => {
    const found = threadsOn(host, 2);
    assert.match(typeof found === 'number' ? '' : found.fault, why);
  });
}
