/** One provider: which preset it is, where it is, and what it may be asked. */
import { PRESETS } from '../providers/index.ts';
import type { Preset, Protocol } from '../providers/types.ts';
import { isLoopbackHost } from './loopback.ts';
import { resolveErrorRules } from './resolve-error-rules.ts';
import { resolveKeys } from './resolve-keys.ts';
import { resolveModels } from './resolve-models.ts';
import type { RawConfig, RawProvider } from './schema.ts';
import type { ProviderConfig, RateLimitingConfig } from './types.ts';
import type { Reading } from './validate.ts';

/** Names appear in headers, metric labels and `provider/model` pins: no slash, no blank. */
const NAME = /^[A-Za-z0-9][\w.-]{0,63}$/;

/** All providers, in the order of the file. */
export function resolveProviders(raw: RawConfig, x: Reading): readonly ProviderConfig[] {
  const providers = raw.providers ?? [];
  const isFaulty = x.places.given(raw, 'providers') && x.faults.failed;
  if (providers.length === 0 && !isFaulty) {
    x.faults.error(
      x.places.of(raw, 'providers'),
      'list at least one, such as: [{ name: cerebras, api_key: "..." }]',
    );
  }
  checkNames(providers, x);
  return providers.map((provider) => resolveProvider(provider, x));
}

function checkNames(providers: readonly RawProvider[], x: Reading): void {
  const lines = new Map<string, number>();
  for (const provider of providers) {
    const { name } = provider;
    const at = x.places.of(provider, 'name');
    if (name === undefined) {
      if (!x.places.given(provider, 'name')) x.faults.error(at, 'every provider needs a name');
      continue;
    }
    if (!NAME.test(name)) {
      x.faults.error(at, 'wants up to 64 letters, digits, "-", "_" and "."');
    }
    const first = lines.get(name.toLowerCase());
    if (first === undefined) lines.set(name.toLowerCase(), at.line);
    else x.faults.error(at, `"${name}" is taken by the provider in line ${first}`);
  }
}

function resolveProvider(raw: RawProvider, x: Reading): ProviderConfig {
  const given = raw.endpoint === undefined ? undefined : parseEndpoint(raw, raw.endpoint, x);
  const preset = choosePreset(raw, given);
  const url = given ?? (preset.endpoint === undefined ? undefined : new URL(preset.endpoint));
  if (url === undefined && !x.places.given(raw, 'endpoint')) {
    x.faults.error(x.places.of(raw, 'endpoint'), 'is missing: this provider has no default one');
  }
  return {
    name: raw.name ?? '',
    preset,
    protocol: raw.protocol ?? defaultProtocol(preset, url),
    endpoint: url === undefined ? '' : url.origin + url.pathname.replace(/\/+$/, ''),
    models: resolveModels(raw, preset, x),
    strategy: raw.load_balancing.strategy,
    keys: resolveKeys(raw, needsKey(preset, url), x),
    rateLimiting: resolveRateLimiting(raw, preset, x),
    timeouts: {
      connectMs: raw.timeouts.connect,
      firstByteMs: raw.timeouts.first_byte,
      idleMs: raw.timeouts.idle,
    },
    headers: resolveHeaders(raw, x),
    errorRules: resolveErrorRules(raw, x),
    outputSizing: raw.output_sizing,
    affinityMaxWaitMs: raw.affinity_max_wait,
  };
}

function isPresetName(name: string): name is Preset['name'] {
  return Object.hasOwn(PRESETS, name);
}

/** By the key `preset`, else by the provider's name, else by the endpoint's host. */
function choosePreset(raw: RawProvider, url: URL | undefined): Preset {
  if (raw.preset !== undefined) return PRESETS[raw.preset];
  const name = raw.name?.toLowerCase() ?? '';
  if (isPresetName(name)) return PRESETS[name];
  const host = url?.hostname ?? '';
  return Object.values(PRESETS).find(({ hosts }) => hosts.includes(host)) ?? PRESETS.generic;
}

const HOSTS_WITH_BOTH = [...PRESETS.zai.hosts, ...PRESETS.zhipu.hosts];

/** Zhipu and Z.ai speak Anthropic under a path of their own (WIRE.md §F.1). */
function defaultProtocol(preset: Preset, url: URL | undefined): Protocol {
  const isHostOfBoth = url !== undefined && HOSTS_WITH_BOTH.includes(url.hostname);
  return isHostOfBoth && url.pathname.includes('/anthropic') ? 'anthropic' : preset.protocol;
}

