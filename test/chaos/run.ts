/**
 * `make chaos SECONDS=60 SEED=1 CLIENTS=200`: is anything lost, doubled or left behind when clients
 * and providers do everything at once that they should not do, while the configuration changes?
 *
 * Every request that was accepted must end in one complete answer or one well-formed error, and
 * afterwards nothing may be held. The seed plays the same turns again.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { CLIENT_SECRET, closeClients, play } from './client.ts';
import { judge } from './judge.ts';
import { type Turn, turnOf } from './plan.ts';
import { ChaosProxy, KEY_SECRET } from './proxy.ts';
import type { Held } from './proxy-entry.ts';
import { type ChaosUpstream, chaosUpstream } from './upstream.ts';

const seconds = Number(process.env.SECONDS ?? 60);
const clients = Number(process.env.CLIENTS ?? 200);
const seed = Number(process.env.SEED ?? Date.now() % 1_000_000);
const RELOAD_EVERY_MS = 5_000;
/** What is compared afterwards: a process that has seen the same load for a while. */
const WARM_SECONDS = Math.min(20, seconds);
const MEMORY_GROWTH = 1.2;
/** A process that has just begun still grows. */
const MEMORY_JUDGED_FROM_SECONDS = 10;
const SETTLE_TIMEOUT_MS = 60_000;
/** Lines of the log that no run may write. */
const ALARMS =
  /"msg":"(?:uncaught exception|unhandled rejection|settle failed|reload[^"]*failed)[^\n]*/g;
const SHOWN_WRONGS = 10;

const counts = new Map<string, number>();
const wrongs: string[] = [];

function count(what: string): void {
  counts.set(what, (counts.get(what) ?? 0) + 1);
}

/** One client: a turn after the other until the time is over. */
async function client(proxy: ChaosProxy, name: string, untilMs: number): Promise<void> {
  for (let nth = 0; performance.now() < untilMs; nth++) {
    const turn = turnOf(seed, `${name}.${nth}`);
    const got = await play(proxy.url, turn);
    if (got === undefined) {
      count('left by the client');
      continue;
    }
    const found = judge(turn, got);
    if (typeof found === 'string') count(found);
    else wrongs.push(`${describe(turn)}: ${found.wrong}`);
  }
}

function describe({ id, dialect, stream, client: act, acts }: Turn): string {
  return `${id} (${dialect}${stream ? ', stream' : ''}, client ${act}, provider ${acts.join(', ')})`;
}

async function load(proxy: ChaosProxy, phase: string, forSeconds: number): Promise<void> {
  const untilMs = performance.now() + forSeconds * 1_000;
  const all = Array.from({ length: clients }, (_, at) => client(proxy, `${phase}${at}`, untilMs));
  await Promise.all(all);
}

/** Waits until nothing is in flight; then what is still held is a leak. */
async function settled(proxy: ChaosProxy, upstream: ChaosUpstream): Promise<void> {
  const deadline = performance.now() + SETTLE_TIMEOUT_MS;
  while (performance.now() < deadline) {
    const held = await proxy.metric('cooldown_in_flight');
    if (held === 0 && upstream.busy === 0) break;
    await sleep(100);
  }
  await sleep(1_500); // a stream's upstream may end by itself for a second
}

function check(name: string, ok: boolean, shown: unknown): void {
  console.log(`${ok ? 'PASS' : 'FAIL'}  ${name}: ${String(shown)}`);
  if (!ok) process.exitCode = 1;
}

const MIB = 2 ** 20;
const growth = (before: number, after: number) =>
  `${(before / MIB).toFixed(1)} -> ${(after / MIB).toFixed(1)} MiB (${(after / before).toFixed(2)}x)`;

/** Sockets are judged by the provider: those it still has are idle ones, kept to be used again. */
async function checkHeld(proxy: ChaosProxy, upstream: ChaosUpstream, before: Held): Promise<void> {
  check('requests in flight', (await proxy.metric('cooldown_in_flight')) === 0, 0);
  check('requests in the queue', (await proxy.metric('cooldown_queue_depth')) === 0, 0);
  check('calls at the provider', upstream.busy === 0, upstream.busy);
  const after = await proxy.held();
  const timers = after.resources.Timeout ?? 0;
  const allowed = before.resources.Timeout ?? 0;
  // An idle connection of the pool has one timer of its own.
  check('timers', timers <= allowed + upstream.open, `${timers}, ${upstream.open} idle sockets`);
  if (seconds < MEMORY_JUDGED_FROM_SECONDS) return;
  const { heapBytes, rssBytes } = after;
  const inHeap = growth(before.heapBytes, heapBytes);
  check('heap and buffers', heapBytes <= MEMORY_GROWTH * before.heapBytes, inHeap);
  const inAll = growth(before.rssBytes, rssBytes);
  check('resident memory', rssBytes <= MEMORY_GROWTH * before.rssBytes, inAll);
}

async function run(): Promise<void> {
  console.log(`chaos: ${seconds} s, ${clients} clients, SEED=${seed}`);
  const upstream = await chaosUpstream(seed);
  const proxy = await ChaosProxy.start(upstream.url);
  const stop = async () => {
    const code = await proxy.stop();
    await upstream.close();
    return code;
  };
  try {
    await load(proxy, 'w', WARM_SECONDS);
    await settled(proxy, upstream);
    const before = await proxy.held();
    const reloads = setInterval(() => proxy.reload(), RELOAD_EVERY_MS);
    await load(proxy, 'c', seconds);
    clearInterval(reloads);
    closeClients();
    await settled(proxy, upstream);
    for (const [what, times] of [...counts].sort()) console.log(`      ${what}: ${times}`);
    console.log(`      attempts at the provider: ${upstream.attempts}, reloads: ${proxy.reloads}`);
    check('accepted requests that ended wrong', wrongs.length === 0, wrongs.length);
    for (const each of wrongs.slice(0, SHOWN_WRONGS)) console.log(`      ${each}`);
    await checkHeld(proxy, upstream, before);
    const alarms = proxy.log.match(ALARMS) ?? [];
    check('alarms in the log', alarms.length === 0, alarms.slice(0, 3).join('\n'));
    const leaks = [KEY_SECRET, CLIENT_SECRET].filter((secret) => proxy.log.includes(secret));
    check('secrets in the log', leaks.length === 0, leaks.length);
  } finally {
    check('exit code', (await stop()) === 0, 'after SIGTERM');
  }
}

await run();
