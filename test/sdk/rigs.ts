/**
 * What do the SDK tests talk to? A proxy on a simulated provider, in each of the shapes a client
 * can meet: translated to Cerebras or Zhipu, or passed through to a second proxy that speaks
 * Anthropic.
 */
import { after } from 'node:test';
import type { Bucket } from '../../lib/quotas/bucket.ts';
import { startSimulator } from '../../lib/simulator/simulator.ts';
import type { Simulator, SimulatorOptions } from '../../lib/simulator/types.ts';
import { startProxy, type TestProxy } from '../support/proxy.ts';
import { until } from '../support/upstream.ts';

export interface Rig {
  readonly name: string;
  /** Root URL of the proxy that the client talks to. */
  readonly url: string;
  readonly simulator: Simulator;
  /** The one the client talks to comes first. */
  readonly proxies: readonly TestProxy[];
  /** A model that sees pictures. */
  readonly visionModel: string;
}

export interface RigOptions {
  readonly simulator?: SimulatorOptions;
  /** Top-level YAML of the proxy that the client talks to. */
  readonly config?: string;
  /** YAML of the key, such as `max_concurrent: 1`. */
  readonly key?: string;
  /** YAML of the provider, such as `timeouts: { … }`. */
  readonly provider?: string;
  readonly transport?: 'http' | 'fetch';
  /** `limits.queue.max_wait`; by default clients are told soon that no key has room. */
  readonly maxWait?: string;
}

type Dialect = 'cerebras' | 'zhipu';

const MODELS = {
  cerebras: { vision: 'qwen-3.8-27b', all: ['glm-4.6', 'glm-4.5-air', 'qwen-3.8-27b', 'embed'] },
  zhipu: { vision: 'glm-4.6v', all: ['glm-4.6', 'glm-4.5-air', 'glm-4.6v', 'embed'] },
} as const;

const limitsYaml = ({ maxWait = '400ms' }: RigOptions): string =>
  `limits: { queue: { max_wait: ${maxWait} } }`;

/** A proxy whose provider is the simulator, in the provider's own words. Closed after the file. */
export async function direct(dialect: Dialect, options: RigOptions = {}): Promise<Rig> {
  const simulator = await startSimulator({ dialect, keepBodies: true, ...options.simulator });
  const { transport = 'http' } = options;
  const proxy = await startProxy(providerYaml(dialect, simulator.url, options), { transport });
  after(async () => {
    await proxy.close();
    await simulator.close();
  });
  const visionModel = MODELS[dialect].vision;
  return { name: dialect, url: proxy.url, simulator, proxies: [proxy], visionModel };
}

/** A proxy in front of a proxy: the first one's provider speaks the Messages protocol. */
export async function chained(suffix: '' | '/v1', options: RigOptions = {}): Promise<Rig> {
  const far = await direct('cerebras', {
    ...options,
    config: 'server: { api_key_required: true, auth_tokens: [token-of-the-chain] }',
  });
  const near = await startProxy(`
providers:
  - name: far
    protocol: anthropic
    endpoint: ${far.url}/anthropic${suffix}
    models: [${MODELS.cerebras.all.join(', ')}]
    load_balancing: { api_keys: [{ key: token-of-the-chain, name: only }] }
${options.config ?? ''}
${limitsYaml(options)}
`);
  after(() => near.close());
  const proxies = [near, ...far.proxies];
  return { ...far, name: `anthropic${suffix}`, url: near.url, proxies };
}

/** Every way to a provider that an Anthropic client can meet. */
export function allRigs(options: RigOptions = {}): Promise<Rig[]> {
  return Promise.all([
    direct('cerebras', options),
    direct('zhipu', options),
    chained('', options),
    chained('/v1', options),
  ]);
}

function providerYaml(dialect: Dialect, endpoint: string, options: RigOptions): string {
  const { config, key, provider = '' } = options;
  return `
providers:
  - name: upstream
    preset: ${dialect}
    endpoint: ${endpoint}
    models: [${MODELS[dialect].all.join(', ')}]
    load_balancing:
      api_keys: [{ key: key-one-secret, name: one${key === undefined ? '' : `, ${key}`} }]
    ${provider}
${config ?? ''}
${limitsYaml(options)}
`;
}

/** Waits until nobody works for anybody: nothing in flight, in a queue or upstream. */
export function quiet({ simulator, proxies }: Rig): Promise<void> {
  return until(() => simulator.stats().inFlight === 0 && proxies.every((proxy) => isIdle(proxy)));
}

function isIdle({ gateway: { quotas, waiting, bucketNames } }: TestProxy): boolean {
  return (
    waiting.depth === 0 && bucketNames.every((_, index) => quotas.inFlight(index as Bucket) === 0)
  );
}

/** The newest request that the provider saw: its parsed body. */
export function lastBody({ simulator }: Rig): Record<string, unknown> {
  const body = simulator.log().at(-1)?.body;
  if (typeof body !== 'object' || body === null) throw new Error('the provider saw no body');
  return { ...body };
}
