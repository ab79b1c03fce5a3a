/** The program as a process of its own, in an empty folder and with nothing of the tester's
 *  settings. */
import { type ChildProcess, type ChildProcessByStdio, spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import type { TestContext } from 'node:test';
import { fileURLToPath } from 'node:url';
import { until } from './upstream.ts';

export interface Program {
  readonly child: ChildProcess;
  readonly out: string;
  readonly err: string;
  /** Exit code, once the process is gone and its output read. */
  readonly ended: Promise<number | null>;
  /** Log lines with this message. */
  lines(msg: string): Record<string, unknown>[];
  /** `http://127.0.0.1:PORT`, once it listens. */
  listening(): Promise<string>;
}

export interface ProgramOptions {
  readonly env?: Readonly<Record<string, string>>;
  readonly cwd?: string;
  /** Another file of test/support to start than the program itself. */
  readonly entry?: string;
  /** A socket to hand over as systemd does: descriptor 3, named by LISTEN_FDS and LISTEN_PID. */
  readonly socket?: number;
}

/** The number of the process that is to have the socket is known only in it. */
const HAND_OVER = ['sh', '-c', 'LISTEN_FDS=1 LISTEN_PID=$$ exec "$@"', 'sh'];

const LOADER = import.meta.resolve('tsx');

/** A folder for one test. */
export function folder(t: TestContext): string {
  const path = mkdtempSync(join(tmpdir(), 'cooldown-'));
  t.after(() => rmSync(path, { recursive: true, force: true }));
  return path;
}

/** Starts it; it is gone after the test at the latest. */
export function program(
  t: TestContext,
  args: readonly string[],
  options: ProgramOptions = {},
): Program {
  const cwd = options.cwd ?? folder(t);
  const { PATH = '' } = process.env;
  const entry = fileURLToPath(new URL(options.entry ?? 'program-entry.ts', import.meta.url));
  const node = [process.execPath, '--import', LOADER, entry, ...args];
  const [command = '', ...rest] = options.socket === undefined ? node : [...HAND_OVER, ...node];
  const inherited = options.socket === undefined ? [] : [options.socket];
  const child = spawn(command, rest, {
    cwd,
    env: { PATH, HOME: cwd, XDG_CONFIG_HOME: cwd, XDG_STATE_HOME: cwd, ...options.env },
    stdio: ['ignore', 'pipe', 'pipe', ...inherited],
  }) as ChildProcessByStdio<null, Readable, Readable>;
  const texts = { out: '', err: '' };
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    texts.out += text;
  });
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    texts.err += text;
  });
  const ended = new Promise<number | null>((resolve) => child.once('close', resolve));
  t.after(async () => {
    child.kill('SIGKILL');
    await ended;
  });
  const lines = (msg: string) => logLines(texts.out).filter((line) => line.msg === msg);
  return {
    child,
    ended,
    lines,
    get out() {
      return texts.out;
    },
    get err() {
      return texts.err;
    },
    async listening() {
      await until(() => lines('listening').length > 0 || child.exitCode !== null);
      const [line] = lines('listening');
      if (line === undefined) throw new Error(`it does not listen: ${texts.out}${texts.err}`);
      return `http://127.0.0.1:${line.port}`;
    },
  };
}

function logLines(out: string): Record<string, unknown>[] {
  return out
    .split('\n')
    .filter((line) => line.startsWith('{') && line.endsWith('}'))
    .map((line) => JSON.parse(line) as Record<string, unknown>);
}
