/** Who takes part in a comparison? Everybody who can be installed, started, and answers well. */
import { execFileSync } from 'node:child_process';
import { cpus } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Client } from '../load/processes.ts';
import { GATEWAYS } from './gateways.ts';
import type { Contender } from './measure.ts';
import { OURS } from './ours.ts';
import type { Peer, RunningPeer, Start, Way } from './peer.ts';
import { PIPES } from './pipes.ts';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));
const TRIAL_MS = 20_000;
const TRIAL_REQUESTS = 3;
const REASON_MAX = 300;

/** Those whose names hold one of the words, all for no word; ours in any case. Throws a RangeError
 *  that lists the names. */
export function chosenPeers(wanted: readonly string[]): Peer[] {
  const others = [...PIPES, ...GATEWAYS];
  const named = (word: string) =>
    others.filter(({ name }) => name.toLowerCase().includes(word.trim().toLowerCase()));
  for (const word of wanted) {
    if (named(word).length > 0) continue;
    const names = others.map(({ name }) => name).join(', ');
    throw new RangeError(`PEERS: nobody is called ${word}; there are ${names}`);
  }
  const chosen = new Set(wanted.length === 0 ? others : wanted.flatMap(named));
  return [...OURS, ...others.filter((peer) => chosen.has(peer))];
}

/** One processor for what is measured, the others for all else; nothing where that is impossible. */
export function shareOfCores(): { readonly measured?: string; readonly others?: string } {
  const count = cpus().length;
  if (process.platform !== 'linux' || count < 2) return {};
  try {
    execFileSync('taskset', ['-c', '0', 'true'], { stdio: 'ignore' });
    return { measured: '0', others: count === 2 ? '1' : `1-${count - 1}` };
  } catch {
    return {};
  }
}

const reasonOf = (thrown: unknown) =>
  (thrown instanceof Error ? thrown.message : String(thrown))
    .replace(/\s+/g, ' ')
    .slice(0, REASON_MAX);

export interface Field {
  readonly contenders: readonly Contender[];
  /** `name: reason` */
  readonly leftOut: readonly string[];
}

/** Installs and starts them one after the other, and tries every way. */
export async function gather(
  peers: readonly Peer[],
  x: Omit<Start, 'folder'>,
  client: Client,
  told: (line: string) => void,
): Promise<Field> {
  const contenders: Contender[] = [];
  const leftOut: string[] = [];
  for (const peer of peers) {
    told(`installing, starting and trying ${peer.name}`);
    try {
      const running = await startPeer(peer, x);
      const named = waysOf(peer, running);
      const good: Contender[] = [];
      for (const each of named) {
        const fault = await tryOut(each, client);
        if (fault === undefined) good.push(each);
        else leftOut.push(`${each.name}: ${fault}`);
      }
      contenders.push(...good);
      if (good.length === 0) await x.processes.end(running.pid);
    } catch (thrown) {
      leftOut.push(`${peer.name}: ${reasonOf(thrown)}`);
    }
  }
  return { contenders, leftOut };
}

/** Throws with the reason when it cannot be installed or does not start. */
export function startPeer(peer: Peer, x: Omit<Start, 'folder'>): Promise<RunningPeer> {
  const folder = join(ROOT, '.cache/peers', peer.name.replace(/\W+/g, '-'));
  peer.install?.(folder);
  return peer.start({ ...x, folder });
}

const waysOf = ({ name }: Peer, running: RunningPeer): Contender[] =>
  running.ways.map((way: Way) => ({
    name: running.ways.length === 1 ? name : `${name}, ${way}`,
    peer: name,
    way,
    running,
  }));

/** What is wrong with it, if anything is. */
async function tryOut({ running, way }: Contender, client: Client): Promise<string | undefined> {
  for (const size of ['1 KB', '100 KB'] as const) {
    const target = running.target(way, 'fast', size, false);
    const { faults } = await client.do({ kind: 'ping', target, amount: TRIAL_REQUESTS });
    if (faults > 0) return `does not answer a request of ${size}`;
  }
  const target = running.target(way, 'flood', '1 KB', true);
  const once = { streams: 1, forMs: 0, atLeast: 1, mostMs: TRIAL_MS };
  const stream = await client.do({ kind: 'flood', target, ...once });
  return stream.faults > 0 || stream.count === 0 ? 'does not stream' : undefined;
}
