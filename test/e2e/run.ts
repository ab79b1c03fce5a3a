/**
 * END TO END. The real Claude Code does a small piece of work through the compiled proxy, in front
 * of simulated providers that behave and misbehave: one PASS or FAIL line a case.
 *
 *   CASES=name,name  only these      LONG=1  also those over a minute      KEEP=1  keep the folders
 *   CLAUDE_BIN=FILE, CLIENT_DIR=DIR  which client (a *.js is run with node)
 *
 * Exit code: 0 all passed, or no client is installed; 1 a case failed; 2 there is no such case.
 */
import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { ROOT } from '../support/source.ts';
import { CASES, type Case } from './cases.ts';
import { clientVersion, findClient, runClient } from './client.ts';
import { type Evidence, faultsOf } from './judge.ts';
import { keepFolder, makeFolder, removeFolder } from './processes.ts';
import { startRig } from './rig.ts';
import { makeTask } from './task.ts';

const CLIENT_MS = 120_000;
const LONG_CLIENT_MS = 300_000;

const HOW_TO_INSTALL =
  'npm install --prefix DIR @anthropic-ai/claude-code-linux-x64, then CLIENT_DIR=DIR make e2e';

interface Verdict {
  readonly faults: readonly string[];
  /** Where it ran, when the folder was kept. */
  readonly folder: string | undefined;
}

async function main(): Promise<number> {
  const { env } = process;
  const client = findClient(env);
  if (client === undefined) {
    say(`skipped: no Claude Code here. ${HOW_TO_INSTALL}`);
    return 0;
  }
  if (!existsSync(`${ROOT}dist/lib/main.js`)) {
    say('the proxy is not built: run make build');
    return 1;
  }
  const wanted = (env.CASES ?? '').split(',').filter((name) => name !== '');
  const strangers = wanted.filter((name) => !CASES.some((one) => one.name === name));
  if (strangers.length > 0) {
    say(`no such case: ${strangers}; there are ${CASES.map(({ name }) => name).join(', ')}`);
    return 2;
  }
  const home = makeFolder('e2e');
  const version = clientVersion(client, home);
  removeFolder(home);
  const recent = !/^(?:[01]|2\.0)\./.test(version);
  const cases = CASES.filter((one) => recent || !one.recent).filter(({ name, long }) =>
    wanted.length > 0 ? wanted.includes(name) : !long || env.LONG === '1',
  );
  say(`${cases.length} cases with Claude Code ${version}, ${client.at(-1)}`);
  return await runAll(cases, client, env.KEEP === '1');
}

async function runAll(
  cases: readonly Case[],
  client: readonly string[],
  keep: boolean,
): Promise<number> {
  let failed = 0;
  for (const one of cases) if (!(await report(one, client, keep))) failed += 1;
  say(failed === 0 ? `all ${cases.length} passed` : `${failed} of ${cases.length} failed`);
  return failed === 0 ? 0 : 1;
}

async function report(one: Case, client: readonly string[], keep: boolean): Promise<boolean> {
  const startedMs = Date.now();
  const { faults, folder } = await runCase(one, client, keep);
  const seconds = ((Date.now() - startedMs) / 1_000).toFixed(1);
  const passed = faults.length === 0;
  say(`${passed ? 'PASS' : 'FAIL'} ${one.name} (${seconds} s)`);
  for (const fault of faults) say(`     ${fault}`);
  if (folder !== undefined) say(`     kept: ${folder}`);
  return passed;
}

async function runCase(one: Case, client: readonly string[], keep: boolean): Promise<Verdict> {
  const folder = makeFolder('e2e');
  try {
    const evidence = await collectEvidence(one, client, folder);
    const faults = faultsOf(one, evidence);
    if (keep) writeEvidence(folder, evidence);
    return { faults, folder: keep ? folder : undefined };
  } catch (thrown) {
    return { faults: [String(thrown)], folder: keep ? folder : undefined };
  } finally {
    if (keep) keepFolder(folder);
    else removeFolder(folder);
  }
}

async function collectEvidence(
  one: Case,
  client: readonly string[],
  folder: string,
): Promise<Evidence> {
  const repo = join(folder, 'repo');
  mkdirSync(repo);
  try {
    execFileSync('git', ['init', '-q', repo], { stdio: 'ignore' });
  } catch {
    // Without git the client works in a plain folder.
  }
  const { task, marks } = makeTask(repo, one, randomBytes(6).toString('hex'));
  const timeoutMs = one.long ? LONG_CLIENT_MS : CLIENT_MS;
  const rig = await startRig(folder, one);
  try {
    const run = await runClient(client, task, rig, join(folder, 'home'), timeoutMs);
    return { repo, marks, run, rig, stopped: await rig.close() };
  } catch (thrown) {
    await rig.close();
    throw thrown;
  }
}

function writeEvidence(folder: string, { run, rig }: Evidence): void {
  const lines = (entries: readonly unknown[]) =>
    entries.map((entry) => `${JSON.stringify(entry)}\n`).join('');
  writeFileSync(join(folder, 'client.jsonl'), run.output);
  writeFileSync(join(folder, 'client.err'), run.complaints);
  writeFileSync(join(folder, 'proxy.jsonl'), lines(rig.log()));
  writeFileSync(join(folder, 'provider.jsonl'), lines(rig.main.log()));
}

function say(line: string): void {
  process.stdout.write(`${line}\n`);
}

process.exitCode = await main();
