/**
 * Which configuration do the benches measure? The product, not a bare pipe: every tier of limits is
 * switched on with numbers that are never reached, several keys, metrics, and a log line a request.
 */
import type { UpstreamName, UpstreamUrls } from './messages.ts';

export type TransportName = 'auto' | 'native' | 'http' | 'fetch';

const NEVER_REACHED = 2_000_000_000;
const CONCURRENT = 100_000;
const KEYS = 4;
const QUEUE_DEPTH = 20_000;

/** The model that an upstream of the bench is asked for. */
export const modelOf = (upstream: UpstreamName): string => `bench-${upstream}`;

/** What a bench may have otherwise than usual. */
export interface ConfigOptions {
  readonly workers?: number;
  /** Keys of the provider `fast`. */
  readonly keys?: number;
  /** Models of the provider `fast`, those beyond the first never asked for. */
  readonly models?: number;
  /** One more provider whose streams are slow, with one key that serves one request at a time. */
  readonly held?: boolean;
}

/** The model of the provider that serves one request at a time. */
export const HELD_MODEL = 'bench-held';

export function proxyConfig(
  transport: TransportName,
  upstreams: UpstreamUrls,
  options: ConfigOptions = {},
): string {
  const { workers = 1, held = false } = options;
  const names = Object.keys(upstreams) as UpstreamName[];
  const providers = names.map((name) => {
    const { keys = KEYS, models = 1 } = name === 'fast' ? options : {};
    return provider({ name, model: modelOf(name), endpoint: upstreams[name], keys, models });
  });
  const one = { name: 'held', model: HELD_MODEL, endpoint: upstreams.slow, keys: 1, models: 1 };
  if (held) providers.push(provider({ ...one, concurrent: 1 }));
  return `
server: { port: 0, transport: ${transport}, workers: ${workers}, shutdown_timeout: 1s }
providers:
${providers.join('\n')}
limits:
  requests_per_minute: ${NEVER_REACHED}
  tokens_per_minute: ${NEVER_REACHED}
  max_concurrent: ${CONCURRENT}
  queue: { max_depth: ${QUEUE_DEPTH}, max_wait: ${held ? '10m' : '30s'} }
monitoring: { log_level: info, log_format: json }
`;
}

interface ProviderOptions {
  readonly name: string;
  readonly model: string;
  readonly endpoint: string;
  readonly keys: number;
  readonly models: number;
  readonly concurrent?: number;
}

function provider(options: ProviderOptions): string {
  const { name, model, endpoint, concurrent = CONCURRENT } = options;
  const keys = Array.from({ length: options.keys }, (_, at) => key(`${name}-${at + 1}`));
  const others = Array.from({ length: options.models - 1 }, (_, at) => `${model}-${at + 1}`);
  const models = [model, ...others].map(
    (id) => `      - { id: ${id}, context_window: 100000000, max_output_tokens: 8192 }`,
  );
  return `  - name: ${name}
    preset: cerebras
    endpoint: ${endpoint}
    models:
${models.join('\n')}
    load_balancing:
      strategy: least_used
      api_keys:
${keys.join('\n')}
    rate_limiting:
      type: per_key_cerebras_headers
      requests_per_minute: ${NEVER_REACHED}
      tokens_per_minute: ${NEVER_REACHED}
      max_concurrent: ${concurrent}`;
}

/** In one line: thousands of them have to fit into a configuration file. */
const key = (name: string) =>
  `      - { key: secret-of-${name}, name: ${name}, ` +
  `max_requests_per_minute: ${NEVER_REACHED}, max_tokens_per_minute: ${NEVER_REACHED}, ` +
  `max_requests_per_day: ${NEVER_REACHED}, max_tokens_per_day: ${NEVER_REACHED}, ` +
  `max_concurrent: ${CONCURRENT} }`;
