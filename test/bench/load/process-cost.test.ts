/** Is the cost of a process read right, from /proc or from ps? */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { test } from 'node:test';
import {
  cpuUs,
  killTree,
  processTree,
  rssBytes,
  secondsIn,
  treeCpuUs,
  treeRssBytes,
} from '../../../bench/load/process-cost.ts';

for (const [time, seconds] of [
  ['00:00:07', 7],
  ['1:02.50', 62.5],
  ['01:00:01', 3_601],
  ['2-01:00:00', 176_400],
] as const)
  test(`ps: ${time}`, () => assert.equal(secondsIn(time), seconds));

test('processor time only grows', () => {
  const before = cpuUs(process.pid);
  let sum = 0;
  for (let i = 0; i < 30_000_000; i++) sum += i % 7;
  assert.ok(sum > 0 && cpuUs(process.pid) >= before);
});

test('memory is what this process says of itself, roughly', () => {
  const own = process.memoryUsage.rss();
  const seen = rssBytes(process.pid);
  assert.ok(seen > own / 2 && seen < own * 2, `${seen} of ${own}`);
});

test('no such process', () => {
  assert.throws(() => cpuUs(2 ** 30));
});

/** A process with a child that works for a moment; both then wait. */
const FAMILY = `
  const { spawn } = require('node:child_process');
  const work = 'let n = 0; for (let i = 0; i < 2e8; i++) n += i % 7; setInterval(() => n, 1e6);' +
    'process.send("done");';
  spawn(process.execPath, ['-e', work], { stdio: ['ignore', 'ignore', 'inherit', 'ipc'] })
    .once('message', () => console.log('done'));
  setInterval(() => {}, 1e6);
`;

const skip = process.platform === 'linux' ? false : 'only Linux tells the children of a process';

test('a tree of processes costs what its children cost, and ends as a whole', {
  skip,
}, async () => {
  const parent = spawn(process.execPath, ['-e', FAMILY], { stdio: ['ignore', 'pipe', 'inherit'] });
  const { pid = 0 } = parent;
  const gone = once(parent, 'exit');
  try {
    await once(parent.stdout, 'data');
    const tree = processTree(pid);
    assert.equal(tree.length, 2);
    assert.equal(tree[0]?.pid, pid);
    const [whole, alone] = [treeCpuUs(pid), cpuUs(pid)];
    assert.ok(whole > alone + 30_000, `${whole} and ${alone} µs`);
    assert.ok(treeRssBytes(pid) > 1.5 * rssBytes(pid));
    killTree([{ pid, startTicks: 1 }]); // another process had this pid
    assert.equal(processTree(pid).length, 2);
    killTree(tree);
  } finally {
    parent.kill('SIGKILL');
  }
  await gone;
  assert.deepEqual(processTree(pid), []);
});
