/**
 * How does a peer get here? Into .cache/peers, with a pinned version, through the usual client of
 * its registry, in bounded time. Nothing of it becomes a dependency of this project.
 */
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { delimiter, join } from 'node:path';

const INSTALL_TIMEOUT_MS = 240_000;
const REASON_MAX = 200;

/** Name -> version, and versions of what they depend on. */
export interface NpmPackages {
  readonly packages: Readonly<Record<string, string>>;
  readonly overrides?: Readonly<Record<string, string>>;
}

/** npm packages into `folder`/node_modules. */
export function installNpm(folder: string, { packages, overrides = {} }: NpmPackages): void {
  const manifest = JSON.stringify({ private: true, dependencies: packages, overrides });
  once(folder, manifest, () => {
    writeFileSync(join(folder, 'package.json'), manifest);
    run('npm', ['install', '--no-audit', '--no-fund', '--loglevel=error'], folder);
  });
}

/** A Python package into a virtual environment. */
export function installPython(folder: string, requirement: string): void {
  once(folder, requirement, () => {
    run('python3', ['-m', 'venv', folder], folder);
    const flags = ['--quiet', '--disable-pip-version-check'];
    run(join(folder, 'bin/pip'), ['install', ...flags, requirement], folder);
  });
}

/** A Go command into `folder`. */
export function installGo(folder: string, command: string): void {
  once(folder, command, () => run('go', ['install', command], folder, { GOBIN: folder }));
}

const SYSTEM_FOLDERS = ['/usr/sbin', '/usr/local/sbin', '/sbin'];

/** Where a program of the system is: in PATH, or where Debian puts servers. Throws when nowhere. */
export function programNamed(name: string): string {
  const folders = [...(process.env.PATH ?? '').split(delimiter), ...SYSTEM_FOLDERS];
  const found = folders.map((folder) => join(folder, name)).find((path) => existsSync(path));
  if (found === undefined) throw new Error(`no ${name} on this machine`);
  return found;
}

/** Runs `install` unless the same was installed before. */
function once(folder: string, what: string, install: () => void): void {
  const done = join(folder, `.installed-${what.replace(/[^\w.@-]+/g, '_').slice(0, REASON_MAX)}`);
  if (existsSync(done)) return;
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  install();
  writeFileSync(done, '');
}

function run(
  command: string,
  args: readonly string[],
  cwd: string,
  env: Readonly<Record<string, string>> = {},
): void {
  try {
    execFileSync(command, args, {
      cwd,
      env: { ...process.env, ...env },
      stdio: 'pipe',
      encoding: 'utf8',
      timeout: INSTALL_TIMEOUT_MS,
    });
  } catch (thrown) {
    throw new Error(reasonOf(command, thrown));
  }
}

/** The first line of its complaint. */
function reasonOf(command: string, thrown: unknown): string {
  const { code, signal, stderr } = thrown as { code?: string; signal?: string; stderr?: string };
  if (code === 'ENOENT') return `no ${command} on this machine`;
  if (code === 'ETIMEDOUT' || signal === 'SIGTERM') {
    return `${command} took more than ${INSTALL_TIMEOUT_MS / 1_000} s`;
  }
  const lines = (stderr ?? '').split('\n').filter((line) => !/^npm warn|^\s*$/.test(line));
  return `${command}: ${lines.slice(0, 3).join(' ').slice(0, REASON_MAX)}`;
}
