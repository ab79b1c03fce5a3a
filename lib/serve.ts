/** Starts the proxy for a configuration and keeps it until a signal: what `run` and `demo`
 *  share. */
import type { Config } from './config/types.ts';
import { compileGateway, type Gateway, type Services } from './gateway.ts';
import { STATE_SAVE_MS } from './limits.ts';
import { readAgain } from './reload.ts';
import { type RunningServer, startServer } from './server.ts';
import { StateFile } from './state.ts';
import { type Log, makeLog } from './telemetry/log.ts';
import { makeMetrics } from './telemetry/metrics.ts';
import { makeRedactor } from './telemetry/redact.ts';
import { makeTransport } from './transports/index.ts';
import { VERSION } from './version.ts';

const SIGNALS = ['SIGTERM', 'SIGINT'] as const;
const ADDRESS_TAKEN = 3;

export interface ServeOptions {
  /** Reads the configuration again, on SIGHUP. Throws ConfigError. Without it that signal ends the
   *  program, as it does by itself. */
  readonly reload?: () => Config;
  /** Called once, when requests are taken. */
  readonly onListening?: (port: number) => void;
  /** How often the state is saved. */
  readonly saveEveryMs?: number;
}

/** What runs, and what of it changes when the configuration does. */
interface Running {
  gateway: Gateway;
  readonly server: RunningServer;
  /** Null: none is kept. */
  readonly state: StateFile | null;
}

/** Resolves to the exit code: 0 after a clean stop, 1 when something was cut, 3: address taken. */
export async function serve(config: Config, options: ServeOptions = {}): Promise<number> {
  const gateway = compileGateway(config, makeServices(config));
  const { log, transport, metrics } = gateway;
  tellWarnings(config, log);
  const state = openState(gateway);
  let server: RunningServer;
  try {
    server = await startServer(gateway);
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
  options.onListening?.(server.port);
  state?.start(options.saveEveryMs ?? STATE_SAVE_MS);
  const running: Running = { gateway, server, state };
  const clean = await untilStopped(running, options.reload);
  await state?.close();
  transport.close();
  metrics.close();
  running.gateway.log.info('stopped', { clean });
  return clean ? 0 : 1;
}

function tellWarnings(config: Config, log: Log): void {
  for (const { file, line, column, message } of config.warnings) {
    log.warn(message, { at: `${file}:${line}:${column}` });
  }
}

function openState(gateway: Gateway): StateFile | null {
  const file = gateway.config.stateFile;
  if (file === '') return null;
  const state = new StateFile(file, gateway, process.pid);
  if (state.load()) gateway.log.info('state restored', { file });
  return state;
}

/**
 * Puts the configuration that is read now into force, or leaves everything as it is. The quota
 * table and what was learned go on; so do metrics and upstream connections. Requests that are under
 * way or waiting keep the routes and keys they came with.
 */
function reload(running: Running, read: () => Config): void {
  const before = running.gateway;
  const config = readAgain(before.config, read, before.log);
  if (config === null) return;
  try {
    const gateway = compileGateway(config, makeServices(config, before), before);
    running.server.swap(gateway);
    running.state?.follow(gateway);
    running.gateway = gateway;
  } catch (thrown) {
    before.log.error('reload failed, the old configuration stays in force', {
      error: thrown instanceof Error ? (thrown.stack ?? thrown.message) : String(thrown),
    });
    return;
  }
  const { log } = running.gateway;
  tellWarnings(config, log);
  log.info('configuration reloaded', {
    config: config.source,
    providers: config.providers.length,
    keys: config.providers.reduce((sum, { keys }) => sum + keys.length, 0),
  });
}

/** `before`: the services of the process so far; log and redaction follow the configuration. */
function makeServices(config: Config, before?: Services): Services {
  if (before === undefined) process.stdout.on('error', () => {}); // no reader: no reason to stop
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
    metrics: before?.metrics ?? makeMetrics(VERSION),
    transport: before?.transport ?? makeTransport(transport === 'native' ? 'auto' : transport),
    redact,
    nowMs: Date.now,
    random: Math.random,
    startedMs: before?.startedMs ?? Date.now(),
  };
}

/** The first signal drains, the second cuts. Faults that nobody caught are logged, never fatal: a
 *  person's session hangs on this process. */
async function untilStopped(running: Running, read: ServeOptions['reload']): Promise<boolean> {
  const { server } = running;
  const onFault = (kind: string) => (fault: unknown) => {
    const error = fault instanceof Error ? (fault.stack ?? fault.message) : String(fault);
    running.gateway.log.error(kind, { error });
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
      const { shutdownTimeoutMs } = running.gateway.config.server;
      running.gateway.log.info('draining', { signal, timeout_ms: shutdownTimeoutMs });
      void server.drain(shutdownTimeoutMs).then(resolve);
    };
    if (read !== undefined) {
      process.on('SIGHUP', () => {
        if (signals === 0) reload(running, read);
      });
    }
    for (const signal of SIGNALS) process.on(signal, onSignal);
  });
  process.off('uncaughtException', onException).off('unhandledRejection', onRejection);
  return clean;
}
