/**
 * What the proxy counts: every metric by name, with its labels.
 *
 * Names and labels are public: dashboards and alert rules are written against them (SURFACE.md §5).
 * Label values come from the configuration; a model that nobody configured is `other`.
 */
import { registerProcessMetrics } from './process-metrics.ts';
import { type Counter, type Gauge, type Histogram, Registry } from './registry.ts';

export const KEY_STATES = ['ready', 'pacing', 'cooling', 'disabled'] as const;
export type KeyState = (typeof KEY_STATES)[number];

/** Seconds. From a cached first byte to the longest answer a provider's timeout allows. */
const LATENCY_BOUNDS = [
  0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 20, 30, 60, 120, 300,
];

/** Seconds of our own work: tenths of a millisecond are the rule, a second is a disaster. */
const OVERHEAD_BOUNDS = [
  0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1,
];

export interface Metrics {
  readonly requests: Counter<readonly ['endpoint', 'provider', 'model', 'status']>;
  readonly upstreamRequests: Counter<readonly ['provider', 'key', 'model', 'status']>;
  /** Histograms take seconds. */
  readonly requestDuration: Histogram<readonly ['provider', 'model']>;
  readonly timeToFirstByte: Histogram<readonly ['provider', 'model']>;
  readonly queueWait: Histogram<readonly ['provider', 'model']>;
  readonly proxyOverhead: Histogram<readonly ['endpoint']>;
  readonly tokens: Counter<readonly ['provider', 'key', 'model', 'type']>;
  readonly keyRemaining: Gauge<readonly ['provider', 'key', 'quota']>;
  readonly keyLimit: Gauge<readonly ['provider', 'key', 'quota']>;
  readonly keyReset: Gauge<readonly ['provider', 'key', 'quota']>;
  /** Set through `setKeyState`: of a key's states exactly one is 1. */
  readonly keyState: Gauge<readonly ['provider', 'key', 'state']>;
  readonly cooldowns: Counter<readonly ['provider', 'key', 'reason']>;
  readonly inFlight: Gauge<readonly ['provider']>;
  readonly queueDepth: Gauge<readonly ['provider']>;
  readonly clientAborts: Counter<readonly ['provider']>;
  readonly retries: Counter<readonly ['provider']>;
  readonly failovers: Counter<readonly ['provider']>;
  readonly shedRequests: Counter<readonly ['reason']>;
  readonly clientRequests: Counter<readonly ['client', 'status']>;
  readonly clientTokens: Counter<readonly ['client', 'type']>;
  /** The exposition, to be sent as EXPOSITION_TYPE (registry.ts). */
  render(): string;
  /** The same over all threads, where others count beside this one. */
  readonly renderAll?: () => Promise<string>;
  /** Stops what measures in the background. Idempotent. */
  close(): void;
}

/** Registers everything. `version` is the program's; the runtime's is found here. */
export function makeMetrics(version: string): Metrics {
  const registry = new Registry();
  const metrics = {
    ...requestMetrics(registry),
    ...keyMetrics(registry),
    ...providerMetrics(registry),
    ...processMetrics(registry),
    ...clientMetrics(registry),
  };
  const { nodeVersion, close } = registerProcessMetrics(registry);
  registry
    .gauge('cooldown_build_info', 'What runs here. Always 1.', ['version', 'node'])
    .labels(version, nodeVersion)
    .set(1);
  return { ...metrics, render: () => registry.render(), close };
}

/** Marks one state of a key as the one it is in. */
export function setKeyState(
  gauge: Metrics['keyState'],
  provider: string,
  key: string,
  state: KeyState,
): void {
  for (const each of KEY_STATES) gauge.labels(provider, key, each).set(each === state ? 1 : 0);
}

function requestMetrics(registry: Registry) {
  return {
    requests: registry.counter(
      'cooldown_requests_total',
      'Requests of clients, by the status they were answered with.',
      ['endpoint', 'provider', 'model', 'status'],
    ),
    upstreamRequests: registry.counter(
      'cooldown_upstream_requests_total',
      'Attempts at a provider, by the status it gave.',
      ['provider', 'key', 'model', 'status'],
    ),
    requestDuration: registry.histogram(
      'cooldown_request_duration_seconds',
      'From the arrival of a request to the last byte of its answer, waiting included.',
      ['provider', 'model'],
      LATENCY_BOUNDS,
    ),
    timeToFirstByte: registry.histogram(
      'cooldown_time_to_first_byte_seconds',
      'From the arrival of a request to the first byte of content for the client.',
      ['provider', 'model'],
      LATENCY_BOUNDS,
    ),
    queueWait: registry.histogram(
      'cooldown_queue_wait_seconds',
      'How long a request waited for a key with room.',
      ['provider', 'model'],
      LATENCY_BOUNDS,
    ),
    proxyOverhead: registry.histogram(
      'cooldown_proxy_overhead_seconds',
      'Time spent in the proxy itself: neither waiting for room nor for a provider.',
      ['endpoint'],
      OVERHEAD_BOUNDS,
    ),
    tokens: registry.counter(
      'cooldown_tokens_total',
      'Tokens used: input, output, cached (part of input), reasoning (part of output).',
      ['provider', 'key', 'model', 'type'],
    ),
  };
}

function processMetrics(registry: Registry) {
  return {
    shedRequests: registry.counter(
      'cooldown_shed_requests_total',
      'Requests refused because the proxy itself is overloaded, by what there is too much of.',
      ['reason'],
    ),
  };
}

function clientMetrics(registry: Registry) {
  return {
    clientRequests: registry.counter(
      'cooldown_client_requests_total',
      'Requests of named clients, by the status they were answered with.',
      ['client', 'status'],
    ),
    clientTokens: registry.counter(
      'cooldown_client_tokens_total',
      'Tokens that named clients used: input, output, cached, reasoning.',
      ['client', 'type'],
    ),
  };
}

function keyMetrics(registry: Registry) {
  const quotaLabels = ['provider', 'key', 'quota'] as const;
  return {
    keyRemaining: registry.gauge(
      'cooldown_key_remaining',
      'What is left of a quota of a key.',
      quotaLabels,
    ),
    keyLimit: registry.gauge('cooldown_key_limit', 'A quota of a key.', quotaLabels),
    keyReset: registry.gauge(
      'cooldown_key_reset_seconds',
      'Seconds until a quota of a key is whole again.',
      quotaLabels,
    ),
    keyState: registry.gauge(
      'cooldown_key_state',
      'The state of a key: one of ready, pacing, cooling, disabled is 1.',
      ['provider', 'key', 'state'],
    ),
    cooldowns: registry.counter(
      'cooldown_cooldowns_total',
      'How often a key was sent to rest, and why.',
      ['provider', 'key', 'reason'],
    ),
  };
}

function providerMetrics(registry: Registry) {
  const labels = ['provider'] as const;
  return {
    inFlight: registry.gauge('cooldown_in_flight', 'Attempts under way at a provider.', labels),
    queueDepth: registry.gauge('cooldown_queue_depth', 'Requests waiting for room.', labels),
    clientAborts: registry.counter(
      'cooldown_client_aborts_total',
      'Clients that hung up before their answer was complete.',
      labels,
    ),
    retries: registry.counter(
      'cooldown_retries_total',
      'Further attempts at the same provider.',
      labels,
    ),
    failovers: registry.counter(
      'cooldown_failovers_total',
      'Requests that went on with another provider; the label is the one that was left.',
      labels,
    ),
  };
}
