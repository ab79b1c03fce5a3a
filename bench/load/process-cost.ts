/**
 * What does a process cost, seen from outside? Processor time of all its threads and children, and
 * their memory.
 *
 * Linux: /proc; elsewhere `ps`, without children. Must stay true: time never goes back while a
 * process lives, whichever of its threads and children end.
 */
import { execFileSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';

/** USER_HZ of Linux, the same on every architecture that Node runs on. */
const TICK_US = 10_000;
const HAS_PROC = existsSync('/proc/self/stat');
const US_PER_S = 1e6;
const NS_PER_US = 1_000;
const BYTES_PER_KIB = 1_024;
/** The scheduler's sum may be this far from the ticks; further means that threads have ended. */
const MAX_DRIFT_US = 3 * TICK_US;

/** User and system time so far, in µs. Throws when there is no such process. */
export function cpuUs(pid: number): number {
  if (!HAS_PROC) return secondsIn(ps(pid, 'time')) * US_PER_S;
  const { ownTicks } = statOf(pid);
  const ticksUs = ownTicks * TICK_US;
  const exactUs = scheduledUs(pid);
  return Math.abs(exactUs - ticksUs) <= MAX_DRIFT_US ? exactUs : ticksUs;
}

/** The same of a process, all its descendants, and those of its children that have ended. */
export function treeCpuUs(pid: number): number {
  if (!HAS_PROC) return cpuUs(pid);
  return processTree(pid).reduce((sum, each) => {
    return sum + orZero(() => cpuUs(each.pid) + statOf(each.pid).endedTicks * TICK_US);
  }, 0);
}

/** Resident memory in bytes. */
export function rssBytes(pid: number): number {
  if (!HAS_PROC) return Number(ps(pid, 'rss')) * BYTES_PER_KIB;
  const kib = /^VmRSS:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1];
  return Number(kib) * BYTES_PER_KIB;
}

/** The same with all descendants. Pages that they share count for each. */
export function treeRssBytes(pid: number): number {
  if (!HAS_PROC) return rssBytes(pid);
  return processTree(pid).reduce((sum, each) => sum + orZero(() => rssBytes(each.pid)), 0);
}

export interface TreeNode {
  readonly pid: number;
  /** When it started, so that a pid that was given to another process is not taken for it. */
  readonly startTicks: number;
}

/** A process and all its descendants that are alive; empty when it is gone, alone without /proc. */
export function processTree(pid: number): TreeNode[] {
  if (!HAS_PROC) return [{ pid, startTicks: 0 }];
  const all = readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .flatMap((name) => statIfThere(Number(name)));
  const tree = all.filter((each) => each.pid === pid);
  for (let at = 0; at < tree.length; at++) {
    tree.push(...all.filter(({ parent, pid: child }) => parent === tree[at]?.pid && child !== pid));
  }
  return tree.map(({ pid: id, startTicks }) => ({ pid: id, startTicks }));
}

/** Ends those of a tree that are still alive, at once. */
export function killTree(tree: readonly TreeNode[]): void {
  for (const { pid, startTicks } of tree) {
    const [now] = HAS_PROC ? statIfThere(pid) : [{ startTicks }];
    if (now?.startTicks !== startTicks) continue;
    orZero(() => Number(process.kill(pid, 'SIGKILL')));
  }
}

interface Stat {
  readonly pid: number;
  readonly parent: number;
  readonly ownTicks: number;
  /** Of children that have ended and were waited for. */
  readonly endedTicks: number;
  readonly startTicks: number;
}

/** proc_pid_stat(5); the name in field 2 may hold spaces and parentheses. */
function statOf(pid: number): Stat {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  const field = (number: number) => Number(fields[number - 3]);
  return {
    pid,
    parent: field(4),
    ownTicks: field(14) + field(15),
    endedTicks: field(16) + field(17),
    startTicks: field(22),
  };
}

/** µs that the threads alive were on a processor: exact where ticks are 10 ms. 0 where unknown. */
function scheduledUs(pid: number): number {
  return orZero(() => {
    const threads = readdirSync(`/proc/${pid}/task`);
    const ns = threads.map((thread) =>
      orZero(() =>
        Number(readFileSync(`/proc/${pid}/task/${thread}/schedstat`, 'utf8').split(' ')[0]),
      ),
    );
    return ns.reduce((sum, each) => sum + each, 0) / NS_PER_US;
  });
}

function statIfThere(pid: number): Stat[] {
  try {
    return [statOf(pid)];
  } catch {
    return []; // it ended meanwhile
  }
}

/** 0 for what ended while it was read. */
function orZero(read: () => number): number {
  try {
    return read();
  } catch {
    return 0;
  }
}

function ps(pid: number, field: 'time' | 'rss'): string {
  return execFileSync('ps', ['-o', `${field}=`, '-p', String(pid)], { encoding: 'utf8' }).trim();
}

/** `[[DD-]HH:]MM:SS[.CC]` in seconds. */
export function secondsIn(time: string): number {
  const [days, clock] = time.includes('-') ? time.split('-') : ['0', time];
  const seconds = (clock ?? '').split(':').reduce((sum, part) => sum * 60 + Number(part), 0);
  return Number(days) * 86_400 + seconds;
}
