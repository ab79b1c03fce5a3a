/**
 * A request as HTTP/1.1 writes it: can its headers and path be carried, and which bytes are they?
 *
 * Must stay true: no caller's value can end a line, so none can add a header or a request; the
 * framing is ours alone (headers.ts). The text for frozen headers, those of a key, is kept while
 * they go to the same place; for others keeping would cost more than making it.
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

/** What the heads of many requests begin with. */
interface Start {
  readonly method: string;
  readonly path: string;
  readonly host: string;
  readonly text: string;
  readonly ascii: boolean;
}

export interface RequestHead {
  /** Up to its blank line, one character a byte. */
  readonly text: string;
  /** UTF-8 and Latin-1 are the same bytes for it. */
  readonly ascii: boolean;
}

const kept = new WeakMap<Headers, Start>();

/** Undefined: HTTP cannot carry this. */
export function requestHead(asked: UpstreamRequest, host: string): RequestHead | undefined {
  const start = startOf(asked, host);
  if (start === undefined) return undefined;
  return { text: start.text + lengthOf(asked), ascii: start.ascii };
}

function startOf({ method, path, headers }: UpstreamRequest, host: string): Start | undefined {
  const before = kept.get(headers);
  if (before?.path === path && before.host === host && before.method === method) return before;
  const fields = textOf(headers);
  if (fields === undefined || path === '' || UNSENDABLE_PATH.test(path)) return undefined;
  const text = `${method} ${path} HTTP/1.1\r\nhost: ${host}\r\n${OWN}${fields}`;
  const start = { method, path, host, text, ascii: !BEYOND_ASCII.test(text) };
  if (Object.isFrozen(headers)) kept.set(headers, start);
  return start;
}

function lengthOf({ method, body }: UpstreamRequest): string {
  if (body !== undefined) return `content-length: ${bodyBytes(body)}\r\n\r\n`;
  return method === 'POST' ? 'content-length: 0\r\n\r\n' : '\r\n';
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
