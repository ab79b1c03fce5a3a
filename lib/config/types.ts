/** The configuration as the rest of the program sees it: checked, resolved, frozen. */
import type { ErrorRule, ModelFacts, Preset, Protocol } from '../providers/types.ts';

export type StrategyName = 'round_robin' | 'least_used' | 'weighted_random';
export type RateLimitingType = 'per_key_cerebras_headers' | 'headers' | 'fixed_rpm' | 'none';
export type TransportName = 'auto' | 'native' | 'http' | 'fetch';
export type LogLevel = 'debug' | 'info' | 'warn' | 'error' | 'silent';

export interface ServerConfig {
  readonly bindAddress: string;
  readonly port: number;
  /** Path prefixes, with a leading and without a trailing slash. */
  readonly anthropicEndpoint: string;
  readonly openaiEndpoint: string;
  readonly apiKeyRequired: boolean;
  /** Tokens without a name and without limits. */
  readonly authTokens: readonly string[];
  readonly clients: readonly ClientConfig[];
  readonly allowUnauthenticated: boolean;
  readonly allowedOrigins: readonly string[];
  readonly maxBodyBytes: number;
  /** Threads that serve the port; what `auto` means here is decided already. */
  readonly workers: number;
  readonly transport: TransportName;
  readonly shutdownTimeoutMs: number;
  /** Reload when the file changes. */
  readonly watch: boolean;
}

/** Somebody with a token of his own. */
export interface ClientConfig {
  readonly name: string;
  /** Never logged. */
  readonly token: string;
  /** Limits; 0 = none. */
  readonly requestsPerMinute: number;
  readonly tokensPerMinute: number;
  readonly tokensPerDay: number;
  readonly maxConcurrent: number;
  /** Lower-case ids and globs; empty: every model. */
  readonly models: readonly string[];
}

/** A rule of `models:`; the pattern is lower-case, `*` matches any run of characters. */
export interface ModelRule {
  readonly pattern: string;
  readonly target: string;
}

export interface KeyConfig {
  readonly name: string;
  /** The secret. Empty for a provider that needs none. Never logged. */
  readonly secret: string;
  /** Keys of one provider with one org share one set of limits. A key that names none has a name of
   *  its own, `provider/key`. */
  readonly org: string;
  readonly weight: number;
  /** Limits; 0 = none. */
  readonly maxRequestsPerMinute: number;
  readonly maxTokensPerMinute: number;
  /** Tokens that do not come from the provider's prompt cache, per minute. */
  readonly maxUncachedTokensPerMinute: number;
  readonly maxRequestsPerDay: number;
  readonly maxTokensPerDay: number;
  readonly maxConcurrent: number;
}

export interface RateLimitingConfig {
  readonly type: RateLimitingType;
  /** Share of a limit kept back, 0..1. */
  readonly safetyMargin: number;
  /** Requests left of a quota at which pacing starts. */
  readonly backoffThreshold: number;
  readonly requestsPerMinute: number;
  readonly tokensPerMinute: number;
  readonly maxConcurrent: number;
}

export interface TimeoutsConfig {
  readonly connectMs: number;
  readonly firstByteMs: number;
  readonly idleMs: number;
}

export interface ProviderConfig {
  readonly name: string;
  readonly preset: Preset;
  readonly protocol: Protocol;
  /** Absolute URL without trailing slash. */
  readonly endpoint: string;
  readonly models: readonly ModelFacts[];
  readonly strategy: StrategyName;
  /** Empty: the provider is disabled (a warning said so). */
  readonly keys: readonly KeyConfig[];
  readonly rateLimiting: RateLimitingConfig;
  readonly timeouts: TimeoutsConfig;
  readonly headers: Readonly<Record<string, string>>;
  /** Tried before the preset's own rows. */
  readonly errorRules: readonly ErrorRule[];
  /** `auto`: no more output is asked for than the provider reserves at most. */
  readonly outputSizing: 'auto' | 'off';
  /** What a session waits at most for the org that has its prompts cached; 0 = no affinity. */
  readonly affinityMaxWaitMs: number;
}

/** Where connections to providers are asked for with CONNECT. */
export interface ForwardProxy {
  readonly protocol: 'http:' | 'https:';
  /** An IPv6 address without brackets. */
  readonly hostname: string;
  readonly port: number;
  /** Value of `proxy-authorization`; empty = none is sent. */
  readonly authorization: string;
}

export interface Config {
  /** The file it came from, or a word for where else (`environment`, `demo`). */
  readonly source: string;
  readonly server: ServerConfig;
  readonly tiers: {
    readonly haiku: string;
    readonly sonnet: string;
    readonly opus: string;
    /** Empty: ids that match nothing are 404. */
    readonly default: string;
  };
  readonly modelRules: readonly ModelRule[];
  readonly providers: readonly ProviderConfig[];
  readonly limits: {
    readonly requestsPerMinute: number;
    readonly tokensPerMinute: number;
    readonly maxConcurrent: number;
    readonly queue: {
      readonly maxDepth: number;
      readonly maxWaitMs: number;
      /** A longer wait at a provider goes on to the next one at once; 0 = any wait. */
      readonly spillAfterMs: number;
    };
  };
  readonly reasoningInjection: {
    readonly enabled: boolean;
    /** Configured model ids, lower-case. */
    readonly models: readonly string[];
    /** Without trailing newline. */
    readonly promptTemplate: string;
  };
  readonly monitoring: {
    readonly metricsEnabled: boolean;
    readonly healthEndpoint: string;
    readonly prometheusEndpoint: string;
    readonly logLevel: LogLevel;
    readonly logFormat: 'auto' | 'json' | 'pretty';
  };
  /** Certificates (PEM) trusted for providers in addition to Node's own; empty: none. */
  readonly upstreamCa: string;
  /** Where state is kept over a restart; empty = nowhere. A relative path: from where it runs. */
  readonly stateFile: string;
  /** What the environment says of forward proxies, by the protocol of the provider. */
  readonly forwardProxies: {
    readonly http: ForwardProxy | null;
    readonly https: ForwardProxy | null;
    /** NO_PROXY as it is. */
    readonly except: string;
  };
  /** Every configured secret (keys, tokens), longest first: cut out of texts that are passed on. */
  readonly secrets: readonly string[];
  readonly warnings: readonly Fault[];
}

/** Something wrong (or doubtful) in a configuration, and where. Lines and columns count from 1. */
export interface Fault {
  readonly file: string;
  readonly line: number;
  readonly column: number;
  /** Names the key, what is wrong, and what was meant. */
  readonly message: string;
}
