/** Are the process metrics read at the time of the exposition, and does closing stop the
 *  sampling? */
import assert from 'node:assert/strict';
import { closeSync, openSync } from 'node:fs';
import { test } from 'node:test';
import { registerProcessMetrics } from '../../lib/telemetry/process-metrics.ts';
import { Registry } from '../../lib/telemetry/registry.ts';
import { parseExposition } from '../support/exposition.ts';

function setUp() {
  const registry = new Registry();
  const { close, nodeVersion } = registerProcessMetrics(registry);
  const read = (name: string) =>
    parseExposition(registry.render()).get(name)?.samples[0]?.value ?? Number.NaN;
  return { close, nodeVersion, read };
}

test('open files are counted when asked', { skip: process.platform !== 'linux' }, (t) => {
  const { close, read } = setUp();
  t.after(close);
  const before = read('process_open_fds');
  const descriptor = openSync('/dev/null', 'r');
  assert.equal(read('process_open_fds'), before + 1);
  closeSync(descriptor);
  assert.equal(read('process_open_fds'), before);
});

test('processor time never goes back', (t) => {
  const { close, read } = setUp();
  t.after(close);
  const first = read('process_cpu_seconds_total');
  assert.ok(read('process_cpu_seconds_total') >= first);
});

test('a blocked event loop shows as lag, once', async (t) => {
  const { close, read } = setUp();
  t.after(close);
  await new Promise((resolve) => setTimeout(resolve, 50)); // the sampler's timer is running now
  const untilMs = performance.now() + 120;
  while (performance.now() < untilMs);
  await new Promise((resolve) => setTimeout(resolve, 50));
  assert.ok(read('nodejs_eventloop_lag_p99_seconds') > 0.05);
});

test('close is idempotent and reading goes on', () => {
  const { close, nodeVersion, read } = setUp();
  close();
  close();
  assert.equal(nodeVersion, process.version);
  assert.ok(read('nodejs_eventloop_lag_seconds') >= 0);
});
