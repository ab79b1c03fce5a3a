/** Where the configuration is found, and the only file of this room that reads any: it, and the
 *  secrets and certificates that it names. */
import { closeSync, openSync, readSync, statSync } from 'node:fs';
import { dirname, isAbsolute, join, resolve, sep } from 'node:path';
import { MAX_CONFIG_BYTES } from '../limits.ts';
import { ConfigError } from './faults.ts';
import { presetConfig } from './from-environment.ts';
import type { Env } from './interpolate.ts';
import { parseConfig } from './parse.ts';
import type { ReadFile } from './read-file.ts';
import type { Overrides } from './resolve-server.ts';
import type { Config } from './types.ts';

/**
 * The file to use: the flag, $COOLDOWN_CONFIG, ./config.yaml, the user's and the system's
 * configuration folder (SURFACE §1). undefined: there is none.
 *
 * @throws ConfigError when the flag or $COOLDOWN_CONFIG names a file that does not exist.
 */
export function findConfig(flag: string | undefined, env: Env, cwd: string): string | undefined {
  if (flag !== undefined) return mustExist(flag, '-config', cwd);
  const variable = env.COOLDOWN_CONFIG ?? '';
  if (variable !== '') return mustExist(variable, '$COOLDOWN_CONFIG', cwd);
  const folders = [userFolder(env), '/etc'].filter((folder) => folder !== undefined);
  const places = [
    join(cwd, 'config.yaml'),
    ...folders.map((folder) => join(folder, 'cooldown-proxy', 'config.yaml')),
  ];
  return places.find(isFile);
}

/** The XDG base directory: a relative one is ignored, as its specification asks. */
function userFolder(env: Env): string | undefined {
  const { XDG_CONFIG_HOME = '', HOME = '' } = env;
  if (isAbsolute(XDG_CONFIG_HOME)) return XDG_CONFIG_HOME;
  return isAbsolute(HOME) ? join(HOME, '.config') : undefined;
}

function mustExist(name: string, origin: string, cwd: string): string {
  const path = resolve(cwd, name);
  if (name !== '' && statSync(path, { throwIfNoEntry: false }) !== undefined) return path;
  const what = name === '' ? 'names no file' : 'names a file that does not exist';
  throw fileFault(name === '' ? cwd : path, `${origin} ${what}`);
}

/**
 * Reads a configuration file, and the files that it names.
 *
 * @throws ConfigError with every fault, also when the file cannot be read.
 */
export function loadConfig(path: string, env: Env, overrides: Overrides = {}): Config {
  const text = decode(readBounded(path), path);
  return parseConfig(text, path, env, overrides, fileReader(path, env));
}

/** Reads what a configuration names. A relative name is looked for in systemd's credentials first
 *  (LoadCredential=), then in the folder of the configuration. */
function fileReader(configPath: string, env: Env): ReadFile {
  const { CREDENTIALS_DIRECTORY = '' } = env;
  const placeOf = (name: string): string => {
    const given = join(CREDENTIALS_DIRECTORY, name);
    const isGiven = CREDENTIALS_DIRECTORY !== '' && !isAbsolute(name) && isFile(given);
    return isGiven ? given : resolve(dirname(configPath), name);
  };
  return (name) => {
    if (name.trim() === '') return { path: '""', fault: 'names no file' };
    const path = placeOf(name.trim());
    try {
      if (statSync(path).isFile()) return { path, ...readWhole(path) };
      return { path, fault: 'is not a file' };
    } catch (thrown) {
      return { path, fault: textOf(thrown) };
    }
  };
}

function isFile(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isFile() === true;
}

const READABLE_BY_ALL = 0o004;
/** Where access is not a matter of mode bits, they say nothing. */
const HAS_MODES = sep === '/';

function readWhole(path: string): { readonly text: string; readonly openToAll: boolean } {
  const text = decode(readBounded(path), path);
  return { text, openToAll: HAS_MODES && (statSync(path).mode & READABLE_BY_ALL) !== 0 };
}

/** The reason alone: the place of a fault is where the configuration names the file. */
function textOf(thrown: unknown): string {
  if (thrown instanceof ConfigError) return thrown.faults[0]?.message ?? 'cannot be read';
  return `cannot be read: ${(thrown as NodeJS.ErrnoException).code ?? 'error'}`;
}

/**
 * The configuration to start with: the file that is found, else the presets for the keys in the
 * environment, else undefined.
 *
 * @throws ConfigError
 */
export function findAndLoad(
  flag: string | undefined,
  env: Env,
  cwd: string,
  overrides: Overrides = {},
): Config | undefined {
  const path = findConfig(flag, env, cwd);
  return path === undefined ? presetConfig(env, overrides) : loadConfig(path, env, overrides);
}

/** What to say when `findAndLoad` finds nothing: the three ways to start. */
export const NOTHING_FOUND = `cooldown-proxy: no configuration and no provider key was found.
Three ways to start:

  cooldown-proxy demo                      try it on the embedded simulator, no key needed
  CEREBRAS_API_KEY=… cooldown-proxy        or ZHIPU_API_KEY, ZAI_API_KEY: built-in presets
  cooldown-proxy -config config.yaml       your own file; config/minimal.yaml is a start
`;

/** Reads at most one byte more than allowed: a pipe or a device has no size to ask for. */
function readBounded(path: string): Uint8Array {
  const bytes = new Uint8Array(MAX_CONFIG_BYTES + 1);
  let used = 0;
  try {
    const fd = openSync(path, 'r');
    try {
      while (used < bytes.length) {
        const count = readSync(fd, bytes, used, bytes.length - used, null);
        if (count === 0) break;
        used += count;
      }
    } finally {
      closeSync(fd);
    }
  } catch (error) {
    throw fileFault(path, `cannot be read: ${(error as NodeJS.ErrnoException).code ?? 'error'}`);
  }
  if (used > MAX_CONFIG_BYTES) throw fileFault(path, 'is larger than 1 MiB');
  return bytes.subarray(0, used);
}

function decode(bytes: Uint8Array, path: string): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    throw fileFault(path, 'is not UTF-8 text');
  }
}

function fileFault(file: string, message: string): ConfigError {
  return new ConfigError([{ file, line: 1, column: 1, message }]);
}
