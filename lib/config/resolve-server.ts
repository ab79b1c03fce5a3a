/** The `server` and `monitoring` sections: addresses, paths, tokens, what excludes what. */
import { isIP } from 'node:net';
import { availableParallelism } from 'node:os';
import { platform, versions } from 'node:process';
import type { Place } from './faults.ts';
import { isLoopbackHost } from './loopback.ts';
import { resolveClients } from './resolve-clients.ts';
import type { RawConfig } from './schema.ts';
import { isSendable, readSecret } from './secret-files.ts';
import { threadsOn } from './threads.ts';
import type { Config, ServerConfig } from './types.ts';
import type { Reading } from './validate.ts';

/** What the command line says about the server; it wins over the file. */
export interface Overrides {
  readonly port?: number | undefined;
  readonly bindAddress?: string | undefined;
}

type RawServer = RawConfig['server'];

/** The server section, checked as a whole. Faults go to `x.faults`. */
export function resolveServer(raw: RawServer, overrides: Overrides, x: Reading): ServerConfig {
  const authTokens = resolveTokens(raw, x);
  const clients = resolveClients(raw, authTokens, x);
  const server: ServerConfig = {
    bindAddress: (overrides.bindAddress ?? raw.bind_address).replace(/^\[(.*)\]$/, '$1'),
    port: overrides.port ?? raw.port,
    anthropicEndpoint: raw.anthropic_endpoint,
    openaiEndpoint: raw.openai_endpoint,
    apiKeyRequired: raw.api_key_required || clients.length > 0,
    authTokens,
    clients,
    allowUnauthenticated: raw.allow_unauthenticated,
    allowedOrigins: resolveOrigins(raw, x),
    maxBodyBytes: raw.max_body_bytes,
    workers: resolveWorkers(raw, x),
    transport: raw.transport,
    shutdownTimeoutMs: raw.shutdown_timeout,
    watch: raw.watch,
  };
  checkBind(server, raw, x);
  checkTokens(server, raw, x);
  return server;
}

function resolveWorkers(raw: RawServer, x: Reading): number {
  const host = { node: versions.node, platform, cores: availableParallelism() };
  const found = threadsOn(host, raw.workers);
  if (typeof found === 'number') return found;
  x.faults.error(x.places.of(raw, 'workers'), found.fault);
  return 1;
}

function resolveTokens(raw: RawServer, x: Reading): readonly string[] {
  const tokens = raw.auth_tokens.map((entry, index) => {
    const at = x.places.of(raw.auth_tokens, index);
    const token = typeof entry === 'string' ? entry.trim() : tokenOf(entry, at, x);
    if (!isSendable(token)) x.faults.error(at, 'holds characters that cannot stand in a header');
    return token;
  });
  return [...new Set(tokens)].filter((token) => token !== '');
}

function tokenOf(entry: { readonly file: string | undefined }, at: Place, x: Reading): string {
  if (entry.file !== undefined) return readSecret(entry.file, x.places.of(entry, 'file'), x);
  if (!x.places.given(entry, 'file')) x.faults.error(at, 'has no file');
  return '';
}

const ORIGIN = /^[a-z][a-z0-9+.-]*:\/\/[^/?#@\s*]+$/;

function resolveOrigins(raw: RawServer, x: Reading): readonly string[] {
  const origins = raw.allowed_origins.map((origin) => origin.toLowerCase().replace(/\/$/, ''));
  for (const [index, origin] of origins.entries()) {
    if (ORIGIN.test(origin)) continue;
    const at = x.places.of(raw.allowed_origins, index);
    x.faults.error(at, 'wants an origin such as https://app.example.com, without a path or "*"');
  }
  return origins;
}

const HOST_NAME = /^[a-z0-9](?:[a-z0-9.-]*[a-z0-9])?\.?$/i;

/** A public address without client tokens would let anyone spend the keys. */
function checkBind(server: ServerConfig, raw: RawServer, x: Reading): void {
  const { bindAddress } = server;
  const at = x.places.of(raw, 'bind_address');
  const isNumeric = /^[\d.]+$/.test(bindAddress);
  if (isIP(bindAddress) === 0 && (isNumeric || !HOST_NAME.test(bindAddress))) {
    x.faults.error(at, 'wants an IP address or a host name without a port');
    return;
  }
  if (isLoopbackHost(bindAddress) || server.apiKeyRequired || server.allowUnauthenticated) return;
  x.faults.error(
    at,
    'other machines could use your keys: set server.api_key_required with auth_tokens,' +
      ' or say server.allow_unauthenticated: true',
  );
}

function checkTokens(server: ServerConfig, raw: RawServer, x: Reading): void {
  const { apiKeyRequired, authTokens } = server;
  if (raw.api_key_required && authTokens.length === 0 && raw.clients.length === 0) {
    const at = x.places.of(raw, 'api_key_required');
    x.faults.error(at, 'is true, but server.auth_tokens holds no token, and there are no clients');
  }
  if (!apiKeyRequired && authTokens.length > 0) {
    const at = x.places.of(raw, 'auth_tokens');
    x.faults.warn(at, 'nobody is asked for them: server.api_key_required is false');
  }
}

/** The monitoring section. */
export function resolveMonitoring(raw: RawConfig['monitoring']): Config['monitoring'] {
  return {
    metricsEnabled: raw.metrics_enabled,
    healthEndpoint: raw.health_endpoint,
    prometheusEndpoint: raw.prometheus_endpoint,
    logLevel: raw.log_level,
    logFormat: raw.log_format,
  };
}

const PATH = /^(?:\/(?!\.{1,2}(?:\/|$))[\w.~-]+)+$/;

/** The four paths: each well formed, none equal to or inside another. */
export function checkPaths(raw: RawConfig, x: Reading): void {
  const { server, monitoring } = raw;
  const paths = [
    { path: server.anthropic_endpoint, at: x.places.of(server, 'anthropic_endpoint') },
    { path: server.openai_endpoint, at: x.places.of(server, 'openai_endpoint') },
    { path: monitoring.health_endpoint, at: x.places.of(monitoring, 'health_endpoint') },
    { path: monitoring.prometheus_endpoint, at: x.places.of(monitoring, 'prometheus_endpoint') },
  ];
  for (const [index, one] of paths.entries()) {
    checkPath(one.path, one.at, x);
    for (const other of paths.slice(0, index)) {
      if (!overlaps(one.path, other.path)) continue;
      x.faults.error(
        one.at,
        `is the same as or inside of ${other.at.path}, or the other way round`,
      );
    }
  }
}

function checkPath(path: string, at: Place, x: Reading): void {
  if (path === '' || path === '/') {
    x.faults.error(at, 'cannot be the root: the other paths would lie inside; use one like /name');
  } else if (!PATH.test(path)) {
    x.faults.error(at, 'wants a path like /name: a leading slash, none at the end, no query');
  }
}

function overlaps(a: string, b: string): boolean {
  if (!PATH.test(a) || !PATH.test(b)) return false;
  return a === b || a.startsWith(`${b}/`) || b.startsWith(`${a}/`);
}
