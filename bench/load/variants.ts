/** Which ways are compared? Straight to the upstream, and through each transport and endpoint. */
import { bodyFor, type Endpoint, type Size } from './bodies.ts';
import type { Target, UpstreamName, UpstreamUrls } from './messages.ts';
import type { RunningProxy } from './processes.ts';
import { modelOf, type TransportName } from './proxy-config.ts';

export interface Variant {
  readonly name: string;
  readonly transport: TransportName | 'none';
  readonly endpoint: Endpoint;
  /** The proxy's process; undefined for the direct way. */
  readonly pid: number | undefined;
  target(upstream: UpstreamName, size: Size, stream: boolean): Target;
}

/** Of every request of the benches. */
export const HEADERS = {
  'content-type': 'application/json',
  authorization: 'Bearer bench-client',
  'user-agent': 'bench',
};
export const PATHS: Readonly<Record<Endpoint, string>> = {
  openai: '/openai/v1/chat/completions',
  anthropic: '/anthropic/v1/messages',
};
const WORDS: Readonly<Record<Endpoint, string>> = {
  openai: 'passed through',
  anthropic: 'translated',
};

/** The direct way first: it is what the others are compared to. */
export function variantsOf(upstreams: UpstreamUrls, proxies: readonly RunningProxy[]): Variant[] {
  const direct: Variant = {
    name: 'direct',
    transport: 'none',
    endpoint: 'openai',
    pid: undefined,
    target: (upstream, size, stream) => ({
      url: `${upstreams[upstream]}/chat/completions`,
      headers: HEADERS,
      body: bodyFor('openai', size, modelOf(upstream), stream),
    }),
  };
  const ends: readonly Endpoint[] = ['openai', 'anthropic'];
  return [direct, ...proxies.flatMap((proxy) => ends.map((end) => throughProxy(proxy, end)))];
}

export function throughProxy({ transport, url, pid }: RunningProxy, endpoint: Endpoint): Variant {
  return {
    name: `${transport}, ${WORDS[endpoint]}`,
    transport,
    endpoint,
    pid,
    target: (upstream, size, stream) => ({
      url: `${url}${PATHS[endpoint]}`,
      headers: HEADERS,
      body: bodyFor(endpoint, size, modelOf(upstream), stream),
    }),
  };
}
