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
  /** Whose token is it? The place in `server.clients`, or NOBODY for a token without a name and
   *  where none is asked for. Throws UNAUTHENTICATED when none of the given ones is right. */
  checkToken(headers: IncomingHttpHeaders): number;
  /** CORS headers for an allowed Origin; empty when the request has none. */
  corsHeaders(headers: IncomingHttpHeaders): Readonly<Record<string, string>>;
  /** What the answer to a preflight adds to them. */
  preflightHeaders(headers: IncomingHttpHeaders): Readonly<Record<string, string>>;
}

/** No client in particular. */
export const NOBODY = -1;

/** Not a token of ours. */
const UNKNOWN = -2;

const NO_HEADERS: Readonly<Record<string, string>> = {};

export function compileGuard(server: ServerConfig): Guard {
  const origins = new Set(server.allowedOrigins.map((origin) => origin.toLowerCase()));
  const localOnly = isLoopbackHost(server.bindAddress);
  let lastHost: string | null = null; // that was right: it is nearly always the same
  const known = [
    ...server.authTokens.map((token) => ({ owner: NOBODY, digest: digest(token) })),
    ...server.clients.map(({ token }, owner) => ({ owner, digest: digest(token) })),
  ];
  return {
    checkOrigin({ host, origin }) {
      if (origin !== undefined && !allows(origins, origin)) {
        throw new GatewayError('FORBIDDEN', 'This Origin is not in server.allowed_origins');
      }
      if (!localOnly || host === undefined || host === lastHost) return;
      if (!isOwnHost(host, server.bindAddress)) {
        throw new GatewayError('FORBIDDEN', 'This Host is not the address the proxy listens on');
      }
      lastHost = host;
    },
    checkToken(headers) {
      if (!server.apiKeyRequired) return NOBODY;
      for (const token of credentials(headers)) {
        const owner = ownerOf(token, known);
        if (owner !== UNKNOWN) return owner;
      }
      throw new GatewayError(
        'UNAUTHENTICATED',
        'Missing or wrong proxy token: send one of server.auth_tokens or clients as ' +
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

interface Known {
  readonly owner: number;
  readonly digest: Buffer;
}

/** Looks at every digest, so that the time says nothing about which one was near. */
function ownerOf(token: string, known: readonly Known[]): number {
  const given = digest(token);
  let found = UNKNOWN;
  for (const { owner, digest } of known) if (timingSafeEqual(given, digest)) found = owner;
  return found;
}
