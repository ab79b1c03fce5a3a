/** Starts the proxy for a configuration and keeps it until a signal: what `run` and `demo`
 *  share. */
import { endStart, tuneCollector } from './collector.ts';
import type { Config, ServerConfig } from './config/types.ts';
import { compileGateway, type Gateway, type Sharing } from './gateway.ts';
import { STATE_SAVE_MS, WATCH_LOOK_MS } from './limits.ts';
import { opensTheDoor, readAgain } from './reload.ts';
import { type RunningServer, startServer } from './server.ts';
import { makeServices, type Output } from './services.ts';
import { tallyKeys } from './standing.ts';
import { StateFile } from './state.ts';
import { type Handed, type Inherited, ServiceManager, takeHanded } from './systemd.ts';
import type { Log } from './telemetry/log.ts';
import { VERSION } from './version.ts';
import type { WatchedFile } from './watch.ts';
import { holdYoungGeneration } from './young-generation.ts';

const SIGNALS = ['SIGTERM', 'SIGINT'] as const;
const CANNOT_START = 1;
const CANNOT_LISTEN = 3;
const NO_ADDRESS: ReadonlySet<string> = new Set(['EADDRINUSE', 'EACCES', 'EADDRNOTAVAIL']);

export interface ServeOptions {
  /** Reads the configuration again, on SIGHUP. Throws ConfigError. Without it that signal ends the
   *  program, as it does by itself. */
  readonly reload?: () => Config;
  /** The file that `reload` reads, for `server.watch`; made before it was read. */
  readonly watched?: WatchedFile;
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
  readonly output: Output;
  /** The configuration as it was read at the start. */
  readonly started: Config;
  /** Null: it runs without one. */
  manager: ServiceManager | null;
}

/** Resolves to the exit code: 0 after a clean stop, 1 when something was cut, 3: cannot listen. */
export async function serve(config: Config, options: ServeOptions = {}): Promise<number> {
  tuneCollector();
  const handed = takeHanded(process.env, process.pid);
  const output = standardOutput();
  const services = makeServices(config, output);
  const first = compileGateway(config, services, undefined, sharingOf(config));
  const { log, transport, metrics } = first;
  tellWarnings(config, log);
  const state = openState(first);
  const opened = await open(first, handed.socket, output);
  if (typeof opened === 'number') return opened;
  const { server, gateway } = opened;
  if (endStart(process.versions.v8) && config.server.workers === 1) holdYoungGeneration();
  const { workers: threads } = gateway.config.server;
  log.info('listening', {
    address: server.address,
    port: server.port,
    config: config.source,
    version: VERSION,
    pid: process.pid,
    workers: threads > 1 ? threads : undefined,
  });
  options.onListening?.(server.port);
  state?.start(options.saveEveryMs ?? STATE_SAVE_MS);
  const running: Running = { gateway, server, state, output, started: config, manager: null };
  const flushLog = () => running.gateway.log.flush();
  process.once('exit', flushLog);
  running.manager = managerOf(handed, running);
  const clean = await untilStopped(running, options);
  await state?.close();
  await running.manager?.close();
  transport.close();
  metrics.close();
  running.gateway.log.info('stopped', { clean });
  process.off('exit', flushLog);
  flushLog();
  return clean ? 0 : 1;
}

/** Several threads count in one table; one alone needs no room for others. */
function sharingOf({ server }: Config): Sharing | undefined {
  return server.workers > 1 ? { role: 'owner' } : undefined;
}

async function listen(gateway: Gateway, output: Output): Promise<RunningServer> {
  if (gateway.config.server.workers === 1) return await startServer(gateway);
  const { startThreads } = await import('./workers/supervisor.ts');
  return await startThreads(gateway, output);
}

function standardOutput(): Output {
  process.stdout.on('error', () => {}); // no reader: no reason to stop
  return {
    isTerminal: process.stdout.isTTY === true,
    write: (lines) => process.stdout.write(lines),
  };
}

/** Listens on the address of the configuration, or on a socket that came with the start. A number:
 *  the exit code, for neither can be done. */
