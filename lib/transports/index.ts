/** Which upstream client runs? A new transport is a file here and a line in this table. */
import type { Ca } from './dial.ts';
import { fetchTransport } from './fetch.ts';
import { NO_PROXIES, type ProxyOf } from './forward-proxies.ts';
import { httpTransport } from './http.ts';
import { nativeTransport } from './native.ts';
import type { Transport } from './types.ts';

/** As the configuration spells it. `auto` is the fastest that passes every conformance row. */
export type TransportName = 'auto' | 'native' | 'http' | 'fetch';

export interface TransportOptions {
  /** Certificates (PEM) to trust instead of Node's own list. Not for `fetch`, which takes none. */
  readonly ca?: Ca;
  /** Which calls go through a forward proxy; default: none. Not for `fetch`, either. */
  readonly proxyOf?: ProxyOf;
}

/**
 * A transport by name. One for the whole process is enough: it pools connections per address.
 * Throws a TypeError for `fetch` with a `ca` or a forward proxy: to leave those out silently would
 * look like a broken certificate, or get around the only way out.
 */
export function makeTransport(name: TransportName, options: TransportOptions = {}): Transport {
  switch (name) {
    case 'auto':
    case 'native':
      return nativeTransport(options);
    case 'http':
      return httpTransport(options);
    case 'fetch':
      if (options.ca !== undefined) {
        throw new TypeError('fetch takes no CA of its own: set NODE_EXTRA_CA_CERTS instead');
      }
      if ((options.proxyOf ?? NO_PROXIES) !== NO_PROXIES) {
        throw new TypeError('fetch takes no forward proxy: use another server.transport');
      }
      return fetchTransport();
    default: {
      const never: never = name;
      throw new TypeError(`no transport named ${String(never)}`);
    }
  }
}
