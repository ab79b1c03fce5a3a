/**
 * Which processes does a load bench start, and how does it end them? Upstreams, proxies, a client:
 * each alone, so that the time of the proxy's process is the proxy's.
 *
 * Must stay true: every process is ended by its handle, whatever happened; nothing waits for ever.
 */
import { type ChildProcess, fork, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { ClientAnswer, ClientCommand, ClientMessage, UpstreamUrls } from './messages.ts';
import { proxyConfig, type TransportName } from './proxy-config.ts';

const START_TIMEOUT_MS = 20_000;
const COMMAND_TIMEOUT_MS = 120_000;
const STOP_TIMEOUT_MS = 5_000;
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
}

/** Everything that one run has started. */
export class Processes {
  readonly #children: ChildProcess[] = [];
  readonly #folder = mkdtempSync(join(tmpdir(), 'cooldown-bench-'));
  readonly #interrupted = () => process.exit(INTERRUPTED);
  readonly #exiting = () => {
    for (const child of this.#children) child.kill('SIGKILL');
  };

  constructor() {
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

  /** The same with any configuration. */
  async program(
    config: string,
    { flags = [], program = PROGRAM }: StartOptions = {},
  ): Promise<Omit<RunningProxy, 'transport'>> {
    const file = join(this.#folder, `${this.#children.length}.yaml`);
    writeFileSync(file, config);
    const child = spawn(process.execPath, [...flags, program, 'run', '-config', file], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    this.#children.push(child);
    const port = await portOf(child);
    return { url: `http://127.0.0.1:${port}`, pid: child.pid ?? 0 };
  }

  /** Ends them all, the newest first, and waits until they are gone. */
  async stop(): Promise<void> {
    for (const child of this.#children.splice(0).reverse()) {
      if (child.exitCode !== null || child.signalCode !== null) continue;
      const gone = once(child, 'exit');
      child.kill('SIGTERM');
      const cut = setTimeout(() => child.kill('SIGKILL'), STOP_TIMEOUT_MS);
      await gone;
      clearTimeout(cut);
    }
    for (const signal of SIGNALS) process.off(signal, this.#interrupted);
    process.off('exit', this.#exiting);
    rmSync(this.#folder, { recursive: true, force: true });
  }

  /** A module of this folder as a process, and the first thing it tells. */
  async child<T>(file: string, args: readonly string[]): Promise<[ChildProcess, T]> {
    const child = this.#fork(file, args);
    return [child, (await firstMessage(child)) as T];
  }

  #fork(file: string, args: readonly string[]): ChildProcess {
    const child = fork(here(file), args, { execArgv: ['--import', 'tsx'] });
    this.#children.push(child);
    return child;
  }
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
    let text = '';
    const fail = () => reject(new Error(`the proxy did not start: ${text}`));
    const timer = setTimeout(fail, START_TIMEOUT_MS);
    child.once('exit', fail);
    const look = (chunk: Buffer) => {
      text += chunk.toString();
      const line = text.split('\n').find((each) => each.includes('"msg":"listening"'));
      if (line === undefined || !text.endsWith('\n')) return;
      clearTimeout(timer);
      child.off('exit', fail);
      child.stdout?.off('data', look).resume();
      resolve(Number((JSON.parse(line) as { port: number }).port));
    };
    child.stdout?.on('data', look);
  });
}
