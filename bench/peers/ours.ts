/** This proxy as its peers see it: the compiled program, every tier of limits on, by transport. */
import { bodyFor } from '../load/bodies.ts';
import { modelOf, proxyConfig, type TransportName } from '../load/proxy-config.ts';
import { HEADERS, PATHS } from '../load/variants.ts';
import type { Peer } from './peer.ts';

/** One thread; the transports that the table compares. */
const TRANSPORTS: readonly TransportName[] = ['native', 'http'];
const WORKERS = 2;

export const nameOf = (transport: TransportName) => `ours, ${transport}`;
export const MANY_WORKERS = `${nameOf('native')}, ${WORKERS} threads`;

/** `cores` is not for several threads: they share what there is. */
function ours(name: string, transport: TransportName, workers: number): Peer {
  return {
    name,
    async start({ processes, upstreams, node, cores }) {
      const options = cores === undefined || workers > 1 ? { node } : { node, cores };
      const config = proxyConfig(transport, upstreams, { workers });
      const { url, pid } = await processes.program(config, options);
      return {
        pid,
        ways: ['passed through', 'translated'],
        target: (way, upstream, size, stream) => {
          const endpoint = way === 'translated' ? 'anthropic' : 'openai';
          return {
            url: `${url}${PATHS[endpoint]}`,
            headers: HEADERS,
            body: bodyFor(endpoint, size, modelOf(upstream), stream),
          };
        },
      };
    },
  };
}

export const OURS: readonly Peer[] = [
  ...TRANSPORTS.map((transport) => ours(nameOf(transport), transport, 1)),
  ours(MANY_WORKERS, 'native', WORKERS),
];
