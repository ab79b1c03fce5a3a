/** Starts the proxy for a configuration and keeps it until a signal: what `run` and `demo`
 *  share. */
import type { Config } from './config/types.ts';
import { compileGateway, type Services } from './gateway.ts';
import { type RunningServer, startServer } from './server.ts';
import { type Log, makeLog } from './telemetry/log.ts';
import { makeMetrics } from './telemetry/metrics.ts';
import { makeRedactor } from './telemetry/redact.ts';
import { makeTransport } from './transports/index.ts';
import { VERSION } from './version.ts';

const SIGNALS = ['SIGTERM', 'SIGINT'] as const;
const ADDRESS_TAKEN = 3;

/** Resolves to the exit code: 0 after a clean stop, 1 when something was cut, 3: address taken. */
export async function serve(config: Config): Promise<number> {
  const services = makeServices(config);
  const { log } = services;
  for (const { file, line, column, message } of config.warnings) {
    log.warn(message, { at: `${file}:${line}:${column}` });
  }
  let server: RunningServer;
  try {
    server = await startServer(compileGateway(config, services));
  } catch (thrown) {
    const { code, message } = thrown as NodeJS.ErrnoException;
    log.error('cannot listen', { error: message, port: config.server.port });
    return code === 'EADDRINUSE' || code === 'EACCES' || code === 'EADDRNOTAVAIL'
      ? ADDRESS_TAKEN
      : 1;
  }
  log.info('listening', {
    address: server.address,
    port: server.port,
    config: config.source,
    version: VERSION,
    pid: process.pid,
  });
  const clean = await untilStopped(server, config, log);
  services.transport.close();
  services.metrics.close();
  log.info('stopped', { clean });
  return clean ? 0 : 1;
}

function makeServices(config: Config): Services {
  process.stdout.on('error', () => {}); // the reader of the log is gone: no reason to stop
  const { logLevel, logFormat } = config.monitoring;
  const terminal = process.stdout.isTTY === true;
  const redact = makeRedactor(config.secrets);
  const log = makeLog({
    level: logLevel,
    format: logFormat === 'auto' ? (terminal ? 'pretty' : 'json') : logFormat,
    colour: terminal,
    write: (line) => process.stdout.write(line),
    redact,
    now: Date.now,
  });
  const { transport } = config.server;
  return {
    version: VERSION,
    log,
    metrics: makeMetrics(VERSION),
    transport: makeTransport(transport === 'native' ? 'auto' : transport),
    redact,
    nowMs: Date.now,
    random: Math.random,
    startedMs: Date.now(),
  };
}

/** The first signal drains, the second cuts. Faults that nobody caught are logged, never fatal: a
 *  person's session hangs on this process. */
async function untilStopped(server: RunningServer, config: Config, log: Log): Promise<boolean> {
  const onFault = (kind: string) => (fault: unknown) => {
    const error = fault instanceof Error ? (fault.stack ?? fault.message) : String(fault);
    log.error(kind, { error });
  };
  const onException = onFault('uncaught exception');
  const onRejection = onFault('unhandled rejection');
  process.on('uncaughtException', onException).on('unhandledRejection', onRejection);
  const clean = await new Promise<boolean>((resolve) => {
    let signals = 0;
    const onSignal = (signal: string) => {
      signals += 1;
      if (signals > 1) {
        server.cut();
        return;
      }
      log.info('draining', { signal, timeout_ms: config.server.shutdownTimeoutMs });
      void server.drain(config.server.shutdownTimeoutMs).then(resolve);
    };
    for (const signal of SIGNALS) process.on(signal, onSignal);
  });
  process.off('uncaughtException', onException).off('unhandledRejection', onRejection);
  return clean;
}
