/** A whole proxy in this process, on a free port, for tests that speak HTTP to it. */
import { parseConfig } from '../../lib/config/parse.ts';
import type { Deadlines } from '../../lib/connections.ts';
import { compileGateway, type Gateway } from '../../lib/gateway.ts';
import type { OverloadBound } from '../../lib/overload.ts';
import { type RunningServer, startServer } from '../../lib/server.ts';
import { makeLog } from '../../lib/telemetry/log.ts';
import { makeMetrics } from '../../lib/telemetry/metrics.ts';
import type { ProcessLoad } from '../../lib/telemetry/process-metrics.ts';
import { makeRedactor } from '../../lib/telemetry/redact.ts';
import { makeTransport, type TransportName } from '../../lib/transports/index.ts';
import type { Transport } from '../../lib/transports/types.ts';

export interface TestProxy {
  /** `http://127.0.0.1:PORT` */
  readonly url: string;
  readonly port: number;
  readonly gateway: Gateway;
  /** Every log line so far, parsed. */
  readonly log: readonly Record<string, unknown>[];
  readonly server: RunningServer;
  /** One second passes for silent streams; for all others time goes by itself. */
  pulse(): void;
  /** Drains with the time given (default: at once) and closes. */
  close(timeoutMs?: number): Promise<boolean>;
}

export interface TestProxyOptions {
  readonly env?: Readonly<Record<string, string>>;
  readonly transport?: TransportName | Transport;
  /** Default: a process without a care, however seldom a test pulses. */
  readonly probe?: () => ProcessLoad;
  readonly bounds?: readonly OverloadBound[];
  readonly deadlines?: Deadlines;
}

export const CALM: ProcessLoad = { lagMs: 0, heapShare: 0, memoryShare: 0 };

/** Starts a proxy for a configuration in YAML; its port is taken from 0. */
export async function startProxy(yaml: string, options: TestProxyOptions = {}): Promise<TestProxy> {
  const config = parseConfig(yaml, 'test.yaml', options.env ?? {}, { port: 0 });
  const lines: Record<string, unknown>[] = [];
  const redact = makeRedactor(config.secrets);
  const metrics = makeMetrics('test');
  const { transport: pipe = 'auto' } = options;
  const transport = typeof pipe === 'string' ? makeTransport(pipe) : pipe;
  const gateway = compileGateway(config, {
    version: 'test',
    log: makeLog({
      level: 'debug',
      format: 'json',
      write: (line) => lines.push(JSON.parse(line)),
      redact,
      now: Date.now,
    }),
    metrics,
    transport,
    redact,
    nowMs: Date.now,
    random: Math.random,
    startedMs: Date.now(),
  });
  let pulse = () => {};
  const server = await startServer(gateway, {
    deadlines: options.deadlines,
    ticker(tick) {
      pulse = tick;
      return () => {};
    },
    probe: options.probe ?? (() => CALM),
    bounds: options.bounds,
  });
  return {
    server,
    pulse: () => pulse(),
    url: `http://127.0.0.1:${server.port}`,
    port: server.port,
    gateway,
    log: lines,
    async close(timeoutMs = 0) {
      const clean = await server.drain(timeoutMs);
      transport.close();
      metrics.close();
      return clean;
    },
  };
}

/** A configuration with one OpenAI-speaking provider at `endpoint`. */
export function oneProvider(endpoint: string, extra = ''): string {
  return `
providers:
  - name: upstream
    preset: generic
    endpoint: ${endpoint}
    models: [glm-4.6, glm-4.5-air]
    load_balancing:
      api_keys:
        - { key: key-one-secret, name: one }
${extra}
`;
}
