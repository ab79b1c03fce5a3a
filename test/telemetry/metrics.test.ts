/** Is every public metric there, under its name, with its labels? (SURFACE: Metrics) */
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { test } from 'node:test';
import { makeMetrics, setKeyState } from '../../lib/telemetry/metrics.ts';
import { parseExposition } from '../support/exposition.ts';

const PUBLIC = [
  ['cooldown_requests_total', 'counter', 'endpoint provider model status'],
  ['cooldown_upstream_requests_total', 'counter', 'provider key model status'],
  ['cooldown_request_duration_seconds', 'histogram', 'provider model'],
  ['cooldown_time_to_first_byte_seconds', 'histogram', 'provider model'],
  ['cooldown_queue_wait_seconds', 'histogram', 'provider model'],
  ['cooldown_proxy_overhead_seconds', 'histogram', 'endpoint'],
  ['cooldown_tokens_total', 'counter', 'provider key model type'],
  ['cooldown_key_remaining', 'gauge', 'provider key quota'],
  ['cooldown_key_limit', 'gauge', 'provider key quota'],
  ['cooldown_key_reset_seconds', 'gauge', 'provider key quota'],
  ['cooldown_key_state', 'gauge', 'provider key state'],
  ['cooldown_cooldowns_total', 'counter', 'provider key reason'],
  ['cooldown_in_flight', 'gauge', 'provider'],
  ['cooldown_queue_depth', 'gauge', 'provider'],
  ['cooldown_client_aborts_total', 'counter', 'provider'],
  ['cooldown_retries_total', 'counter', 'provider'],
  ['cooldown_failovers_total', 'counter', 'provider'],
  ['cooldown_shed_requests_total', 'counter', 'reason'],
  ['cooldown_client_requests_total', 'counter', 'client status'],
  ['cooldown_client_tokens_total', 'counter', 'client type'],
  ['cooldown_build_info', 'gauge', 'version node'],
] as const;

/** A fresh set with one child in every metric. */
function touched() {
  const metrics = makeMetrics('1.2.3');
  metrics.requests.labels('anthropic', 'p', 'm', '200').add();
  metrics.upstreamRequests.labels('p', 'k', 'm', '429').add();
  metrics.requestDuration.labels('p', 'm').observe(3);
  metrics.timeToFirstByte.labels('p', 'm').observe(0.3);
  metrics.queueWait.labels('p', 'm').observe(0);
  metrics.proxyOverhead.labels('openai').observe(0.0002);
  metrics.tokens.labels('p', 'k', 'm', 'input').add(10);
  metrics.keyRemaining.labels('p', 'k', 'requests_minute').set(1);
  metrics.keyLimit.labels('p', 'k', 'tokens_day').set(1);
  metrics.keyReset.labels('p', 'k', 'tokens_minute').set(1);
  setKeyState(metrics.keyState, 'p', 'k', 'ready');
  metrics.cooldowns.labels('p', 'k', 'rate_limit').add();
  metrics.inFlight.labels('p').add();
  metrics.queueDepth.labels('p').add();
  metrics.clientAborts.labels('p').add();
  metrics.retries.labels('p').add();
  metrics.failovers.labels('p').add();
  metrics.shedRequests.labels('heap').add();
  metrics.clientRequests.labels('ann', '200').add();
  metrics.clientTokens.labels('ann', 'input').add();
  return metrics;
}

test('every public name has its type and its labels', (t) => {
  const metrics = touched();
  t.after(() => metrics.close());
  const families = parseExposition(metrics.render());
  for (const [name, type, labels] of PUBLIC) {
    const family = families.get(name);
    assert.equal(family?.type, type, name);
    assert.notEqual(family?.samples.length, 0, `${name} has no sample`);
    for (const sample of family?.samples ?? []) {
      const names = [...sample.labels.keys()].filter((label) => label !== 'le');
      assert.deepEqual(names, labels.split(' '), name);
    }
  }
  const ours = [...families.keys()].filter((name) => name.startsWith('cooldown_'));
  assert.deepEqual(ours.sort(), PUBLIC.map(([name]) => name).sort(), 'no private names');
});

test('process and runtime: present and plausible', (t) => {
  const metrics = makeMetrics('1.2.3');
  t.after(() => metrics.close());
  const families = parseExposition(metrics.render());
  const value = (name: string) => families.get(name)?.samples[0]?.value ?? Number.NaN;
  const nowS = Date.now() / 1_000;
  assert.ok(value('process_cpu_seconds_total') > 0);
  assert.ok(value('process_resident_memory_bytes') > 1e6);
  assert.ok(value('nodejs_heap_size_used_bytes') > 1e5);
  assert.ok(value('process_start_time_seconds') <= nowS);
  assert.ok(value('process_start_time_seconds') > nowS - 3_600);
  assert.ok(value('nodejs_eventloop_lag_seconds') >= 0);
  assert.ok(value('nodejs_eventloop_lag_p99_seconds') >= 0);
  assert.ok(process.platform !== 'linux' || value('process_open_fds') >= 3);
});

test('build info names version and runtime', (t) => {
  const metrics = makeMetrics('1.2.3');
  t.after(() => metrics.close());
  const [sample] = parseExposition(metrics.render()).get('cooldown_build_info')?.samples ?? [];
  assert.deepEqual([...(sample?.labels.values() ?? [])], ['1.2.3', process.version]);
  assert.equal(sample?.value, 1);
});

test('the start of the process does not move between two expositions', (t) => {
  const metrics = makeMetrics('1');
  t.after(() => metrics.close());
  const start = () =>
    parseExposition(metrics.render()).get('process_start_time_seconds')?.samples[0]?.value;
  assert.equal(start(), start());
});

test('of the states of a key exactly one is 1', (t) => {
  const metrics = makeMetrics('1');
  t.after(() => metrics.close());
  for (const state of ['ready', 'pacing', 'cooling', 'disabled', 'ready'] as const) {
    setKeyState(metrics.keyState, 'p', 'k', state);
    const { samples = [] } = parseExposition(metrics.render()).get('cooldown_key_state') ?? {};
    assert.deepEqual(
      samples.filter(({ value }) => value === 1).map(({ labels }) => labels.get('state')),
      [state],
    );
    assert.equal(samples.length, 4);
  }
});

test('alert rules speak of metrics that exist', (t) => {
  const metrics = makeMetrics('1');
  t.after(() => metrics.close());
  const families = parseExposition(metrics.render());
  const folder = new URL('../../config/prometheus/', import.meta.url);
  const files = readdirSync(folder).filter((name) => name.endsWith('.yml'));
  assert.notEqual(files.length, 0);
  for (const file of files) {
    const text = readFileSync(new URL(file, folder), 'utf8');
    for (const [name] of text.matchAll(/\b(?:cooldown|nodejs|process)_[a-z_0-9]+/g)) {
      const base = name.replace(/_(?:bucket|sum|count)$/, '');
      assert.ok(families.has(base), `${file}: ${name}`);
    }
  }
});
