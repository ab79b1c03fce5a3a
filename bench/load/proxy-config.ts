/**
 * Which configuration do the benches measure? The product, not a bare pipe: every tier of limits is
 * switched on with numbers that are never reached, several keys, metrics, and a log line a request.
 */
import type { UpstreamName, UpstreamUrls } from './messages.ts';

export type TransportName = 'native' | 'http' | 'fetch';

const NEVER_REACHED = 2_000_000_000;
const CONCURRENT = 100_000;
const KEYS = 4;

/** The model that an upstream of the bench is asked for. */
export const modelOf = (upstream: UpstreamName): string => `bench-${upstream}`;

export function proxyConfig(
  transport: TransportName,
  upstreams: UpstreamUrls,
  workers = 1,
): string {
  const names = Object.keys(upstreams) as UpstreamName[];
  return `
server: { port: 0, transport: ${transport}, workers: ${workers}, shutdown_timeout: 1s }
providers:
${names.map((name) => provider(name, upstreams[name])).join('\n')}
limits:
  requests_per_minute: ${NEVER_REACHED}
  tokens_per_minute: ${NEVER_REACHED}
  max_concurrent: ${CONCURRENT}
  queue: { max_depth: 10000, max_wait: 30s }
monitoring: { log_level: info, log_format: json }
`;
}

function provider(name: UpstreamName, endpoint: string): string {
  const keys = Array.from({ length: KEYS }, (_, index) => key(`${name}-${index + 1}`));
  return `  - name: ${name}
    preset: cerebras
    endpoint: ${endpoint}
    models: [{ id: ${modelOf(name)}, context_window: 1000000, max_output_tokens: 8192 }]
    load_balancing:
      strategy: least_used
      api_keys:
${keys.join('\n')}
    rate_limiting:
      type: per_key_cerebras_headers
      requests_per_minute: ${NEVER_REACHED}
      tokens_per_minute: ${NEVER_REACHED}
      max_concurrent: ${CONCURRENT}`;
}

function key(name: string): string {
  return `        - key: bench-secret-of-${name}
          name: ${name}
          max_requests_per_minute: ${NEVER_REACHED}
          max_tokens_per_minute: ${NEVER_REACHED}
          max_requests_per_day: ${NEVER_REACHED}
          max_tokens_per_day: ${NEVER_REACHED}
          max_concurrent: ${CONCURRENT}`;
}
