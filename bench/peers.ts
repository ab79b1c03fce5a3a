/**
 * `make peers`: what does this proxy cost beside others, in one run, on this machine?
 *
 * PEERS=nginx,Portkey (names or parts of them; default all), ROUNDS (7), SECONDS (0.8, of one
 * measurement), NODE=path (another Node for every program that runs on it). Peers are installed
 * into .cache/peers, with pinned versions; who cannot be had is left out, and it is said why. Exit
 * 1 when one of our answers was wrong; a missed target is said, and fails nothing.
 */

import { execFileSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { cpus } from 'node:os';
import { asProgram } from './as-program.ts';
import { bodyFor } from './load/bodies.ts';
import { treeRssBytes } from './load/process-cost.ts';
import { type Client, Processes } from './load/processes.ts';
import { modelOf } from './load/proxy-config.ts';
import { HEADERS } from './load/variants.ts';
import { chosenPeers, type Field, gather, shareOfCores, startPeer } from './peers/field.ts';
import { type Bench, type Measured, measureAll } from './peers/measure.ts';
import { measureMemory } from './peers/memory.ts';
import { nameOf } from './peers/ours.ts';
import type { Peer, Start } from './peers/peer.ts';
import { allTables } from './peers/report.ts';
import { judge, judgedLine } from './peers/targets.ts';
import { numberFrom } from './settings.ts';

/** Of the constant answers, which are not used for streams here. */
const EVENTS = 100;

const extent = { warmUps: 1, rounds: numberFrom('ROUNDS', 7), seconds: numberFrom('SECONDS', 0.8) };
const node = process.env.NODE || process.execPath;
const words = (process.env.PEERS ?? '').split(',').filter((word) => word.trim() !== '');

const say = (text: string) => process.stdout.write(`${text}\n`);
const told = (line: string) => process.stderr.write(`… ${line}\n`);

/** Memory needs processes that have served nothing yet, each way one. */
async function allMemory(
  peers: readonly Peer[],
  x: Omit<Start, 'folder'>,
  client: Client,
  field: Field,
) {
  const measured: Measured[] = [];
  for (const { name, peer: peerName, way } of field.contenders) {
    told(`memory: ${name}`);
    const peer = peers.find((each) => each.name === peerName);
    if (peer === undefined) continue;
    try {
      const running = await startPeer(peer, x);
      measured.push(...(await measureMemory(client, name, running, way)));
      await x.processes.end(running.pid);
    } catch (thrown) {
      told(`memory of ${name}: ${String(thrown)}`);
    }
  }
  return measured;
}

async function main(): Promise<number> {
  const peers = chosenPeers(words);
  const cores = shareOfCores();
  const processes = new Processes(cores.others);
  try {
    const upstreams = await processes.upstreams(EVENTS);
    const client = await processes.client();
    const x = { processes, upstreams, node, cores: cores.measured };
    const field = await gather(peers, x, client, told);
    const bench: Bench = {
      client,
      extent,
      contenders: field.contenders,
      direct: (size) => ({
        url: `${upstreams.fast}/chat/completions`,
        headers: HEADERS,
        body: bodyFor('openai', size, modelOf('fast'), false),
      }),
      told,
    };
    const { measured, faults } = await measureAll(bench);
    const loaded = field.contenders.map(({ name, running }) => ({
      contender: name,
      metric: 'rss-load' as const,
      rounds: [treeRssBytes(running.pid)],
    }));
    const memory = await allMemory(peers, x, client, field);
    return conclude(field, [...measured, ...loaded, ...memory], faults);
  } finally {
    await processes.stop();
  }
}

function conclude(
  { contenders, leftOut }: Field,
  measured: readonly Measured[],
  faults: Readonly<Record<string, number>>,
): number {
  const native = contenders.some(({ peer }) => peer === nameOf('native'));
  const fastest = nameOf(native ? 'native' : 'http');
  const version = execFileSync(node, ['--version'], { encoding: 'utf8' }).trim();
  const date = new Date().toISOString();
  say(`Node ${version}, ${cpus().length} x ${cpus()[0]?.model}, ${date}, ${extent.rounds} rounds.`);
  say(`Ratios are of pairs; ours is the fastest transport, ${fastest}.\n`);
  say(allTables(contenders, measured, fastest));
  for (const line of leftOut) say(`left out  ${line}`);
  for (const [name, count] of Object.entries(faults)) say(`wrong answers  ${name}: ${count}`);
  const judged = judge(measured, fastest);
  say('');
  for (const each of judged) say(judgedLine(each));
  const folder = new URL('./results/', import.meta.url);
  mkdirSync(folder, { recursive: true });
  const results = { date, node: version, extent, fastest, leftOut, faults, judged, measured };
  const file = new URL(`peers-${date.replaceAll(':', '-')}.json`, folder);
  writeFileSync(file, `${JSON.stringify(results, null, 2)}\n`);
  say(`\nbench/results/${file.pathname.split('/').at(-1)}`);
  return Object.keys(faults).some((name) => name.startsWith('ours')) ? 1 : 0;
}

await asProgram(main);
