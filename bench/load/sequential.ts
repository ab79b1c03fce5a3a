/** How long does one request take when nothing else is under way? One connection, kept alive. */
import { Agent, type IncomingMessage, request } from 'node:http';
import type { ClientAnswer, Target } from './messages.ts';
import { stampsIn } from './stamped-upstream.ts';

const NS_PER_US = 1_000;
const REQUEST_TIMEOUT_MS = 10_000;

/** Time from sending a request to the end of its answer. */
export async function ping(
  target: Target,
  amount: number,
  withinMs = Number.POSITIVE_INFINITY,
): Promise<ClientAnswer> {
  const onResponse: OnResponse = (response, sentNs, answer) => {
    response.resume();
    response.once('end', () => answer.latenciesUs.push(since(sentNs)));
  };
  return sequence(target, amount, onResponse, withinMs);
}

/** Time from the upstream's writing of a delta to its arrival here. */
export async function stamps(target: Target, amount: number): Promise<ClientAnswer> {
  return sequence(target, amount, (response, _sentNs, answer) => {
    let first = true;
    response.setEncoding('latin1').on('data', (text: string) => {
      for (const stampNs of stampsIn(text)) {
        (first ? answer.latenciesUs : answer.furtherUs).push(since(stampNs));
        first = false;
      }
    });
  });
}

interface Collected {
  readonly latenciesUs: number[];
  readonly furtherUs: number[];
}
type OnResponse = (response: IncomingMessage, sentNs: bigint, into: Collected) => void;

const since = (thenNs: bigint) => Number(process.hrtime.bigint() - thenNs) / NS_PER_US;

async function sequence(
  target: Target,
  amount: number,
  onResponse: OnResponse,
  withinMs = Number.POSITIVE_INFINITY,
): Promise<ClientAnswer> {
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  const into: Collected = { latenciesUs: [], furtherUs: [] };
  const startedMs = performance.now();
  let [faults, sent] = [0, 0];
  for (; sent < amount && performance.now() - startedMs < withinMs; sent++) {
    const status = await once(target, agent, onResponse, into);
    if (status !== 200) faults += 1;
  }
  agent.destroy();
  const seconds = (performance.now() - startedMs) / 1_000;
  return { count: sent - faults, faults, seconds, ...into };
}

/** Sends one request; resolves to its status when all is read, to 0 when the connection broke. */
function once(
  { url, headers, body }: Target,
  agent: Agent,
  onResponse: OnResponse,
  into: Collected,
): Promise<number> {
  return new Promise((resolve) => {
    const length = { 'content-length': Buffer.byteLength(body) };
    const sentNs = process.hrtime.bigint();
    const call = request(
      url,
      { method: 'POST', agent, headers: { ...headers, ...length }, timeout: REQUEST_TIMEOUT_MS },
      (response) => {
        onResponse(response, sentNs, into);
        response.once('end', () => resolve(response.statusCode ?? 0));
        response.once('error', () => resolve(0));
      },
    );
    call.once('timeout', () => call.destroy());
    call.once('error', () => resolve(0));
    call.end(body);
  });
}
