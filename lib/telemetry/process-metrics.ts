/**
 * How the process itself is doing: processor, memory, files, event loop. Names are those that
 * Prometheus clients share, so that ready-made dashboards work.
 *
 * The one place besides main and the commands that reads `process`. Everything is read when the
 * metrics are, except the event loop's delay, which a timer of the runtime samples.
 */
import { readdirSync } from 'node:fs';
import { totalmem } from 'node:os';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import process from 'node:process';
import { getHeapStatistics } from 'node:v8';
import type { Gauge, Registry } from './registry.ts';

/** How often the delay of the event loop is sampled. */
const LAG_RESOLUTION_MS = 20;
const NS_PER_S = 1e9;
const US_PER_S = 1e6;
const MS_PER_S = 1e3;

export interface ProcessMetrics {
  /** As in `v20.1.0`. */
  readonly nodeVersion: string;
  /** Stops the sampling of the event loop. */
  readonly close: () => void;
}

/** Registers `process_*` and `nodejs_*`; each is read at the time of the exposition. */
export function registerProcessMetrics(registry: Registry): ProcessMetrics {
  registerCpu(registry);
  const gauge = (name: string, help: string, read: () => number) => {
    collectInto(registry.gauge(name, help, []), read);
  };
  gauge('process_resident_memory_bytes', 'Memory of the process.', () => process.memoryUsage.rss());
  gauge('process_start_time_seconds', 'Start of the process, in Unix time.', startTime);
  gauge('nodejs_heap_size_used_bytes', 'Heap in use.', () => process.memoryUsage().heapUsed);
  if (openFileCount() !== undefined) {
    gauge('process_open_fds', 'Open file descriptors.', () => openFileCount() ?? Number.NaN);
  }
  return { nodeVersion: process.version, close: registerLag(registry) };
}

/** How near the process is to its end. */
export interface ProcessLoad {
  /** How much later than it should the look came. */
  readonly lagMs: number;
  /** Used heap, of the heap that V8 may use. */
  readonly heapShare: number;
  /** Resident memory, of what the control group may use; 0 without such a limit. */
  readonly memoryShare: number;
}

/** Measures the process when it is called, which is to be every `everyMs`. */
export function processProbe(everyMs: number): () => ProcessLoad {
  const limitBytes = memoryLimit();
  let lastMs = performance.now();
  return () => {
    const nowMs = performance.now();
    const lagMs = Math.max(0, nowMs - lastMs - everyMs);
    lastMs = nowMs;
    const heap = getHeapStatistics();
    return {
      lagMs,
      heapShare: heap.used_heap_size / heap.heap_size_limit,
      memoryShare: limitBytes === 0 ? 0 : process.memoryUsage.rss() / limitBytes,
    };
  };
}

/** Of the control group (v1 or v2), 0 where there is none; without one the runtime says 0 or more
 *  than the machine has. Not in Node before 20.3. */
function memoryLimit(): number {
  const limit = process.constrainedMemory?.() ?? 0;
  return limit < totalmem() ? limit : 0;
}

function collectInto(gauge: Gauge<readonly []>, read: () => number): void {
  gauge.collect(() => gauge.labels().set(read()));
}

function registerCpu(registry: Registry): void {
  const counter = registry.counter(
    'process_cpu_seconds_total',
    'Processor time, user and system.',
    [],
  );
  counter.collect(() => {
    const { user, system } = process.cpuUsage();
    counter.labels().value = (user + system) / US_PER_S;
  });
}

/** Taken once: the difference of two clocks trembles, and a start time must not. */
const startedAtS = Math.round(Date.now() - process.uptime() * MS_PER_S) / MS_PER_S;

function startTime(): number {
  return startedAtS;
}

/** Undefined where there is no /proc. */
function openFileCount(): number | undefined {
  try {
    return readdirSync('/proc/self/fd').length - 1; // without the one that reads the folder
  } catch {
    return undefined;
  }
}

/** The runtime samples the time between two ticks of a timer; what is over its period is the lag.
 *  Mean and p99 are of the time since the last exposition. */
function registerLag(registry: Registry): () => void {
  const delay = monitorEventLoopDelay({ resolution: LAG_RESOLUTION_MS });
  delay.enable();
  const lagS = (tickNs: number) =>
    Number.isFinite(tickNs) ? Math.max(0, tickNs / NS_PER_S - LAG_RESOLUTION_MS / MS_PER_S) : 0;
  const mean = registry.gauge('nodejs_eventloop_lag_seconds', 'Mean lag of the event loop.', []);
  const p99 = registry.gauge('nodejs_eventloop_lag_p99_seconds', 'Its 99th percentile.', []);
  collectInto(mean, () => lagS(delay.mean));
  collectInto(p99, () => {
    const tickNs = delay.count > 0 ? delay.percentile(99) : Number.NaN;
    delay.reset(); // p99 is registered after the mean, so both are of the same samples
    return lagS(tickNs);
  });
  return () => void delay.disable();
}
