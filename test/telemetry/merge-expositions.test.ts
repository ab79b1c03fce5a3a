import assert from 'node:assert/strict';
import test from 'node:test';
import { mergeExpositions } from '../../lib/telemetry/merge-expositions.ts';
import { makeMetrics } from '../../lib/telemetry/metrics.ts';
import { Registry } from '../../lib/telemetry/registry.ts';
import { parseExposition } from '../support/exposition.ts';

/** What one thread says after these requests. */
function said(requests: Readonly<Record<string, number>>, waiting: number): string {
  const metrics = makeMetrics('1');
  metrics.close();
  for (const [model, count] of Object.entries(requests)) {
    metrics.requests.labels('openai', 'p', model, '200').add(count);
    metrics.requestDuration.labels('p', model).observe(count);
  }
  metrics.queueDepth.labels('p').set(waiting);
  metrics.inFlight.labels('p').set(7);
  return metrics.render();
}

const sampleOf = (text: string, sample: string): number | undefined => {
  const line = text.split('\n').find((one) => one.startsWith(`${sample} `));
  return line === undefined ? undefined : Number(line.slice(sample.length + 1));
};

test('counters, histograms and what a thread has of its own add up; what is shared is there once', () => {
  const merged = mergeExpositions([said({ a: 2 }, 1), said({ a: 3, b: 1 }, 2)]);
  const requests = (model: string) =>
    `cooldown_requests_total{endpoint="openai",provider="p",model="${model}",status="200"}`;
  assert.equal(sampleOf(merged, requests('a')), 5);
  assert.equal(sampleOf(merged, requests('b')), 1);
  const duration = 'cooldown_request_duration_seconds';
  assert.equal(sampleOf(merged, `${duration}_count{provider="p",model="a"}`), 2);
  assert.equal(sampleOf(merged, `${duration}_sum{provider="p",model="a"}`), 5);
  assert.equal(sampleOf(merged, `${duration}_bucket{provider="p",model="a",le="2.5"}`), 1);
  assert.equal(sampleOf(merged, `${duration}_bucket{provider="p",model="a",le="+Inf"}`), 2);
  assert.equal(sampleOf(merged, 'cooldown_queue_depth{provider="p"}'), 3);
  assert.equal(sampleOf(merged, 'cooldown_in_flight{provider="p"}'), 7);
  const cpuS = sampleOf(merged, 'process_cpu_seconds_total') ?? Number.NaN;
  assert.ok(cpuS <= process.cpuUsage().user / 1e6 + process.cpuUsage().system / 1e6);
  assert.equal(merged.match(/^cooldown_build_info/gm)?.length, 1);
  assert.ok(
    parseExposition(merged).size > 20,
    'every metric has one head and its samples below it',
  );
});

test('threads that are gone have counted, and show nothing', () => {
  const merged = mergeExpositions([said({ a: 2 }, 1)], [said({ a: 3, c: 4 }, 9)]);
  const duration = 'cooldown_request_duration_seconds_count{provider="p",model="c"}';
  assert.equal(sampleOf(merged, duration), 1);
  assert.match(merged, /model="a",status="200"\} 5\n/);
  assert.equal(sampleOf(merged, 'cooldown_queue_depth{provider="p"}'), 1);
  assert.equal(mergeExpositions([], ['']), '');
});

test('labels may hold blanks and what looks like a comment; infinities stay', () => {
  const registry = new Registry();
  registry.counter('a_total', 'A # TYPE\nof b', ['name']).labels('# HELP x 1').add(2);
  registry.gauge('b', 'B', []).labels().set(Number.POSITIVE_INFINITY);
  const text = registry.render();
  assert.equal(mergeExpositions([text]), text);
  assert.match(mergeExpositions([text, text]), /a_total\{name="# HELP x 1"\} 4\n/);
});
