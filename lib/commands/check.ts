/**
 * `cooldown-proxy check`: is the configuration good, and what does it come to?
 *
 * Must stay true: of a secret at most the last four characters are shown.
 */
import { ConfigError, faultLine } from '../config/faults.ts';
import type { Env } from '../config/interpolate.ts';
import { findAndLoad, NOTHING_FOUND } from '../config/load.ts';
import { servers } from '../config/resolve-routes.ts';
import type {
  ClientConfig,
  Config,
  Fault,
  ForwardProxy,
  KeyConfig,
  ProviderConfig,
} from '../config/types.ts';
import { formatDuration } from '../config/units.ts';
import type { ErrorRule } from '../providers/types.ts';

/** The values of `-config`, `-port` and `-bind`. */
export interface CheckOptions {
  readonly config?: string | undefined;
  readonly port?: number | undefined;
  readonly bind?: string | undefined;
}

/**
 * Validates the configuration that `run` would use and writes what it comes to.
 * Exit code: 0 it is good, 1 every fault went to `err`, 2 there is none.
 */
export function check(
  options: CheckOptions,
  env: Env,
  cwd: string,
  out: (text: string) => void,
  err: (text: string) => void,
): number {
  try {
    const overrides = { port: options.port, bindAddress: options.bind };
    const config = findAndLoad(options.config, env, cwd, overrides);
    if (config === undefined) {
      err(NOTHING_FOUND);
      return 2;
    }
    out(renderCheck(config));
    return 0;
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    err(`${renderFaults(error.faults)}\n`);
    return 1;
  }
}

/** One `file:line:column: message` a line, without a newline at the end. */
export function renderFaults(faults: readonly Fault[]): string {
  return faults.map(faultLine).join('\n');
}

/** Routes, providers, keys (redacted), limits and warnings of a good configuration. */
export function renderCheck(config: Config): string {
  const lines = [
    `${config.source}: ok`,
    '',
    ...serverLines(config),
    ...config.server.clients.map(clientLine),
    '',
    'routes',
    ...routeLines(config),
    '',
    'providers',
    ...config.providers.flatMap(providerLines),
    ...forwardProxyLines(config),
    '',
    'limits over all providers',
    ...globalLimitLines(config),
  ];
  const warnings = config.warnings.map((fault) =>
    faultLine({ ...fault, message: `warning: ${fault.message}` }),
  );
  return `${[...lines, ...(warnings.length > 0 ? ['', ...warnings] : [])].join('\n')}\n`;
}

/** Nothing where the environment names none; never credentials. */
function forwardProxyLines({ forwardProxies: { http, https, except } }: Config): string[] {
  if (http === null && https === null) return [];
  const shown = (proxy: ForwardProxy | null) =>
    proxy === null ? 'none' : `${proxy.protocol}//${hostOf(proxy)}`;
  const but = except === '' ? '' : `, not for ${except}`;
  return [`  forward proxy for https: ${shown(https)}, for http: ${shown(http)}${but}`];
}

function hostOf({ hostname, port }: ForwardProxy): string {
  return hostname.includes(':') ? `[${hostname}]:${port}` : `${hostname}:${port}`;
}

function serverLines({ server, monitoring }: Config): string[] {
  const { bindAddress, port } = server;
  const host = bindAddress.includes(':') ? `[${bindAddress}]` : bindAddress;
  const count = server.authTokens.length + server.clients.length;
  const tokens = `a token is asked for, ${count} configured`;
  const metrics = monitoring.metricsEnabled ? monitoring.prometheusEndpoint : 'off';
  return [
    'server',
    `  address    http://${host}:${port}`,
    `  paths      ${server.anthropicEndpoint} (Anthropic), ${server.openaiEndpoint} (OpenAI)`,
    `  clients    ${server.apiKeyRequired ? tokens : 'no token is asked for'}`,
    `  health     ${monitoring.healthEndpoint}, metrics ${metrics}`,
  ];
}

/** Without any part of the token: it is chosen here, so nobody needs to tell it from others. */
function clientLine({ name, models, ...client }: ClientConfig): string {
  const limits = limitWords({ ...client, requestsPerDay: 0 });
  return `  client ${name}  ${limits}  models ${models.length === 0 ? 'all' : models.join(', ')}`;
}

function routeLines(config: Config): string[] {
  const { providers, tiers } = config;
  const rows = [
    ...config.modelRules.map(({ pattern, target }) => ({ from: `rule ${pattern}`, to: target })),
    ...listedModels(providers).map((id) => ({ from: `model ${id}`, to: id })),
    ...Object.entries(tiers).map(([tier, model]) => ({ from: `tier ${tier}`, to: model })),
  ];
  const width = Math.max(...rows.map(({ from }) => from.length));
  return rows.map(({ from, to }) => {
    const target = to === '' ? 'none: 404' : `${to} -> ${serving(to, providers)}`;
    return `  ${from.padEnd(width)} -> ${target}`;
  });
}

function listedModels(providers: readonly ProviderConfig[]): readonly string[] {
  return [...new Set(providers.flatMap(({ models }) => models.map(({ id }) => id)))];
}

function serving(target: string, providers: readonly ProviderConfig[]): string {
  const found = servers(target, providers).map(
    ({ name, keys }) => `${name}${keys.length === 0 ? ' (disabled)' : ''}`,
  );
  return found.length === 0 ? 'nobody: 404' : found.join(', ');
}

