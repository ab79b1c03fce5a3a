/**
 * Where does the body of an answer end, and may its connection be used again?
 *
 * RFC 9112 §6.3, and where it leaves a choice, the strict one: two opinions on the length are a
 * fault, and so is a transfer coding that we cannot undo. Must stay true: never a guess.
 */
import { FREE_SOCKET_MARGIN_MS, FREE_SOCKET_MS } from '../../limits.ts';
import type { HeadReader } from './head-reader.ts';

export type Framing =
  | { readonly kind: 'length'; readonly bytes: number }
  | { readonly kind: 'chunked' }
  | { readonly kind: 'until-close' }
  | { readonly kind: 'fault'; readonly why: string };

const NO_BODY: Framing = { kind: 'length', bytes: 0 };
const CHUNKED: Framing = { kind: 'chunked' };
const UNTIL_CLOSE: Framing = { kind: 'until-close' };
const TWO_LENGTHS: Framing = { kind: 'fault', why: 'a length and chunks' };
const BAD_LENGTH: Framing = { kind: 'fault', why: 'content-length is no number' };
const BAD_CODING: Framing = { kind: 'fault', why: 'transfer-encoding is not chunked' };

/** Fifteen digits are a petabyte, and exact as a number. */
const LENGTH = /^\d{1,15}$/;

/** The framing of the answer to a GET or POST. */
export function framingOf({ status, minorVersion, fields }: HeadReader): Framing {
  const length = fields['content-length'];
  const coding = fields['transfer-encoding'];
  if (coding !== undefined) {
    if (length !== undefined) return TWO_LENGTHS;
    // HTTP/1.0 knows no chunks: whoever stands between may have left the header as it was (§6.1).
    if (minorVersion === 0 || coding.toLowerCase() !== 'chunked') return BAD_CODING;
  }
  if (length !== undefined && !LENGTH.test(length)) return BAD_LENGTH;
  if (status === 204 || status === 304) return NO_BODY;
  if (coding !== undefined) return CHUNKED;
  return length === undefined ? UNTIL_CLOSE : { kind: 'length', bytes: Number(length) };
}

const CLOSE = /(?:^|,)[ \t]*close[ \t]*(?:,|$)/i;
const KEEP_ALIVE = /(?:^|,)[ \t]*keep-alive[ \t]*(?:,|$)/i;
const TIMEOUT = /(?:^|[,;])[ \t]*timeout=(\d{1,9})/i;

/** Whether this message is the last one on its connection (RFC 9112 §9.3). */
export function isLast({ minorVersion, fields: { connection } }: HeadReader): boolean {
  if (connection === 'keep-alive') return false; // what most say
  if (connection !== undefined && CLOSE.test(connection)) return true;
  return minorVersion === 0 && (connection === undefined || !KEEP_ALIVE.test(connection));
}

/** How long the connection may be idle before we close it, in ms; 0: it is not to be kept. */
export function keepMsOf(head: HeadReader): number {
  if (isLast(head)) return 0;
  const hint = head.fields['keep-alive'];
  return hint === undefined ? FREE_SOCKET_MS : hintedMs(hint);
}

/** A server says the same each time. */
let lastHint = '';
let lastMs = FREE_SOCKET_MS;

/** A hint is undercut, so that we do not write while the server closes. */
export function hintedMs(hint: string): number {
  if (hint === lastHint) return lastMs;
  const seconds = TIMEOUT.exec(hint)?.[1];
  const wantedMs = Number(seconds) * 1_000 - FREE_SOCKET_MARGIN_MS;
  lastHint = hint;
  lastMs = seconds === undefined ? FREE_SOCKET_MS : Math.min(FREE_SOCKET_MS, Math.max(0, wantedMs));
  return lastMs;
}
