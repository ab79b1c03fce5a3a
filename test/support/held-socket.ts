/**
 * A TCP socket that outlives the programs it is handed to, as systemd's do. Node's own servers
 * would take the connections themselves, so this one is made a step below them: bound, and never
 * polled.
 */
import type { TestContext } from 'node:test';

interface Handle {
  readonly fd: number;
  bind(address: string, port: number): number;
  bind6(address: string, port: number, flags: number): number;
  getsockname(out: { port?: number }): number;
  close(): void;
}

interface TcpBinding {
  readonly TCP: new (type: number) => Handle;
  readonly constants: { readonly SERVER: number };
}

export interface HeldSocket {
  readonly fd: number;
  readonly port: number;
  readonly url: string;
}

/** On a free port of `address`; gone after the test. */
export function heldSocket(t: TestContext, address = '127.0.0.1'): HeldSocket {
  const { binding } = process as unknown as { binding(name: 'tcp_wrap'): TcpBinding };
  const { TCP, constants } = binding.call(process, 'tcp_wrap');
  const handle = new TCP(constants.SERVER);
  t.after(() => handle.close());
  const failed = address.includes(':') ? handle.bind6(address, 0, 0) : handle.bind(address, 0);
  const bound: { port?: number } = {};
  if (failed !== 0 || handle.getsockname(bound) !== 0) throw new Error(`bind ${address}`);
  const { port = 0 } = bound;
  return { fd: handle.fd, port, url: `http://127.0.0.1:${port}` };
}
