/** Is a request priced with one thread and with several? As small as it can be. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Processes } from '../../../bench/load/processes.ts';
import { measureThreads } from '../../../bench/load/threads.ts';
import { NEEDS_THREADS } from '../../support/threads.ts';

test('each round prices both, without a fault', NEEDS_THREADS, async () => {
  const processes = new Processes();
  try {
    const { oneUs, manyUs, faults } = await measureThreads(processes, {
      workers: 2,
      connections: 4,
      rounds: 2,
      seconds: 0.05,
      warmRequests: 40,
      transport: 'native',
      node: process.execPath,
    });
    assert.equal(faults, 0);
    assert.deepEqual([oneUs.length, manyUs.length], [2, 2]);
    assert.ok([...oneUs, ...manyUs].every((us) => us > 0));
  } finally {
    await processes.stop();
  }
});
