/** Forward proxies for tests: one of our own that remembers what it was asked, and tinyproxy. */
import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { connect, createServer as createTcpServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { listening } from './raw-server.ts';
import { until } from './upstream.ts';

export interface RunningProxy {
  readonly port: number;
  /** `host:port` of each tunnel that was asked for, where it is known. */
  readonly asked: readonly string[];
  close(): Promise<void>;
}

/** Opens every tunnel. Any other request is refused. */
export async function connectProxy(): Promise<RunningProxy> {
  const asked: string[] = [];
  const server = createServer((_request, response) => response.writeHead(405).end());
  server.on('connect', ({ url = '' }, client: Socket) => {
    asked.push(url);
    const [, host = '', port = '0'] = /^\[?(.*?)\]?:(\d+)$/.exec(url) ?? [];
    const upstream = connect(Number(port), host, () => {
      client.write('HTTP/1.1 200 Connection established\r\n\r\n');
      upstream.pipe(client).pipe(upstream);
    });
    const end = () => {
      upstream.destroy();
      client.destroy();
    };
    upstream.on('error', end).on('close', end);
    client.on('error', end).on('close', end);
  });
  return { asked, ...(await listening(server)) };
}

/** Debian's package; undefined where it is not installed. */
export const TINYPROXY = [
  '/usr/bin/tinyproxy',
  '/usr/sbin/tinyproxy',
  '/usr/local/bin/tinyproxy',
].find(existsSync);

/** Starts tinyproxy on a free port, for this user and password. */
export async function tinyproxy(user: string, password: string): Promise<RunningProxy> {
  const folder = mkdtempSync(join(tmpdir(), 'cooldown-tinyproxy-'));
  const port = await freePort();
  const file = join(folder, 'tinyproxy.conf');
  writeFileSync(
    file,
    [
      `Port ${port}`,
      'Listen 127.0.0.1',
      'Timeout 60',
      'Allow 127.0.0.1',
      `BasicAuth ${user} ${password}`,
      'LogLevel Error',
      '',
    ].join('\n'),
  );
  const child = spawn(TINYPROXY ?? '', ['-d', '-c', file], { stdio: 'ignore' });
  await until(() => child.exitCode !== null || isServed(port));
  return { port, asked: [], close: () => end(child, folder) };
}

const served = new Set<number>();

/** Whether somebody listens; asked again and again. */
function isServed(port: number): boolean {
  const probe = connect(port, '127.0.0.1', () => {
    served.add(port);
    probe.destroy();
  });
  probe.on('error', () => {});
  return served.has(port);
}

async function end(child: ChildProcess, folder: string): Promise<void> {
  child.kill('SIGKILL');
  await until(() => child.exitCode !== null || child.signalCode !== null);
  rmSync(folder, { recursive: true, force: true });
}

/** It takes no port 0: one that was free a moment ago. */
async function freePort(): Promise<number> {
  const server = await listening(createTcpServer());
  await server.close();
  return server.port;
}
