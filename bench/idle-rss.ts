/** How much memory does the proxy hold that has just started, and how much a bare `node:http`? */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { rssBytes } from './load/process-cost.ts';
import { Processes } from './load/processes.ts';
import { proxyConfig } from './load/proxy-config.ts';

/** Bytes of RSS. */
export interface IdleRss {
  readonly ours: number;
  readonly bare: number;
}

const SETTLE_MS = 500;
const BARE = `
  import { createServer } from 'node:http';
  createServer(() => {}).listen(0, '127.0.0.1', () => console.log('listening'));
`;
/** Nobody asks for anything, so nobody has to be there. */
const NOBODY = 'http://127.0.0.1:9/v1';
const UPSTREAMS = { fast: NOBODY, paced: NOBODY, stamped: NOBODY, flood: NOBODY, slow: NOBODY };

export async function idleRss(): Promise<IdleRss> {
  const processes = new Processes();
  const args = ['--input-type=module', '-e', BARE];
  const bare = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] });
  try {
    await once(bare.stdout, 'data');
    const { pid } = await processes.program(proxyConfig('native', UPSTREAMS));
    await sleep(SETTLE_MS);
    return { ours: rssBytes(pid), bare: rssBytes(bare.pid as number) };
  } finally {
    bare.kill('SIGKILL');
    await processes.stop();
  }
}
