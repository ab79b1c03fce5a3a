/**
 * Which headers does a transport set itself, and how do answers' headers look to the pipeline?
 *
 * Must stay true: framing (`content-length`, `transfer-encoding`, `connection`) is never taken from
 * a caller, since two opinions on where a message ends are request smuggling (RFC 9112 §11.2).
 */
import type { Origin, RequestBody, UpstreamRequest } from './types.ts';

/** We never ask for a compressed body: SSE frames should come as they are made. */
const ACCEPT_ENCODING = 'identity';

/** The names that the transport answers for; a caller's value is left out. */
export function isOwnHeader(name: string): boolean {
  switch (name) {
    case 'host':
    case 'connection':
    case 'content-length':
    case 'transfer-encoding':
    case 'accept-encoding':
      return true;
    default:
      return false;
  }
}

/** Request headers as a flat list of names and values, which node:http writes out as it is. */
export function flatHeaders({ origin, method, headers, body }: UpstreamRequest): string[] {
  const flat = ['host', hostOf(origin), 'accept-encoding', ACCEPT_ENCODING];
  for (const name in headers) {
    if (!isOwnHeader(name)) flat.push(name, headers[name] as string);
  }
  if (body !== undefined) flat.push('content-length', String(bodyBytes(body)));
  else if (method === 'POST') flat.push('content-length', '0');
  return flat;
}

/** How many bytes a body is sent as. */
export function bodyBytes(body: RequestBody): number {
  if (typeof body === 'string') return Buffer.byteLength(body);
  if (Buffer.isBuffer(body)) return body.length;
  return body.reduce((sum, piece) => sum + piece.length, 0);
}

/** Request headers as `fetch` takes them: it writes `host` and `content-length` itself. */
export function fetchHeaders({ headers }: UpstreamRequest): Record<string, string> {
  const own: Record<string, string> = { 'accept-encoding': ACCEPT_ENCODING };
  for (const name in headers) {
    if (!isOwnHeader(name)) own[name] = headers[name] as string;
  }
  return own;
}

/** `host:port`, without the port where it is the protocol's own (RFC 9110 §7.2). */
export function hostOf({ protocol, hostname, port }: Origin): string {
  const host = hostname.includes(':') && !hostname.startsWith('[') ? `[${hostname}]` : hostname;
  return port === (protocol === 'https:' ? 443 : 80) ? host : `${host}:${port}`;
}

/** The host as sockets and DNS take it: an IPv6 address without its brackets. */
export function bareHost(hostname: string): string {
  return hostname.startsWith('[') ? hostname.slice(1, -1) : hostname;
}
