/** This proxy as its peers see it: the compiled program, every tier of limits on, by transport. */
import { bodyFor } from '../load/bodies.ts';
import { modelOf, proxyConfig, type TransportName } from '../load/proxy-config.ts';
import { HEADERS, PATHS } from '../load/variants.ts';
import type { Peer } from './peer.ts';

/** One thread; the transports that the table compares. */
const TRANSPORTS: readonly TransportName[] = ['native', 'http'];
const WORKERS = 2;

export const nameOf = (transport: TransportName) => `ours, ${transport}`;
/** What several threads are compared with: neither is kept to one processor. */
export const ROAMING = `${nameOf('native')}, any processor`;
export const MANY_WORKERS = `${nameOf('native')}, ${WORKERS} threads`;

/** `roams`: it may use what upstreams and clients use too. */
function ours(name: string, transport: TransportName, workers = 1, roams = false): Peer {
  return {
    name,
    async start({ processes, upstreams, node, cores }) {
      const options = cores === undefined || roams ? { node } : { node, cores };
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
  ...TRANSPORTS.map((transport) => ours(nameOf(transport), transport)),
  ours(ROAMING, 'native', 1, true),
  ours(MANY_WORKERS, 'native', WORKERS, true),
];
