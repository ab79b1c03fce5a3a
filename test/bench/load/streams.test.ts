/** Are streams counted, stalls seen, and both judged as they should? As small as they can be. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { bodyOf } from '../../../bench/load/bodies.ts';
import { Processes } from '../../../bench/load/processes.ts';
import { modelOf, proxyConfig } from '../../../bench/load/proxy-config.ts';
import { measureStalls } from '../../../bench/load/stall.ts';
import {
  measureStreams,
  type StreamsResult,
  streamsVerdicts,
} from '../../../bench/load/streams.ts';
import { HEADERS, PATHS } from '../../../bench/load/variants.ts';

const GOOD: StreamsResult = {
  events: 1_000,
  expected: 1_010,
  faults: 0,
  shownFaults: [],
  cpuUsPerEvent: 40,
  p50Us: [100, 200, 300],
  p99Us: [200, 400, 600],
  idleBytes: 1,
  liveBytes: 2,
  lagP99Ms: 12,
};

for (const { name, change, want } of [
  { name: 'all is well', change: {}, want: [true, true] },
  { name: 'a delta out of order', change: { faults: 1 }, want: [false, true] },
  { name: 'deltas that never came', change: { events: 900 }, want: [false, true] },
  { name: 'a loop that lags', change: { lagP99Ms: 51 }, want: [true, false] },
  { name: 'a lag that is not told', change: { lagP99Ms: Number.NaN }, want: [true, false] },
])
  test(`streams: ${name}`, () => {
    const verdicts = streamsVerdicts({ ...GOOD, ...change });
    assert.deepEqual(
      verdicts.map(({ pass }) => pass),
      want,
    );
  });

test('a few streams: every delta is seen, the loop tells its lag', async () => {
  const processes = new Processes();
  try {
    const options = { streams: 6, everyMs: 40, seconds: 0.3, transport: 'http' } as const;
    const result = await measureStreams(processes, options);
    assert.equal(result.faults, 0, result.shownFaults.join('; '));
    assert.ok(result.events > 0 && Number.isFinite(result.lagP99Ms));
    assert.ok(result.idleBytes > 0 && result.liveBytes > 0);
    const stalls = await measureStalls(processes, 'http', 200_000, 1);
    assert.equal(stalls.faults, 0);
    assert.ok((stalls.stallsMs[0] ?? 0) > 0 && (stalls.bareMs[0] ?? 0) > 0);
  } finally {
    await processes.stop();
  }
});

test('requests of one model can be made to wait while another is served', async () => {
  const processes = new Processes();
  try {
    const upstreams = await processes.upstreams(10);
    const client = await processes.client();
    const { url } = await processes.program(
      proxyConfig('http', upstreams, { held: true, keys: 9 }),
    );
    const target = (model: string, stream: boolean) => ({
      url: url + PATHS.openai,
      headers: HEADERS,
      body: bodyOf('openai', 1_024, model, stream),
    });
    await client.do({ kind: 'open', target: target('bench-held', true), streams: 1 });
    await client.do({ kind: 'hold', target: target('bench-held', false), amount: 3 });
    const { faults } = await client.do({
      kind: 'ping',
      target: target(modelOf('fast'), false),
      amount: 2,
    });
    assert.equal(faults, 0);
    const metrics = await (await fetch(`${url}/metrics`)).text();
    assert.match(metrics, /^cooldown_queue_depth\{.*\} [123]$/m);
    assert.equal((await client.do({ kind: 'close' })).faults, 0);
  } finally {
    await processes.stop();
  }
});
