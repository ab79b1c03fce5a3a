/**
 * Which processes does a load bench start, and how does it end them? Upstreams, proxies, a client:
 * each alone, so that the time of the proxy's process is the proxy's.
 *
 * Must stay true: every process is ended by its handle, whatever happened; nothing waits for ever.
 */
import { type ChildProcess, execFileSync, fork, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import type { ClientAnswer, ClientCommand, ClientMessage, UpstreamUrls } from './messages.ts';
import { killTree, processTree } from './process-cost.ts';
import { proxyConfig, type TransportName } from './proxy-config.ts';

const START_TIMEOUT_MS = 60_000;
const COMMAND_TIMEOUT_MS = 300_000;
const STOP_TIMEOUT_MS = 5_000;
/** A server in Python reads for half a minute where the machine is busy. */
const SERVER_TIMEOUT_MS = 90_000;
const LOOK_MS = 50;
const LAST_WORDS = 600;
const SIGNALS = ['SIGINT', 'SIGTERM'] as const;
const INTERRUPTED = 130;

const here = (path: string) => fileURLToPath(new URL(path, import.meta.url));

/** The compiled program; another checkout's can be put in its place. */
const PROGRAM = process.env.PROGRAM ?? here('../../bin/cooldown-proxy.js');

export interface RunningProxy {
  readonly transport: TransportName;
  readonly url: string;
  readonly pid: number;
}

export interface StartOptions {
  /** For Node, before the program. */
  readonly flags?: readonly string[];
  /** Another build of the program. */
  readonly program?: string;
  /** Another Node. */
  readonly node?: string;
  /** Processors it may run on, as taskset(1) takes them. */
  readonly cores?: string;
}

export interface ServerOptions {
  /** Where it will listen, on 127.0.0.1. */
  readonly port: number;
  readonly cores?: string;
  readonly env?: Readonly<Record<string, string>>;
}

/** Everything that one run has started. */
export class Processes {
  readonly #children: ChildProcess[] = [];
  /** For files of a run; removed at the end. */
  readonly folder = mkdtempSync(join(tmpdir(), 'cooldown-bench-'));
  readonly #interrupted = () => process.exit(INTERRUPTED);
  readonly #exiting = () => {
    for (const child of this.#children) killTree(treeOf(child));
  };

  /** Processors of upstreams and clients, as taskset(1) takes them. */
  readonly #cores: string | undefined;

  constructor(cores?: string) {
    this.#cores = cores;
    for (const signal of SIGNALS) process.once(signal, this.#interrupted);
    process.once('exit', this.#exiting);
  }

  /** `events`: content deltas of a stream of the fast upstream. */
  async upstreams(events: number): Promise<UpstreamUrls> {
    const child = this.#fork('./upstream-process.ts', [String(events)]);
    return (await firstMessage(child)) as UpstreamUrls;
  }

  async client(): Promise<Client> {
    const child = this.#fork('./client-process.ts', []);
    await firstMessage(child);
    return new Client(child);
  }

  /** Starts the compiled proxy on a free port and waits for its `listening`. */
  async proxy(
    transport: TransportName,
    upstreams: UpstreamUrls,
    options: StartOptions = {},
  ): Promise<RunningProxy> {
    const { url, pid } = await this.program(proxyConfig(transport, upstreams), options);
    return { transport, url, pid };
  }

  /** The same with any configuration. It remembers nothing of another run, and nothing of it is
   *  left where the user's own proxy would find it. */
  async program(
    config: string,
    { flags = [], program = PROGRAM, node = process.execPath, cores }: StartOptions = {},
  ): Promise<Omit<RunningProxy, 'transport'>> {
    const name = join(this.folder, String(this.#children.length));
    const file = `${name}.yaml`;
    writeFileSync(file, config);
    const command = pinned(cores, [node, ...flags, program, 'run', '-config', file]);
    const child = this.#spawn(command, { STATE_DIRECTORY: '', XDG_STATE_HOME: name });
    const port = await portOf(child);
    return { url: `http://127.0.0.1:${port}`, pid: child.pid ?? 0 };
  }

  /** Starts any server and waits until its port is open; gives its pid. Throws, with the last words
   *  of the server, when that does not happen. */
  async server(
    command: readonly string[],
    { port, cores, env = {} }: ServerOptions,
  ): Promise<number> {
    const child = this.#spawn(pinned(cores, command), env);
    let said = '';
    const hear = (chunk: Buffer) => {
      said = (said + chunk.toString()).slice(-LAST_WORDS);
    };
    child.stdout?.on('data', hear);
    child.stderr?.on('data', hear);
    const untilMs = performance.now() + SERVER_TIMEOUT_MS;
    while (!(await isOpen(port))) {
      if (isOver(child) || performance.now() > untilMs) {
        throw new Error(`${command[0]} did not start: ${said.trim()}`);
      }
      await sleep(LOOK_MS);
    }
    return child.pid ?? 0;
  }

  /** Ends one process that was started here. */
  async end(pid: number): Promise<void> {
    const at = this.#children.findIndex((child) => child.pid === pid);
    for (const child of at < 0 ? [] : this.#children.splice(at, 1)) await ended(child);
  }

  /** Ends them all, the newest first, and waits until they are gone. */
  async stop(): Promise<void> {
    for (const child of this.#children.splice(0).reverse()) await ended(child);
    for (const signal of SIGNALS) process.off(signal, this.#interrupted);
    process.off('exit', this.#exiting);
    rmSync(this.folder, { recursive: true, force: true });
  }

  /** A module of this folder as a process, and the first thing it tells. */
  async child<T>(file: string, args: readonly string[]): Promise<[ChildProcess, T]> {
    const child = this.#fork(file, args);
    return [child, (await firstMessage(child)) as T];
  }

  #fork(file: string, args: readonly string[]): ChildProcess {
    const child = fork(here(file), args, { execArgv: ['--import', 'tsx'] });
    this.#children.push(child);
    if (this.#cores !== undefined) pin(child, this.#cores);
    return child;
  }

  #spawn(
    [command = '', ...args]: readonly string[],
    env: Readonly<Record<string, string>> = {},
  ): ChildProcess {
    const child = spawn(command, args, {
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { ...process.env, ...env },
    });
    child.once('error', () => {}); // no such program: seen as a process that has no pid and ended
    this.#children.push(child);
    return child;
  }
}

const isOver = ({ pid, exitCode, signalCode }: ChildProcess) =>
  pid === undefined || exitCode !== null || signalCode !== null;

/** A pid of a process that is over may be another's by now. */
const treeOf = (child: ChildProcess) => (isOver(child) ? [] : processTree(child.pid ?? 0));

/** Asks it to end, waits, and ends what it leaves behind. */
async function ended(child: ChildProcess): Promise<void> {
  if (isOver(child)) return;
  const tree = treeOf(child);
  const gone = once(child, 'exit');
  child.kill('SIGTERM');
  const cut = setTimeout(() => child.kill('SIGKILL'), STOP_TIMEOUT_MS);
  await gone;
  clearTimeout(cut);
  killTree(tree);
}

/** The command, kept to some processors. */
function pinned(cores: string | undefined, command: readonly string[]): readonly string[] {
  return cores === undefined ? command : ['taskset', '-c', cores, ...command];
}

/** The same for a process that runs already, with all its threads. */
function pin({ pid }: ChildProcess, cores: string): void {
  if (pid === undefined) return;
  execFileSync('taskset', ['-acp', cores, String(pid)], { stdio: 'ignore' });
}

function isOpen(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1');
    const done = (open: boolean) => {
      socket.destroy();
      resolve(open);
    };
    socket.once('connect', () => done(true)).once('error', () => done(false));
  });
}

/** The process that loads. One command at a time. */
export class Client {
  readonly #child: ChildProcess;

  constructor(child: ChildProcess) {
    this.#child = child;
  }

  /** Throws when the command fails. */
  async do(command: ClientCommand): Promise<ClientAnswer> {
    const answered = once(this.#child, 'message', {
      signal: AbortSignal.timeout(COMMAND_TIMEOUT_MS),
    });
    this.#child.send(command);
    const [message] = (await answered) as [ClientMessage];
    if (message.kind === 'answer') return message.answer;
    throw new Error(message.kind === 'failed' ? message.reason : 'the client started anew');
  }
}

async function firstMessage(child: ChildProcess): Promise<unknown> {
  const [message] = await once(child, 'message', { signal: AbortSignal.timeout(START_TIMEOUT_MS) });
  return message;
}

/** Reads the log until it says where the proxy listens; the rest of the log is read and dropped, as
 *  a service manager would take it. */
function portOf(child: ChildProcess): Promise<number> {
  return new Promise((resolve, reject) => {
    let [text, complaint] = ['', ''];
    const fail = () => reject(new Error(`the proxy did not start: ${complaint}${text}`));
    const timer = setTimeout(fail, START_TIMEOUT_MS);
    const hear = (chunk: Buffer) => {
      complaint = (complaint + chunk.toString()).slice(-LAST_WORDS);
    };
    child.once('close', fail);
    child.stderr?.on('data', hear);
    const look = (chunk: Buffer) => {
      text += chunk.toString();
      const line = text.split('\n').find((each) => each.includes('"msg":"listening"'));
      if (line === undefined || !text.endsWith('\n')) return;
      clearTimeout(timer);
      child.off('close', fail);
      child.stdout?.off('data', look).resume();
      child.stderr?.off('data', hear).pipe(process.stderr, { end: false });
      resolve(Number((JSON.parse(line) as { port: number }).port));
    };
    child.stdout?.on('data', look);
  });
}
