/**
 * What does a process cost, seen from outside? Processor time of all its threads, and its memory.
 *
 * Linux: /proc (ticks of 10 ms, so a measurement lasts a second or so); elsewhere `ps`.
 */
import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';

/** USER_HZ of Linux, the same on every architecture that Node runs on. */
const TICK_US = 10_000;
const HAS_PROC = existsSync('/proc/self/stat');
const US_PER_S = 1e6;
const BYTES_PER_KIB = 1_024;

/** User and system time so far, in µs. Throws when there is no such process. */
export function cpuUs(pid: number): number {
  return HAS_PROC ? ticksOf(pid) * TICK_US : secondsIn(ps(pid, 'time')) * US_PER_S;
}

/** Resident memory in bytes. */
export function rssBytes(pid: number): number {
  if (!HAS_PROC) return Number(ps(pid, 'rss')) * BYTES_PER_KIB;
  const kib = /^VmRSS:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1];
  return Number(kib) * BYTES_PER_KIB;
}

/** Fields 14 and 15 of proc_pid_stat(5); the name in field 2 may hold spaces and parentheses. */
function ticksOf(pid: number): number {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return Number(fields[11]) + Number(fields[12]);
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
