/** Which ports are free? Asked of the system: for programs that cannot take port 0. */
import { once } from 'node:events';
import { type AddressInfo, createServer } from 'node:net';

/** `count` different ports of 127.0.0.1 that nobody listens on. */
export async function freePorts(count: number): Promise<number[]> {
  const servers = Array.from({ length: count }, () => createServer().listen(0, '127.0.0.1'));
  await Promise.all(servers.map((server) => once(server, 'listening')));
  const ports = servers.map((server) => (server.address() as AddressInfo).port);
  await Promise.all(servers.map((server) => once(server.close(), 'close')));
  return ports;
}

/** One free port for each name. */
export async function portsFor<Name extends string>(
  names: readonly Name[],
): Promise<Readonly<Record<Name, number>>> {
  const ports = await freePorts(names.length);
  return Object.fromEntries(names.map((name, at) => [name, ports[at]])) as Record<Name, number>;
}
