/**
 * A request as HTTP/1.1 writes it: can its headers and path be carried, and which bytes are they?
 *
 * Must stay true: no caller's value can end a line, so none can add a header or a request; the
 * framing is ours alone (headers.ts). The text of frozen headers, those of a key, is kept;
 * for others keeping would cost more than making it.
 */
import { bodyBytes, isOwnHeader } from '../headers.ts';
import type { UpstreamRequest } from '../types.ts';

type Headers = UpstreamRequest['headers'];

const TOKEN = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/;
const UNSENDABLE_VALUE = /[^\t\x20-\x7e\x80-\xff]/;
const UNSENDABLE_PATH = /[^\x21-\x7e\x80-\xff]/;
const BEYOND_ASCII = /[^\x20-\x7e\r\n\t]/;

/** What is the same for all requests, behind `host`. */
const OWN = 'accept-encoding: identity\r\nconnection: keep-alive\r\n';

const kept = new WeakMap<Headers, string>();

/** The head up to its blank line, one character a byte; undefined: HTTP cannot carry this. */
export function requestHead(asked: UpstreamRequest, host: string): string | undefined {
  const { method, path, headers, body } = asked;
  const fields = Object.isFrozen(headers) ? (kept.get(headers) ?? keep(headers)) : textOf(headers);
  if (fields === undefined || path === '' || UNSENDABLE_PATH.test(path)) return undefined;
  const length =
    body === undefined
      ? method === 'POST'
        ? 'content-length: 0\r\n'
        : ''
      : `content-length: ${bodyBytes(body)}\r\n`;
  return `${method} ${path} HTTP/1.1\r\nhost: ${host}\r\n${OWN}${fields}${length}\r\n`;
}

/** Whether UTF-8 and Latin-1 are the same bytes for it. */
export function isAscii(head: string): boolean {
  return !BEYOND_ASCII.test(head);
}

function keep(headers: Headers): string | undefined {
  const text = textOf(headers);
  if (text !== undefined) kept.set(headers, text);
  return text;
}

function textOf(headers: Headers): string | undefined {
  let text = '';
  for (const name in headers) {
    if (isOwnHeader(name)) continue;
    const value = headers[name];
    if (!TOKEN.test(name) || typeof value !== 'string' || UNSENDABLE_VALUE.test(value)) {
      return undefined;
    }
    text += `${name}: ${value}\r\n`;
  }
  return text;
}
