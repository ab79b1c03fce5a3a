/** A proxy of several threads in this process, its main thread being this one. */
import type { TestContext } from 'node:test';
import { threadsOn } from '../../lib/config/threads.ts';
import { compileGateway, type Gateway } from '../../lib/gateway.ts';
import { makeServices } from '../../lib/services.ts';
import { type RunningThreads, startThreads } from '../../lib/workers/supervisor.ts';
import { good } from './configs.ts';
import { type Answered, type Live, open } from './http-client.ts';
import { until } from './upstream.ts';

/** What tests with real threads say where there can be none. */
export const NEEDS_THREADS =
  typeof threadsOn({ node: process.versions.node, platform: process.platform, cores: 2 }, 2) ===
  'number'
    ? {}
    : { skip: 'needs Node 22.12' };

export interface Threads {
  readonly url: string;
  readonly server: RunningThreads;
  /** Of the main thread: the table of all. */
  readonly gateway: Gateway;
  /** Every log line so far, parsed. */
  readonly log: readonly Record<string, unknown>[];
  /** Puts another configuration into force. */
  reload(yaml: string): void;
  /** Asks on new connections until another thread than `not` has the request. */
  openOn(path: string, body: object, not?: string): Promise<Live>;
  lines(msg: string): Record<string, unknown>[];
}

/** `yaml` names the number of threads and port 0. */
export async function threads(t: TestContext, yaml: string): Promise<Threads> {
  const log: Record<string, unknown>[] = [];
  const output = {
    isTerminal: false,
    write(text: string) {
      for (const line of text.split('\n')) if (line !== '') log.push(JSON.parse(line));
    },
  };
  const config = good(yaml);
  const services = makeServices(config, output);
  let gateway = compileGateway(config, services, undefined, { role: 'owner' });
  const server = await startThreads(gateway, output);
  t.after(async () => {
    await server.drain(0);
    services.transport.close();
    services.metrics.close();
  });
  const url = `http://127.0.0.1:${server.port}`;
  return {
    url,
    server,
    log,
    get gateway() {
      return gateway;
    },
    reload(text) {
      const next = good(text);
      gateway = compileGateway(next, makeServices(next, output, gateway), gateway);
      server.swap(gateway);
    },
    async openOn(path, body, not = '') {
      for (let tries = 0; tries < 100; tries++) {
        const live = open(url + path, { body });
        await until(() => live.response !== undefined);
        if (threadOf(live.response ?? {}) !== not) return live;
        live.hangUp();
        await live.done;
      }
      throw new Error('no other thread took the request');
    },
    lines: (msg) => log.filter((line) => line.msg === msg),
  };
}

/** Which thread answered: ids begin with a nonce of their thread. */
export function threadOf({ headers = {} }: Partial<Pick<Answered, 'headers'>>): string {
  const id = headers['request-id'] ?? headers['x-request-id'] ?? '';
  return String(id).slice(4, 16);
}
