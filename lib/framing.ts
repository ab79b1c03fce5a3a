/**
 * Is this a request that everybody on the way understands alike? What two parsers may read in two
 * ways is refused and its connection closed: a second request could be hidden in it (smuggling).
 *
 * Node's parser refuses most of it by itself; here stands what it lets through. Must stay true: a
 * request that passes has one Host, a body framed by its length or by `chunked` alone, no header
 * that was dropped, and a path as its url.
 */
import type { IncomingMessage } from 'node:http';
import { GatewayError } from './errors.ts';
import { MAX_HEADERS } from './limits.ts';

const CLOSES = { headers: { connection: 'close' } } as const;

/** Throws INVALID_REQUEST or HEADERS_TOO_LARGE, each of which closes the connection. */
export function checkFraming(request: IncomingMessage): void {
  if (request.httpVersionMajor !== 1) throw malformed('only HTTP/1.1 and HTTP/1.0 are spoken here');
  const { rawHeaders } = request;
  if (rawHeaders.length > 2 * MAX_HEADERS) {
    const message = `The request has more than ${MAX_HEADERS} headers`;
    throw new GatewayError('HEADERS_TOO_LARGE', message, CLOSES);
  }
  const hosts = hostsIn(rawHeaders);
  if (hosts > 1) throw malformed('there is more than one Host header');
  if (hosts === 0 && request.httpVersionMinor > 0) throw malformed('there is no Host header');
  const coding = request.headers['transfer-encoding'];
  if (coding !== undefined) checkCoding(coding, request.httpVersionMinor);
}

/** RFC 9112 §6.1: a coding that is not known leaves the length of the body open, and HTTP/1.0 knows
 *  none at all. */
function checkCoding(coding: string, minorVersion: number): void {
  if (minorVersion === 0) throw malformed('HTTP/1.0 has no transfer-encoding');
  if (coding.toLowerCase() === 'chunked') return;
  throw malformed('the only transfer-encoding that is known is chunked');
}

function hostsIn(rawHeaders: readonly string[]): number {
  let count = 0;
  for (let at = 0; at < rawHeaders.length; at += 2) {
    const name = rawHeaders[at] as string;
    if (name.length === 4 && name.toLowerCase() === 'host') count += 1;
  }
  return count;
}

function malformed(why: string): GatewayError {
  return new GatewayError('INVALID_REQUEST', `Malformed HTTP request: ${why}`, CLOSES);
}

const ABSOLUTE = /^https?:\/\/([^/?#]*)(.*)$/i;

/** A target that names its server (RFC 9112 §3.2.2) becomes a path, and its server the Host, which
 *  the guard then looks at. */
export function settleTarget(request: IncomingMessage): void {
  const { url = '/' } = request;
  if (url.charCodeAt(0) === 0x2f) return;
  const [, authority, path = ''] = ABSOLUTE.exec(url) ?? [];
  if (authority === undefined) return;
  request.headers.host = authority;
  request.url = path.startsWith('/') ? path : `/${path}`;
}