async function open(
  gateway: Gateway,
  socket: Inherited | null,
  output: Output,
): Promise<{ readonly server: RunningServer; readonly gateway: Gateway } | number> {
  const { log, config } = gateway;
  if (socket !== null && 'fault' in socket) {
    log.error('cannot listen', { error: socket.fault });
    return CANNOT_LISTEN;
  }
  if (socket !== null && 'warning' in socket) log.warn(socket.warning);
  const fd = socket !== null && 'fd' in socket ? socket.fd : undefined;
  try {
    if (fd === undefined) return { server: await listen(gateway, output), gateway };
    const server = await startServer(gateway, { fd });
    const moved = moveTo(gateway, server);
    if (moved !== null) return { server, gateway: moved };
    await server.drain(0);
    return CANNOT_START;
  } catch (thrown) {
    const { code, message } = thrown as NodeJS.ErrnoException;
    const where = fd === undefined ? { port: config.server.port } : { fd };
    log.error('cannot listen', { error: message, ...where });
    return fd !== undefined || NO_ADDRESS.has(code ?? '') ? CANNOT_LISTEN : CANNOT_START;
  }
}

/** On an inherited socket the address is the socket's, whatever the file says, and the rules for
 *  addresses hold for it: null, and an error in the log, where they forbid it. */
function moveTo(gateway: Gateway, running: RunningServer): Gateway | null {
  const { log, config } = gateway;
  const { workers } = config.server;
  const { address: bindAddress, port } = running;
  const server: ServerConfig = { ...config.server, bindAddress, port, workers: 1 };
  if (opensTheDoor(server)) {
    log.error('the inherited socket is refused: without a token only loopback is served', {
      address: bindAddress,
    });
    return null;
  }
  if (workers !== 1) {
    log.warn('an inherited socket cannot be shared by threads: one worker', { workers });
  }
  const moved = { ...gateway, config: { ...config, server } };
  running.swap(moved);
  return moved;
}

function managerOf({ notify }: Handed, running: Running): ServiceManager | null {
  if (notify === null) return null;
  return new ServiceManager(notify, {
    log: () => running.gateway.log,
    status: () => statusLine(running.gateway),
    monotonicUs: () => process.hrtime.bigint() / 1_000n,
  });
}

/** As in `keys: 2 ready, 1 cooling`. */
function statusLine(gateway: Gateway): string {
  const counts = [...tallyKeys(gateway)].map(([state, count]) => `${count} ${state}`);
  return `keys: ${counts.length === 0 ? 'none' : counts.join(', ')}`;
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
  const config = readAgain(before.config, read, before.log, running.started);
  if (config === null) return;
  try {
    const gateway = compileGateway(config, makeServices(config, running.output, before), before);
    running.server.swap(gateway);
    running.state?.follow(gateway);
    running.gateway = gateway;
    before.log.flush();
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

/** The first signal drains, the second cuts. Faults that nobody caught are logged, never fatal: a
 *  person's session hangs on this process. */
async function untilStopped(running: Running, options: ServeOptions): Promise<boolean> {
  const { server, manager } = running;
  const onFault = (kind: string) => (fault: unknown) => {
    const error = fault instanceof Error ? (fault.stack ?? fault.message) : String(fault);
    running.gateway.log.error(kind, { error });
  };
  const onException = onFault('uncaught exception');
  const onRejection = onFault('unhandled rejection');
  process.on('uncaughtException', onException).on('unhandledRejection', onRejection);
  const reloading = reloader(running, options);
  const clean = await new Promise<boolean>((resolve) => {
    let signals = 0;
    const onSignal = (signal: string) => {
      signals += 1;
      if (signals > 1) {
        server.cut();
        return;
      }
      reloading.stop();
      const { shutdownTimeoutMs } = running.gateway.config.server;
      running.gateway.log.info('draining', { signal, timeout_ms: shutdownTimeoutMs });
      manager?.stopping(shutdownTimeoutMs);
      void server.drain(shutdownTimeoutMs).then(resolve);
    };
    for (const signal of SIGNALS) process.on(signal, onSignal);
    manager?.ready();
  });
  process.off('uncaughtException', onException).off('unhandledRejection', onRejection);
  return clean;
}

/** Reloads when SIGHUP comes and, where `server.watch` says so, when the file changes; not any more
 *  after `stop`. */
function reloader(running: Running, options: ServeOptions): { stop(): void } {
  const { reload: read, watched } = options;
  const { manager } = running;
  let stopped = false;
  const again = () => {
    if (stopped || read === undefined) return;
    manager?.reloading();
    watched?.note();
    reload(running, read);
    watch();
    manager?.reloaded();
  };
  const watch = () => {
    if (running.gateway.config.server.watch) watched?.start(WATCH_LOOK_MS, again);
    else watched?.stop();
  };
  if (read !== undefined) process.on('SIGHUP', again);
  watch();
  return {
    stop() {
      stopped = true;
      watched?.stop();
    },
  };
}
