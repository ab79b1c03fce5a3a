/** Text -> configuration. Everything is an argument: nothing is read from disk or process but
 *  through `readFile`. */
import { ConfigError, Faults } from './faults.ts';
import type { Env } from './interpolate.ts';
import { NO_FILES, type ReadFile } from './read-file.ts';
import { resolve } from './resolve.ts';
import type { Overrides } from './resolve-server.ts';
import { ROOT } from './schema.ts';
import { parseTree } from './trees.ts';
import type { Config } from './types.ts';
import { Places, validate } from './validate.ts';

/**
 * Parses, checks and resolves a configuration. `file` is the name that faults carry; `readFile`
 * gives the files that the text names (load.ts has the one for the disk).
 *
 * @throws ConfigError with every fault of the text, in its order.
 */
export function parseConfig(
  text: string,
  file: string,
  env: Env,
  overrides: Overrides = {},
  readFile: ReadFile = NO_FILES,
): Config {
  const faults = new Faults(file);
  const tree = parseTree(text, faults);
  if (tree === undefined || (tree.kind === 'scalar' && tree.value === null)) {
    if (!faults.failed) faults.error({ line: 1, column: 1, path: '' }, EMPTY);
    throw new ConfigError(faults.errors());
  }
  if (tree.kind !== 'map') {
    faults.error({ ...tree, path: '' }, 'the file wants a mapping at its top level');
    throw new ConfigError(faults.errors());
  }
  const reading = { faults, places: new Places(), env, readFile };
  const raw = validate(ROOT, tree, reading);
  const config = resolve(raw, overrides, reading);
  if (faults.failed) throw new ConfigError(faults.errors());
  return config;
}

const EMPTY =
  'the file is empty: list at least one provider, such as' +
  ' providers: [{ name: cerebras, api_key: "..." }]';
