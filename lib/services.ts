/** What a gateway needs of its surroundings, made from a configuration: log, metrics, transport,
 *  clock. Every thread that serves makes its own. */
import type { Config } from './config/types.ts';
import type { Services } from './gateway.ts';
import { makeLog } from './telemetry/log.ts';
import { makeMetrics } from './telemetry/metrics.ts';
import { makeRedactor } from './telemetry/redact.ts';
import { proxiesFrom } from './transports/forward-proxies.ts';
import { makeTransport } from './transports/index.ts';
import { withOwnRoots } from './transports/roots.ts';
import type { Transport } from './transports/types.ts';
import { VERSION } from './version.ts';

/** Where log lines go. */
export interface Output {
  /** Whether a person reads them. */
  readonly isTerminal: boolean;
  /** Takes whole lines. */
  readonly write: (lines: string) => void;
  /** When it takes them (`LogOptions`). Default: at the end of a turn of the event loop. */
  readonly later?: (flush: () => void) => void;
}

/** `before`: the services so far; log and redaction follow the configuration, the rest goes on. */
export function makeServices(config: Config, output: Output, before?: Services): Services {
  const { logLevel, logFormat } = config.monitoring;
  const { isTerminal, write, later = setImmediate } = output;
  const redact = makeRedactor(config.secrets);
  const log = makeLog({
    level: logLevel,
    format: logFormat === 'auto' ? (isTerminal ? 'pretty' : 'json') : logFormat,
    colour: isTerminal,
    write,
    later,
    redact,
    now: Date.now,
  });
  return {
    version: VERSION,
    log,
    metrics: before?.metrics ?? makeMetrics(VERSION),
    transport: before?.transport ?? openTransport(config),
    redact,
    nowMs: Date.now,
    random: Math.random,
    startedMs: before?.startedMs ?? Date.now(),
  };
}

function openTransport({ server, upstreamCa, forwardProxies }: Config): Transport {
  const trust = upstreamCa === '' ? {} : { ca: withOwnRoots(upstreamCa) };
  return makeTransport(server.transport, { ...trust, proxyOf: proxiesFrom(forwardProxies) });
}