function providerLines(provider: ProviderConfig): string[] {
  const { name, preset, protocol, endpoint, strategy, keys, rateLimiting, timeouts } = provider;
  const models = provider.models.map(({ id, upstream }) =>
    id === upstream ? id : `${id} (as ${upstream})`,
  );
  const times = [timeouts.connectMs, timeouts.firstByteMs, timeouts.idleMs].map(formatDuration);
  const margin = `safety margin ${rateLimiting.safetyMargin}`;
  const backoff = `backoff at ${rateLimiting.backoffThreshold} requests left`;
  const headers = Object.keys(provider.headers);
  return [
    `  ${name}${keys.length === 0 ? ' (disabled: no key)' : ''}`,
    `    preset ${preset.name}, protocol ${protocol}, strategy ${strategy}`,
    `    endpoint ${endpoint}`,
    `    models   ${models.join(', ')}`,
    `    limits   ${limitWords(rateLimiting)} (${rateLimiting.type}, ${margin}, ${backoff})`,
    `    timeouts connect ${times[0]}, first byte ${times[1]}, idle ${times[2]}`,
    `    output   ${OUTPUT_WORDS[provider.outputSizing]}`,
    `    affinity ${affinityWords(provider.affinityMaxWaitMs)}`,
    ...(headers.length === 0 ? [] : [`    headers  ${headers.join(', ')}`]),
    ...provider.errorRules.map((rule) => `    error    ${ruleWords(rule)}`),
    ...keys.map((key) => keyLine(key, provider)),
  ];
}

const OUTPUT_WORDS: Readonly<Record<ProviderConfig['outputSizing'], string>> = {
  auto: 'no more is asked for than the provider reserves at most',
  off: 'as much as the client asks for',
};

function affinityWords(maxWaitMs: number): string {
  if (maxWaitMs === 0) return 'none';
  return `a session waits up to ${formatDuration(maxWaitMs)} for the org with its prompts`;
}

/** `429 code x, y text /z/i: cool key-model 30s, no_room`. */
function ruleWords({ status, code, text, ...rule }: ErrorRule): string {
  const conditions = [
    ...(status === undefined ? [] : [status.join(', ')]),
    ...(code === undefined ? [] : [`code ${code.join(', ')}`]),
    ...(text === undefined ? [] : [`text ${text}`]),
  ];
  const rest = rule.restMs === 0 ? '' : ` ${formatDuration(rule.restMs)}`;
  const outcome = `${rule.action} ${rule.scope}${rest}, ${rule.answer.toLowerCase()}`;
  return `${conditions.join(' ')}: ${outcome} (${rule.reason})`;
}

function keyLine(key: KeyConfig, provider: ProviderConfig): string {
  const org = key.org === `${provider.name}/${key.name}` ? 'of its own' : key.org;
  const limits = limitWords({
    requestsPerMinute: key.maxRequestsPerMinute,
    tokensPerMinute: key.maxTokensPerMinute,
    uncachedTokensPerMinute: key.maxUncachedTokensPerMinute,
    requestsPerDay: key.maxRequestsPerDay,
    tokensPerDay: key.maxTokensPerDay,
    maxConcurrent: key.maxConcurrent,
  });
  return `    key ${key.name}  org ${org}  weight ${key.weight}  ${redact(key.secret)}  ${limits}`;
}

const SHOWN_CHARS = 4;
/** Four characters of a shorter secret would be too large a part of it. */
const MIN_SHOWN_SECRET_CHARS = 12;

function redact(secret: string): string {
  if (secret === '') return 'no secret';
  return `****${secret.length < MIN_SHOWN_SECRET_CHARS ? '' : secret.slice(-SHOWN_CHARS)}`;
}

interface Limits {
  readonly requestsPerMinute: number;
  readonly tokensPerMinute: number;
  readonly uncachedTokensPerMinute?: number;
  readonly requestsPerDay?: number;
  readonly tokensPerDay?: number;
  readonly maxConcurrent: number;
}

function limitWords(limits: Limits): string {
  const rows = [
    { count: limits.requestsPerMinute, unit: 'requests/min' },
    { count: limits.tokensPerMinute, unit: 'tokens/min' },
    { count: limits.uncachedTokensPerMinute ?? 0, unit: 'uncached tokens/min' },
    { count: limits.requestsPerDay ?? 0, unit: 'requests/day' },
    { count: limits.tokensPerDay ?? 0, unit: 'tokens/day' },
    { count: limits.maxConcurrent, unit: 'at the same time' },
  ];
  const set = rows.filter(({ count }) => count > 0).map(({ count, unit }) => `${count} ${unit}`);
  return set.length === 0 ? 'no limit' : set.join(', ');
}

function globalLimitLines({ limits, stateFile }: Config): string[] {
  const { maxDepth, maxWaitMs, spillAfterMs } = limits.queue;
  return [
    `  limits   ${limitWords(limits)}`,
    `  queue    ${maxDepth} requests, each for ${formatDuration(maxWaitMs)} at most`,
    `  spill    to the next provider when the wait is over ${formatDuration(spillAfterMs)}`,
    '',
    'state over a restart',
    `  file     ${stateFile === '' ? 'none' : stateFile}`,
  ];
}
