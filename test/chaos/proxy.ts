/** The proxy of a run of chaos: a process of its own, whose configuration changes under load. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Held } from './proxy-entry.ts';

const START_TIMEOUT_MS = 30_000;
const ENTRY = fileURLToPath(new URL('proxy-entry.ts', import.meta.url));

/** As `server.transport` and `server.workers` spell it. */
const { TRANSPORT = 'auto', WORKERS = '1' } = process.env;

/** Begins every key of a configuration. */
export const KEY_SECRET = 'key-secret-of-chaos';

export class ChaosProxy {
  readonly #child: ChildProcess;
  readonly #folder: string;
  readonly #upstream: string;
  readonly #exited: Promise<unknown>;
  #log = '';
  #reloads = 0;

  private constructor(child: ChildProcess, folder: string, upstream: string) {
    this.#child = child;
    this.#folder = folder;
    this.#upstream = upstream;
    this.#exited = once(child, 'exit');
    for (const output of [child.stdout, child.stderr]) {
      output?.setEncoding('utf8').on('data', (text: string) => {
        this.#log += text;
      });
    }
  }

  /** Starts it in front of `upstream`; rejects when it does not listen in time. */
  static async start(upstream: string): Promise<ChaosProxy> {
    const folder = mkdtempSync(join(tmpdir(), 'cooldown-chaos-'));
    const file = join(folder, 'config.yaml');
    writeFileSync(file, configuration(upstream, 0));
    const flags = ['--expose-gc', '--import', import.meta.resolve('tsx')];
    const child = spawn(process.execPath, [...flags, ENTRY, 'run', '-config', file], {
      stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
      cwd: folder,
      env: { PATH: process.env.PATH, HOME: folder },
    });
    const proxy = new ChaosProxy(child, folder, upstream);
    await proxy.#until('"msg":"listening"');
    return proxy;
  }

  /** Everything it has written. */
  get log(): string {
    return this.#log;
  }

  get url(): string {
    const port = /"msg":"listening".*?"port":(\d+)/.exec(this.#log)?.[1];
    return `http://127.0.0.1:${port}`;
  }

  get reloads(): number {
    return this.#log.split('"msg":"configuration reloaded"').length - 1;
  }

  /** Changes the configuration and tells the proxy. */
  reload(): void {
    this.#reloads += 1;
    writeFileSync(join(this.#folder, 'config.yaml'), configuration(this.#upstream, this.#reloads));
    this.#child.kill('SIGHUP');
  }

  /** What it holds after a garbage collection. */
  async held(): Promise<Held> {
    const answer = once(this.#child, 'message', { signal: AbortSignal.timeout(START_TIMEOUT_MS) });
    this.#child.send('held');
    return ((await answer) as [Held])[0];
  }

  /** The sum over all labels of a metric. */
  async metric(name: string): Promise<number> {
    const text = await (await fetch(`${this.url}/metrics`)).text();
    const values = [...text.matchAll(new RegExp(`^${name}(?:\\{.*\\})? (\\S+)$`, 'gm'))];
    return values.reduce((sum, [, value]) => sum + Number(value), 0);
  }

  /** Stops it; gives the exit code, null when it had to be killed. */
  async stop(): Promise<number | null> {
    this.#child.kill('SIGTERM');
    const cut = setTimeout(() => this.#child.kill('SIGKILL'), START_TIMEOUT_MS);
    await this.#exited;
    clearTimeout(cut);
    rmSync(this.#folder, { recursive: true, force: true });
    return this.#child.exitCode;
  }

  async #until(part: string): Promise<void> {
    const deadline = performance.now() + START_TIMEOUT_MS;
    while (!this.#log.includes(part)) {
      if (this.#child.exitCode !== null || performance.now() > deadline) {
        throw new Error(`the proxy does not listen: ${this.#log}`);
      }
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }
}

/** Three keys of which one comes and goes, and limits that change; so narrow that requests wait. */
function configuration(upstream: string, generation: number): string {
  const names = generation % 2 === 0 ? ['one', 'two', 'three'] : ['one', 'two', 'four'];
  const keys = names.map(
    (name) => `        - { key: ${KEY_SECRET}-${name}, name: ${name}, max_concurrent: 16 }`,
  );
  return `
server: { port: 0, shutdown_timeout: 5s, transport: ${TRANSPORT}, workers: ${WORKERS} }
limits:
  requests_per_minute: ${100_000 + generation}
  max_concurrent: ${generation % 3 === 0 ? 48 : 40}
  queue: { max_depth: 1000, max_wait: 30s }
state: { file: state.json }
providers:
  - name: chaos
    preset: generic
    endpoint: ${upstream}
    models: [{ id: glm-4.6, context_window: 1000000, max_output_tokens: 8192 }]
    timeouts: { connect: 5s, first_byte: 1500ms, idle: 1500ms }
    load_balancing:
      strategy: ${generation % 2 === 0 ? 'least_used' : 'round_robin'}
      api_keys:
${keys.join('\n')}
monitoring: { log_level: info, log_format: json }
`;
}
