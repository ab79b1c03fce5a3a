/**
 * The upstream client of our own: HTTP/1.1 on the sockets of node:net and node:tls.
 *
 * It does what `http.ts` does with less than half of the processor time: one reader for all
 * connections, heads read in one go, chunks of one read handed on as one piece, no stream objects.
 * Where it differs from `http.ts` in what it takes for an answer, it is stricter: the table is in
 * `test/fuzz/`. Must stay true: it passes every conformance row.
 */
import { type Ca, makeDial } from './dial.ts';
import type { ProxyOf } from './forward-proxies.ts';
import { NativeCall } from './native/call.ts';
import type { Connection } from './native/connection.ts';
import { Pools } from './native/pool.ts';
import type { Transport } from './types.ts';

export interface NativeTransportOptions {
  /** Certificates (PEM) to trust instead of Node's own list. */
  readonly ca?: Ca;
  /** Which calls go through a forward proxy; default: none. */
  readonly proxyOf?: ProxyOf;
}

/** A transport with its own pools of connections; nothing is opened before the first `send`. */
export function nativeTransport(options: NativeTransportOptions = {}): Transport {
  const pools = new Pools<Connection>();
  const dial = makeDial(options.ca, options.proxyOf);
  return {
    name: 'native',
    send: (request) => new NativeCall(pools.of(request.origin), dial, request),
    close: () => pools.endIdle(),
  };
}
