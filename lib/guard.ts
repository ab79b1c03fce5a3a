/**
 * Who may talk to the proxy? Host (DNS rebinding), Origin (web pages), client token; SURFACE §2.
 * Compiled once; tokens are kept as digests and compared in constant time.
 */
import { createHash, timingSafeEqual } from 'node:crypto';
import type { IncomingHttpHeaders } from 'node:http';
import { isLoopbackHost } from './config/loopback.ts';
import type { ServerConfig } from './config/types.ts';
import { GatewayError } from './errors.ts';

export interface Guard {
  /** Throws FORBIDDEN for a foreign Host or Origin. */
  checkOrigin(headers: IncomingHttpHeaders): void;
  /** Throws UNAUTHENTICATED when a token is required and none of the given ones is right. */
  checkToken(headers: IncomingHttpHeaders): void;
  /** CORS headers for an allowed Origin; empty when the request has none. */
  corsHeaders(headers: IncomingHttpHeaders): Readonly<Record<string, string>>;
  /** What the answer to a preflight adds to them. */
  preflightHeaders(headers: IncomingHttpHeaders): Readonly<Record<string, string>>;
}

const NO_HEADERS: Readonly<Record<string, string>> = {};

export function compileGuard(server: ServerConfig): Guard {
  const origins = new Set(server.allowedOrigins.map((origin) => origin.toLowerCase()));
  const localOnly = isLoopbackHost(server.bindAddress);
  const digests = server.authTokens.map(digest);
  return {
    checkOrigin({ host, origin }) {
      if (origin !== undefined && !allows(origins, origin)) {
        throw new GatewayError('FORBIDDEN', 'This Origin is not in server.allowed_origins');
      }
      if (localOnly && host !== undefined && !isOwnHost(host, server.bindAddress)) {
        throw new GatewayError('FORBIDDEN', 'This Host is not the address the proxy listens on');
      }
    },
    checkToken(headers) {
      if (!server.apiKeyRequired || credentials(headers).some((token) => isOneOf(token, digests))) {
        return;
      }
      throw new GatewayError(
        'UNAUTHENTICATED',
        'Missing or wrong proxy token: send one of server.auth_tokens as ' +
          '"Authorization: Bearer <token>" or "x-api-key: <token>"',
      );
    },
    corsHeaders({ origin }) {
      if (origin === undefined) return NO_HEADERS;
      return {
        'access-control-allow-origin': origin,
        'access-control-expose-headers': 'request-id, retry-after, x-should-retry',
        vary: 'origin',
      };
    },
    preflightHeaders(headers) {
      const asked = headers['access-control-request-headers'];
      return {
        'access-control-allow-methods': 'GET, HEAD, POST',
        ...(asked === undefined ? {} : { 'access-control-allow-headers': asked }),
      };
    },
  };
}

function allows(origins: ReadonlySet<string>, origin: string): boolean {
  return origins.has('*') || origins.has(origin.toLowerCase());
}

/** `host` is a Host header: a name or an address, with or without a port. */
function isOwnHost(host: string, bindAddress: string): boolean {
  const name = host
    .replace(/:\d*$/, '')
    .replace(/^\[|\]$/g, '')
    .toLowerCase();
  return isLoopbackHost(name) || name === bindAddress.toLowerCase();
}

function credentials(headers: IncomingHttpHeaders): string[] {
  const given: string[] = [];
  const bearer = /^bearer +(.+)$/i.exec(headers.authorization ?? '');
  if (bearer?.[1] !== undefined) given.push(bearer[1].trim());
  const key = headers['x-api-key'];
  if (typeof key === 'string') given.push(key);
  return given;
}

function digest(token: string): Buffer {
  return createHash('sha256').update(token).digest();
}

/** Looks at every digest, so that the time says nothing about which one was near. */
function isOneOf(token: string, digests: readonly Buffer[]): boolean {
  const given = digest(token);
  let found = false;
  for (const known of digests) found = timingSafeEqual(given, known) || found;
  return found;
}
