/** A file that keeps to the schema -> the configuration that the program runs on. */
import { resolveForwardProxies } from './resolve-forward-proxies.ts';
import { resolveProviders } from './resolve-provider.ts';
import { checkTargets, resolveRules, resolveTiers } from './resolve-routes.ts';
import { checkPaths, type Overrides, resolveMonitoring, resolveServer } from './resolve-server.ts';
import { resolveStateFile } from './resolve-state.ts';
import { resolveUpstreamCa } from './resolve-tls.ts';
import type { RawConfig } from './schema.ts';
import type { Config } from './types.ts';
import type { Reading } from './validate.ts';

/** Resolves and checks what no single key can: faults and warnings go to `x.faults`. */
export function resolve(raw: RawConfig, overrides: Overrides, x: Reading): Config {
  const server = resolveServer(raw.server, overrides, x);
  checkPaths(raw, x);
  const providers = resolveProviders(raw, x);
  const tiers = resolveTiers(raw.environment_models, x);
  const modelRules = resolveRules(raw.models, x);
  if (!x.faults.failed) checkTargets(raw, { tiers, modelRules, providers }, x);
  const forwardProxies = resolveForwardProxies(server.transport, x);
  const keys = providers.flatMap((provider) => provider.keys.map(({ secret }) => secret));
  const clientTokens = server.clients.map(({ token }) => token);
  const inHeaders = providers.flatMap(({ headers }) => headerSecrets(headers));
  return deepFreeze({
    source: x.faults.file,
    server,
    tiers,
    modelRules,
    providers,
    limits: resolveLimits(raw.limits),
    reasoningInjection: {
      enabled: raw.reasoning_injection.enabled,
      models: raw.reasoning_injection.models.map((model) => model.toLowerCase()),
      promptTemplate: raw.reasoning_injection.prompt_template.replace(/[\r\n]+$/, ''),
    },
    monitoring: resolveMonitoring(raw.monitoring),
    forwardProxies,
    stateFile: resolveStateFile(raw.state, x),
    upstreamCa: resolveUpstreamCa(raw, x),
    secrets: longestFirst([...keys, ...server.authTokens, ...clientTokens, ...inHeaders]),
    warnings: x.faults.warnings(),
  });
}

function resolveLimits(raw: RawConfig['limits']): Config['limits'] {
  return {
    requestsPerMinute: raw.requests_per_minute,
    tokensPerMinute: raw.tokens_per_minute,
    maxConcurrent: raw.max_concurrent,
    queue: {
      maxDepth: raw.queue.max_depth,
      maxWaitMs: raw.queue.max_wait,
      spillAfterMs: raw.queue.spill_after,
    },
  };
}

/** A header whose value is a credential, by its name. */
const SECRET_HEADER = /auth|cookie|credential|key|pass|secret|token/;

/** The whole values, and what stands behind a scheme such as `Bearer`. */
function headerSecrets(headers: Readonly<Record<string, string>>): string[] {
  return Object.entries(headers)
    .filter(([name]) => SECRET_HEADER.test(name))
    .flatMap(([, value]) => [value.trim(), value.trim().split(/\s+/).at(-1) ?? '']);
}

/** A secret inside of a longer one must not be cut out first: the rest of it would be left. */
function longestFirst(secrets: readonly string[]): readonly string[] {
  const unique = [...new Set(secrets)].filter((secret) => secret !== '');
  return unique.sort((a, b) => b.length - a.length);
}

/** Freezes plain objects and arrays all the way down; sets and patterns stay as they are. */
function deepFreeze<T>(value: T): T {
  if (typeof value !== 'object' || value === null || Object.isFrozen(value)) return value;
  const isPlain = Array.isArray(value) || Object.getPrototypeOf(value) === Object.prototype;
  if (!isPlain) return value;
  Object.freeze(value);
  for (const inner of Object.values(value)) deepFreeze(inner);
  return value;
}