/** The known services need a key; a stand-in for them on another host may go without. */
function needsKey(preset: Preset, url: URL | undefined): boolean {
  return preset.hosts.includes(url?.hostname ?? '');
}

/** What the older guide, or a copied URL, has behind the base URL. */
const CALL_PATHS = /\/(?:chat\/completions|v1\/messages)\/*$/;

function parseEndpoint(raw: RawProvider, endpoint: string, x: Reading): URL | undefined {
  const at = x.places.of(raw, 'endpoint');
  const text = endpoint.trim();
  const url = URL.canParse(text) ? new URL(text) : undefined;
  const fault = endpointFault(url);
  if (fault !== undefined || url === undefined) {
    x.faults.error(at, fault ?? '');
    return undefined;
  }
  if (CALL_PATHS.test(url.pathname)) {
    url.pathname = url.pathname.replace(CALL_PATHS, '');
    x.faults.warn(at, 'the path of the call is not part of it and was cut off the end');
  }
  if (url.protocol === 'http:' && !isLoopbackHost(url.hostname.replace(/^\[|\]$/g, ''))) {
    const clear = 'is http to another machine: keys and prompts would travel in the clear';
    if (raw.allow_insecure) x.faults.warn(at, clear);
    else x.faults.error(at, `${clear}; use https, or say allow_insecure: true`);
  }
  return url;
}

/** No message repeats the URL: it may hold a password or a key. */
function endpointFault(url: URL | undefined): string | undefined {
  if (url === undefined || !/^https?:$/.test(url.protocol)) {
    return 'wants a URL such as https://api.example.com/v1';
  }
  if (url.username !== '' || url.password !== '') {
    return 'holds a user name or password: use api_key or headers for credentials';
  }
  if (/[?#]/.test(url.href)) return 'cannot have a query or a fragment';
  return undefined;
}

function resolveRateLimiting(raw: RawProvider, preset: Preset, x: Reading): RateLimitingConfig {
  const limiting = raw.rate_limiting;
  const { requests_per_minute, tokens_per_minute } = limiting;
  if (limiting.type === 'fixed_rpm' && requests_per_minute === 0 && tokens_per_minute === 0) {
    const at = x.places.of(limiting, 'type');
    x.faults.warn(at, 'fixed_rpm without requests_per_minute limits nothing');
  }
  return {
    type: limiting.type ?? preset.rateLimiting,
    safetyMargin: limiting.safety_margin,
    backoffThreshold: limiting.backoff_threshold,
    requestsPerMinute: requests_per_minute,
    tokensPerMinute: tokens_per_minute,
    maxConcurrent: limiting.max_concurrent,
  };
}

/** RFC 9110 §5.6.2: what a header name is made of. */
const TOKEN = /^[!#$%&'*+.^_`|~\w-]+$/;
/** RFC 9110 §5.5, and what node:http sends: no control characters, Latin-1 at most. */
const VALUE = /^[\t\x20-\x7e\x80-\xff]*$/;
const CREDENTIALS = new Set(['authorization', 'x-api-key']);
/** RFC 9110 §7.6.1, and what the proxy sets for each request. */
const OWN_HEADERS = new Set([
  'connection',
  'content-length',
  'expect',
  'host',
  'keep-alive',
  'proxy-authenticate',
  'proxy-authorization',
  'proxy-connection',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
]);

function resolveHeaders(raw: RawProvider, x: Reading): Readonly<Record<string, string>> {
  const headers: Record<string, string> = {};
  for (const [index, { key, value }] of raw.headers.entries()) {
    const name = key.toLowerCase();
    const fault = headerFault(name, value) ?? (Object.hasOwn(headers, name) ? TWICE : undefined);
    if (fault !== undefined) x.faults.error(x.places.of(raw.headers, index), fault);
    else headers[name] = value;
  }
  return headers;
}

const TWICE = 'the same header twice: letter case does not count';

function headerFault(name: string, value: string): string | undefined {
  if (!TOKEN.test(name)) return 'this is not a header name';
  if (CREDENTIALS.has(name)) return `"${name}" cannot be set here: use api_key`;
  if (OWN_HEADERS.has(name)) return `"${name}" is set by the proxy itself`;
  if (!VALUE.test(value))
    return `the value of "${name}" cannot hold line breaks or such characters`;
  return undefined;
}
