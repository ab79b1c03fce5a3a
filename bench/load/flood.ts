/** How many events arrive when the next one is always ready, and how old are they? */
import { setMaxListeners } from 'node:events';
import { Agent, type IncomingMessage, request } from 'node:http';
import type { ClientAnswer, ClientCommand, Target } from './messages.ts';

/** Only some stamps are read: reading must not be what takes the time. */
const SAMPLE_EVERY = 16;
const STAMP = Buffer.from('<t');
const DIGITS_MAX = 24;
const LOOK_MS = 10;
const NS_PER_US = 1_000;

interface Flood {
  events: number;
  faults: number;
  readonly agesUs: number[];
}

type Order = Extract<ClientCommand, { readonly kind: 'flood' }>;

/** Keeps `streams` streams of the flood upstream open; what is still open in the end is cut. */
export async function flood(order: Order): Promise<ClientAnswer> {
  const { target, streams, forMs, atLeast, mostMs } = order;
  const agent = new Agent({ keepAlive: true, maxSockets: streams });
  const into: Flood = { events: 0, faults: 0, agesUs: [] };
  const startedMs = performance.now();
  const end = new AbortController();
  setMaxListeners(0, end.signal);
  const look = setInterval(() => {
    const spentMs = performance.now() - startedMs;
    if (spentMs >= mostMs || (spentMs >= forMs && into.events >= atLeast)) end.abort();
  }, LOOK_MS);
  await Promise.all(
    Array.from({ length: streams }, async () => {
      while (!end.signal.aborted) await stream(target, agent, end.signal, into);
    }),
  );
  clearInterval(look);
  const seconds = (performance.now() - startedMs) / 1_000;
  agent.destroy();
  const { events: count, faults, agesUs: latenciesUs } = into;
  return { count, faults, seconds, latenciesUs, furtherUs: [] };
}

/** One stream to its end. */
function stream(target: Target, agent: Agent, over: AbortSignal, into: Flood): Promise<void> {
  return new Promise((resolve) => {
    const { url, headers, body } = target;
    const length = { 'content-length': Buffer.byteLength(body) };
    const options = { method: 'POST', agent, headers: { ...headers, ...length } };
    const call = request(url, options, (response) => {
      if (response.statusCode !== 200) into.faults += 1;
      read(response, into);
      response.once('close', () => (response.complete ? done() : failed()));
    });
    const cut = () => call.destroy();
    const failed = () => {
      if (!over.aborted) into.faults += 1;
      done();
    };
    function done(): void {
      over.removeEventListener('abort', cut);
      resolve();
    }
    over.addEventListener('abort', cut);
    call.once('error', failed);
    call.end(body);
  });
}

/** Counts stamps; one that two reads share is counted with the first of them. */
function read(response: IncomingMessage, into: Flood): void {
  response.on('error', () => {}); // 'close' follows
  response.on('data', (chunk: Buffer) => {
    const nowNs = process.hrtime.bigint();
    for (let at = chunk.indexOf(STAMP); at >= 0; at = chunk.indexOf(STAMP, at + STAMP.length)) {
      into.events += 1;
      if (into.events % SAMPLE_EVERY !== 0) continue;
      const text = chunk.toString('latin1', at + STAMP.length, at + DIGITS_MAX);
      const digits = /^(\d+)>/.exec(text)?.[1];
      if (digits !== undefined) into.agesUs.push(Number(nowNs - BigInt(digits)) / NS_PER_US);
    }
  });
}
