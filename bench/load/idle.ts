/**
 * `make load SCENARIO=idle [CONNECTIONS=10000]`: what do connections cost that do nothing? Memory
 * of the proxy for all of them, and the processor time of a request beside them.
 *
 * Promises: at most 150 MB for 10,000, and no request at more than twice the cost without them.
 */
import { connect, type Socket } from 'node:net';
import { numberFrom } from '../settings.ts';
import { percentile, shown } from '../statistics.ts';
import { cpuUs, rssBytes } from './process-cost.ts';
import type { Processes } from './processes.ts';
import { ping } from './sequential.ts';
import { throughProxy } from './variants.ts';

export const IDLE = 'idle';

const BATCH = 200;
const REQUESTS = 200;
const ROUNDS = 5;
const MB = 1e6;
const MAX_BYTES_PER_CONNECTION = 15_000;
const MAX_SLOWDOWN = 2;

/** Exit code: 1 when a promise is not kept. */
export async function idleScenario(processes: Processes): Promise<number> {
  const wanted = Math.round(numberFrom('CONNECTIONS', 10_000));
  const upstreams = await processes.upstreams(1);
  const proxy = await processes.proxy('http', upstreams);
  const target = throughProxy(proxy, 'openai').target('fast', '1 KB', false);
  const costUs = async () => {
    const before = cpuUs(proxy.pid);
    await ping(target, REQUESTS);
    return (cpuUs(proxy.pid) - before) / REQUESTS;
  };
  const rounds = async () => {
    const costs: number[] = [];
    for (let round = 0; round < ROUNDS; round++) costs.push(await costUs());
    return percentile(costs, 50);
  };
  await rounds(); // compiled, and its heap as large as it gets
  const aloneUs = await rounds();
  const beforeBytes = rssBytes(proxy.pid);
  const sockets = await openAll(Number(new URL(proxy.url).port), wanted);
  const bytes = rssBytes(proxy.pid) - beforeBytes;
  const besideUs = await rounds();
  const still = sockets.filter((socket) => socket.readyState === 'open').length;
  for (const socket of sockets) socket.destroy();
  const slowdown = besideUs / aloneUs;
  process.stdout.write(
    `${still} idle connections: ${shown(bytes / MB)} MB, ${shown(bytes / still)} bytes each; ` +
      `a request costs ${shown(aloneUs)} us of processor without and ${shown(besideUs)} us with ` +
      `them (x ${slowdown.toFixed(2)})\n`,
  );
  const kept = bytes <= MAX_BYTES_PER_CONNECTION * still && slowdown <= MAX_SLOWDOWN;
  return kept && still === wanted ? 0 : 1;
}

async function openAll(port: number, wanted: number): Promise<Socket[]> {
  const sockets: Socket[] = [];
  while (sockets.length < wanted) {
    const batch = Array.from({ length: Math.min(BATCH, wanted - sockets.length) }, () =>
      open(port),
    );
    sockets.push(...(await Promise.all(batch)));
  }
  return sockets;
}

/** A connection that has had one answer, and waits for its next request. */
function open(port: number): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = connect(port, '127.0.0.1', () => {
      socket.write('GET /health HTTP/1.1\r\nhost: localhost\r\n\r\n');
    });
    socket.once('error', reject);
    socket.once('data', () => resolve(socket));
    socket.on('data', () => {});
  });
}
