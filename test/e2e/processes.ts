/**
 * What runs outside of this program? Each program is in a process group of its own, is ended by its
 * id, and none is left behind, nor a folder, whatever way the run ends.
 */
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

export interface Ending {
  /** Exit code; null when a signal ended it, or when it never started. */
  readonly code: number | null;
  /** Whether it had to be ended after its time. */
  readonly late: boolean;
}

export interface Running {
  /** What it wrote to standard output so far. */
  output(): string;
  /** What it wrote to standard error so far. */
  complaints(): string;
  readonly ended: Promise<Ending>;
  /** Asks it to end, and ends it after `graceMs`. */
  stop(graceMs: number): Promise<Ending>;
}

export interface Start {
  readonly cwd: string;
  readonly env: Readonly<Record<string, string>>;
  /** Ended when it runs longer. 0: never. */
  readonly timeoutMs: number;
}

const MAX_OUTPUT_CHARS = 32 * 1024 * 1024;
const KILL_AFTER_MS = 3_000;
const INTERRUPTED = 130;

const alive = new Set<number>();
const folders = new Set<string>();

process.once('exit', () => {
  for (const pid of alive) signalGroup(pid, 'SIGKILL');
  for (const folder of folders) rmSync(folder, { recursive: true, force: true });
});
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
  process.once(signal, () => process.exit(INTERRUPTED));
}

export function startProgram(command: readonly string[], start: Start): Running {
  const [file = '', ...args] = command;
  const child = spawn(file, args, {
    cwd: start.cwd,
    env: start.env,
    detached: true,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const { pid } = child;
  if (pid !== undefined) alive.add(pid);
  let late = false;
  const end = (graceMs: number) => {
    if (pid === undefined) return;
    signalGroup(pid, 'SIGTERM');
    setTimeout(() => alive.has(pid) && signalGroup(pid, 'SIGKILL'), graceMs).unref();
  };
  const onLate = () => {
    late = true;
    end(KILL_AFTER_MS);
  };
  const timer = start.timeoutMs > 0 ? setTimeout(onLate, start.timeoutMs) : undefined;
  const ended = new Promise<Ending>((resolve) => {
    const onEnd = (code: number | null) => {
      clearTimeout(timer);
      if (pid !== undefined) signalGroup(pid, 'SIGKILL'); // what it left running
      if (pid !== undefined) alive.delete(pid);
      resolve({ code, late });
    };
    child.once('close', onEnd);
    child.once('error', () => onEnd(null));
  });
  const output = collect(child.stdout);
  const complaints = collect(child.stderr);
  const stop = (graceMs: number) => {
    end(graceMs);
    return ended;
  };
  return { output, complaints, ended, stop };
}

function collect(stream: NodeJS.ReadableStream): () => string {
  const chunks: string[] = [];
  let chars = 0;
  stream.setEncoding('utf8');
  stream.on('data', (chunk: string) => {
    chars += chunk.length;
    if (chars <= MAX_OUTPUT_CHARS) chunks.push(chunk);
  });
  return () => chunks.join('');
}

function signalGroup(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(-pid, signal);
  } catch {
    // The group is gone.
  }
}

/** A new folder that is removed with `removeFolder`, at the latest when this program ends. */
export function makeFolder(name: string): string {
  const folder = mkdtempSync(join(tmpdir(), `cooldown-${name}-`));
  folders.add(folder);
  return folder;
}

export function removeFolder(folder: string): void {
  rmSync(folder, { recursive: true, force: true });
  folders.delete(folder);
}

/** The folder stays, for a person who wants to look into it. */
export function keepFolder(folder: string): void {
  folders.delete(folder);
}
