/**
 * SIGHUP, or a changed file: which configuration is in force from now on? (SURFACE §1, "Signals")
 *
 * Must stay true: a configuration that is bad, or would open the door wider than its own file says,
 * changes nothing at all. What only a start can change stays as it is, with a warning.
 */
import { ConfigError, faultLine } from './config/faults.ts';
import { isLoopbackHost } from './config/loopback.ts';
import type { Config, ServerConfig } from './config/types.ts';
import type { Log } from './telemetry/log.ts';

/** What `read` gives, with the parts of `current` that only a start can change; null, and an error
 *  in the log, when the current one stays in force. `started` is what the file said at the start,
 *  where that is something else (an inherited socket has an address of its own). */
export function readAgain(
  current: Config,
  read: () => Config,
  log: Log,
  started = current,
): Config | null {
  let config: Config;
  try {
    config = read();
  } catch (thrown) {
    const faults =
      thrown instanceof ConfigError ? thrown.faults.map(faultLine) : [`cannot be read: ${thrown}`];
    log.error('reload refused: the configuration is bad, the old one stays in force', { faults });
    return null;
  }
  const { stateFile, upstreamCa } = current;
  const next = { ...config, server: kept(current, config), stateFile, upstreamCa };
  if (opensTheDoor(next.server)) {
    log.error('reload refused: without a token only a loopback address may be served', {
      address: current.server.bindAddress,
    });
    return null;
  }
  const ignored = ignoredKeys(started, config);
  if (ignored.length > 0) log.warn('a restart is needed for some of the changes', { ignored });
  return next;
}

function kept({ server: old }: Config, { server }: Config): ServerConfig {
  const { bindAddress, port, workers, transport } = old;
  return { ...server, bindAddress, port, workers, transport };
}

/** Whether other machines could use the keys without a token. The address is that of the start, the
 *  rules for it are those of the file. */
export function opensTheDoor({
  bindAddress,
  apiKeyRequired,
  allowUnauthenticated,
}: ServerConfig): boolean {
  return !isLoopbackHost(bindAddress) && !apiKeyRequired && !allowUnauthenticated;
}

function ignoredKeys(old: Config, config: Config): string[] {
  const rows = [
    { key: 'server.bind_address', same: old.server.bindAddress === config.server.bindAddress },
    { key: 'server.port', same: old.server.port === config.server.port },
    { key: 'server.workers', same: old.server.workers === config.server.workers },
    { key: 'server.transport', same: old.server.transport === config.server.transport },
    { key: 'state.file', same: old.stateFile === config.stateFile },
    { key: 'tls.ca_file', same: old.upstreamCa === config.upstreamCa },
  ];
  return rows.filter(({ same }) => !same).map(({ key }) => key);
}
