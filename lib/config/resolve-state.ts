/** Where learned limits, counters and cooldowns are kept while the program does not run. */
import { isAbsolute, join } from 'node:path';
import type { RawConfig } from './schema.ts';
import type { Reading } from './validate.ts';

/** The path of the state file; empty: none is kept. `~/` is the user's home. */
export function resolveStateFile(raw: RawConfig['state'], x: Reading): string {
  const { file } = raw;
  if (file === undefined) return defaultFile(x.env);
  const home = x.env.HOME ?? '';
  if (!file.startsWith('~/')) return file.trim();
  if (isAbsolute(home)) return join(home, file.slice(2));
  x.faults.error(x.places.of(raw, 'file'), 'starts with ~/, but the variable HOME is not set');
  return '';
}

/** systemd's StateDirectory= wins: a service may have no home. Then the XDG base directories, of
 *  which a relative one is ignored, as their specification asks. */
function defaultFile(env: Reading['env']): string {
  const { STATE_DIRECTORY = '', XDG_STATE_HOME = '', HOME = '' } = env;
  const [given = ''] = STATE_DIRECTORY.split(':'); // one per StateDirectory= entry
  if (isAbsolute(given)) return join(given, 'state.json');
  if (isAbsolute(XDG_STATE_HOME)) return join(XDG_STATE_HOME, 'cooldown-proxy', 'state.json');
  if (!isAbsolute(HOME)) return '';
  return join(HOME, '.local', 'state', 'cooldown-proxy', 'state.json');
}
