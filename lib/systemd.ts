/**
 * The service manager around the program: what has it handed over, and what is it told?
 *
 * systemd's protocol for both: sd_listen_fds(3), sd_notify(3). Node has no datagram sockets of the
 * file system, so messages are sent by `systemd-notify`, which is wherever systemd is; sockets in
 * the abstract name space are its business, too.
 * Must stay true: messages go out one after the other, in order; telling waits for nothing, is
 * bounded, and what fails is a warning, once; without $NOTIFY_SOCKET there is no timer and no
 * child.
 */
import { execFile } from 'node:child_process';
import { MAX_PENDING_NOTICES, NOTICE_MS, STATUS_LOOK_MS, STOP_MARGIN_MS } from './limits.ts';
import type { Log } from './telemetry/log.ts';

type Variables = Record<string, string | undefined>;

/** A listening socket that came with the start: its descriptor; or why there is none to use:
 *  `warning` (it is for somebody else), `fault` (not what this program can serve). */
export type Inherited =
  | { readonly fd: number }
  | { readonly warning: string }
  | { readonly fault: string };

/** What the service manager has put into the environment. */
export interface Handed {
  /** Null: no socket was passed on. */
  readonly socket: Inherited | null;
  /** Null: nobody wants to be told anything. */
  readonly notify: NotifyTarget | null;
}

export interface NotifyTarget {
  /** Where messages go, as in $NOTIFY_SOCKET. */
  readonly socket: string;
  /** A sign of life is expected this often; 0 = none is. */
  readonly watchdogMs: number;
  /** Where `systemd-notify` is looked for. */
  readonly path: string;
}

const FIRST_FD = 3;
const VARIABLES = [
  'NOTIFY_SOCKET',
  'WATCHDOG_USEC',
  'WATCHDOG_PID',
  'LISTEN_FDS',
  'LISTEN_PID',
  'LISTEN_FDNAMES',
] as const;

/** Reads the variables meant for the process `pid`, and takes them out of `env`: they are for
 *  nobody whom it starts. */
export function takeHanded(env: Variables, pid: number): Handed {
  const handed = { socket: inheritedOf(env, pid), notify: notifyOf(env, pid) };
  for (const name of VARIABLES) delete env[name];
  return handed;
}

function inheritedOf(env: Variables, pid: number): Inherited | null {
  const { LISTEN_FDS = '', LISTEN_PID = '', LISTEN_FDNAMES = '' } = env;
  if (LISTEN_FDS === '' || LISTEN_FDS === '0') return null;
  if (LISTEN_PID !== String(pid)) {
    const whose = LISTEN_PID === '' ? 'LISTEN_PID is not set' : `LISTEN_PID is ${LISTEN_PID}`;
    const warning = `LISTEN_FDS=${LISTEN_FDS} is not for this process (${pid}): ${whose}`;
    return { warning: `${warning}; it listens itself` };
  }
  if (LISTEN_FDS === '1') return { fd: FIRST_FD };
  const names = LISTEN_FDNAMES === '' ? '' : ` (${LISTEN_FDNAMES})`;
  return { fault: `LISTEN_FDS=${LISTEN_FDS}${names}: one listening TCP socket is wanted` };
}

function notifyOf(env: Variables, pid: number): NotifyTarget | null {
  const { NOTIFY_SOCKET: socket = '', WATCHDOG_USEC = '', WATCHDOG_PID, PATH } = env;
  if (socket === '') return null;
  const isOurs = WATCHDOG_PID === undefined || WATCHDOG_PID === String(pid);
  const watchdogMs = isOurs && /^\d{1,15}$/.test(WATCHDOG_USEC) ? Number(WATCHDOG_USEC) / 1_000 : 0;
  return { socket, watchdogMs, path: PATH ?? '/usr/bin:/bin' };
}

/** What is said of the state of the program, and when it began to reload. */
export interface Surroundings {
  readonly log: () => Pick<Log, 'warn'>;
  /** One line for `systemctl status`. */
  readonly status: () => string;
  /** CLOCK_MONOTONIC in microseconds. */
  readonly monotonicUs: () => bigint;
}

type Notice = readonly string[];

/** Tells systemd how the program is doing. */
export class ServiceManager {
  readonly #target: NotifyTarget;
  readonly #around: Surroundings;
  readonly #pending: Notice[] = [];
  #sending: Promise<void> | null = null;
  #status = '';
  #stopping = false;
  #complained = false;
  readonly #timers: NodeJS.Timeout[] = [];

  constructor(target: NotifyTarget, around: Surroundings) {
    this.#target = target;
    this.#around = around;
  }

  /** Requests are taken. From now on signs of life are given as often as they are wanted, and the
   *  status when it has changed. */
  ready(): void {
    this.#say(['READY=1', this.#newStatus()]);
    const { watchdogMs } = this.#target;
    this.#every(STATUS_LOOK_MS, () => this.#tellStatus());
    if (watchdogMs > 0) this.#every(watchdogMs / 2, () => this.#say(['WATCHDOG=1']));
  }

  reloading(): void {
    this.#say(['RELOADING=1', `MONOTONIC_USEC=${this.#around.monotonicUs()}`]);
  }

  /** With the new configuration or, where it was refused, with the old one. */
  reloaded(): void {
    this.#say(['READY=1', this.#newStatus()]);
  }

  /** What is in flight is waited for, at most `timeoutMs`. */
  stopping(timeoutMs: number): void {
    this.#stopping = true;
    const extendUs = Math.round(timeoutMs + STOP_MARGIN_MS) * 1_000;
    this.#say(['STOPPING=1', 'STATUS=draining', `EXTEND_TIMEOUT_USEC=${extendUs}`]);
  }

  /** Resolves when everything has been told, or could not be. */
  async close(): Promise<void> {
    for (const timer of this.#timers) clearInterval(timer);
    await this.#sending;
  }

  #every(ms: number, tell: () => void): void {
    this.#timers.push(setInterval(tell, ms).unref());
  }

  #tellStatus(): void {
    if (this.#stopping || this.#around.status() === this.#status) return;
    this.#say([this.#newStatus()]);
  }

  #newStatus(): string {
    this.#status = this.#around.status();
    return `STATUS=${this.#status}`;
  }

  /** What counts is the last word, so the oldest is left out where too many wait. */
  #say(notice: Notice): void {
    if (this.#pending.length >= MAX_PENDING_NOTICES) this.#pending.shift();
    this.#pending.push(notice);
    this.#sending ??= this.#send().finally(() => {
      this.#sending = null;
    });
  }

  async #send(): Promise<void> {
    for (let next = this.#pending.shift(); next !== undefined; next = this.#pending.shift()) {
      const failure = await notify(this.#target, next);
      if (failure === '' || this.#complained) continue;
      this.#complained = true;
      this.#around.log().warn('systemd cannot be told', { error: failure });
    }
  }
}

/** Resolves to why it failed; empty: it did not. The child gets nothing of our environment. */
function notify({ socket, path }: NotifyTarget, notice: Notice): Promise<string> {
  const env = { NOTIFY_SOCKET: socket, PATH: path };
  return new Promise((resolve) => {
    try {
      execFile('systemd-notify', notice, { env, timeout: NOTICE_MS }, (error, _, stderr) => {
        resolve(error === null ? '' : stderr.trim().slice(0, 500) || error.message);
      });
    } catch (thrown) {
      resolve(String(thrown));
    }
  });
}
