/**
 * The proxy as it is shipped, in a process of its own, in front of two simulated providers: one
 * that the client's work goes to and that misbehaves as a case says, one for its background calls,
 * so that these never take a fault that was meant for the work.
 */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { startSimulator } from '../../lib/simulator/simulator.ts';
import { findFault } from '../../lib/simulator/strictness.ts';
import type { LoggedRequest, Simulator, SimulatorDialect } from '../../lib/simulator/types.ts';
import { ROOT } from '../support/source.ts';
import { type Case, KEYS } from './cases.ts';
import { MAIN_MODEL, SIDE_MODEL } from './client.ts';
import { type Ending, type Running, startProgram } from './processes.ts';

export interface Rig {
  readonly url: string;
  /** What a client has to say to be let in. */
  readonly token: string;
  readonly main: Simulator;
  readonly side: Simulator;
  /** Every line of the proxy's log so far. */
  log(): readonly Record<string, unknown>[];
  /** Ends the proxy as a service would, then the providers. */
  close(): Promise<Ending>;
}

const SIDE_KEY = { key: 'e2e-side-key', name: 'side', org: 'side' } as const;
const TOKEN = 'e2e-client-token';

const LISTENING_MS = 15_000;
const LOOK_AGAIN_MS = 20;
const STOP_MS = 10_000;

export async function startRig(folder: string, one: Case): Promise<Rig> {
  const { dialect, behaviour, faults } = one;
  const kept = { dialect, keepBodies: true } as const;
  const main = await startSimulator({
    ...kept,
    keys: KEYS,
    models: [MAIN_MODEL],
    ...behaviour,
    faults,
  });
  const side = await startSimulator({ ...kept, keys: [SIDE_KEY], models: [SIDE_MODEL] });
  const file = join(folder, 'config.yaml');
  writeFileSync(file, configuration(one, main.url, side.url));
  const command = [process.execPath, `${ROOT}bin/cooldown-proxy.js`, '-config', file, '-port', '0'];
  const env = { HOME: folder, PATH: process.env.PATH ?? '' };
  const proxy = startProgram(command, { cwd: folder, env, timeoutMs: 0 });
  const close = async () => {
    const ending = await proxy.stop(STOP_MS);
    await Promise.all([main.close(), side.close()]);
    return ending;
  };
  const port = await listeningPort(proxy);
  if (port === undefined) {
    await close();
    throw new Error(`the proxy did not start: ${proxy.output()}${proxy.complaints()}`);
  }
  const log = () => jsonLines(proxy.output());
  return { url: `http://127.0.0.1:${port}`, token: TOKEN, main, side, log, close };
}

type Key = (typeof KEYS)[number] | typeof SIDE_KEY;

function configuration({ dialect, transport }: Case, main: string, side: string): string {
  const provider = (name: string, endpoint: string, model: string, keys: readonly Key[]) => `
  - name: ${name}
    preset: ${dialect}
    endpoint: ${endpoint}
    models: [${model}]
    load_balancing:
      strategy: round_robin
      api_keys: ${JSON.stringify(keys)}`;
  const providers = [
    provider('main', main, MAIN_MODEL, KEYS),
    provider('side', side, SIDE_MODEL, [SIDE_KEY]),
  ];
  return `server:
  api_key_required: true
  auth_tokens: [${TOKEN}]
  transport: ${transport}
environment_models:
  haiku: ${SIDE_MODEL}
  sonnet: ${MAIN_MODEL}
  opus: ${MAIN_MODEL}
providers:${providers.join('')}
monitoring:
  log_level: debug
  log_format: json
`;
}

async function listeningPort(proxy: Running): Promise<number | undefined> {
  let over = false;
  void proxy.ended.then(() => {
    over = true;
  });
  for (const endMs = Date.now() + LISTENING_MS; !over && Date.now() < endMs; ) {
    const line = jsonLines(proxy.output()).find(({ msg }) => msg === 'listening');
    if (typeof line?.port === 'number') return line.port;
    await new Promise((resolve) => setTimeout(resolve, LOOK_AGAIN_MS));
  }
  return undefined;
}

/** The objects among the lines of a text. */
export function jsonLines(text: string): Record<string, unknown>[] {
  return text.split('\n').flatMap((line) => {
    try {
      const value: unknown = JSON.parse(line);
      return typeof value === 'object' && value !== null ? [{ ...value }] : [];
    } catch {
      return [];
    }
  });
}

/** Requests that a provider refused although no fault was ordered, each with its reason. */
export function refusedByProvider(simulator: Simulator, dialect: SimulatorDialect): string[] {
  return simulator
    .log()
    .filter(({ fault, status }) => fault === undefined && status >= 400)
    .map((entry) => `${entry.seq}: ${entry.status} ${reasonOf(entry, dialect)}`);
}

function reasonOf(entry: LoggedRequest, dialect: SimulatorDialect): string {
  return (
    findFault(dialect, entry.body, { vision: false })?.message ?? `${entry.model}, ${entry.key}`
  );
}
