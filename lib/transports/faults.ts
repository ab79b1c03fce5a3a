/**
 * Which fault is it? Turns what the platform throws into a TransportError.
 *
 * The platform's codes come from four places: system calls (ECONNREFUSED), OpenSSL and the
 * certificate check (CERT_..., ERR_TLS_...), the HTTP parser (HPE_...) and, under `fetch`, undici
 * (UND_ERR_...). Must stay true: a message names the place and the code, never a header or a path,
 * which may hold a secret.
 */
import type { Origin, TransportFault } from './types.ts';
import { TransportError } from './types.ts';

/** How far a call had come. Where connecting does not show (`fetch`), it starts at `waiting`. */
export type Stage = 'connecting' | 'waiting' | 'reading';

/** Of undici: too few bytes came, or (before the answer is told) its headers give two lengths. */
const LENGTH_MISMATCH = 'UND_ERR_RES_CONTENT_LENGTH_MISMATCH';

interface PlatformError {
  /** undici's parser errors have no code from Node 24 on. */
  readonly name: string;
  readonly code: string;
  readonly syscall: string;
  readonly message: string;
}

/** Names with a meaning of their own, wherever they appear. The rest is judged by the stage. */
const FAULT_OF_CODE: Readonly<Record<string, TransportFault>> = {
  UND_ERR_CONNECT_TIMEOUT: 'connect-timeout',
  UND_ERR_HEADERS_TIMEOUT: 'first-byte-timeout',
  UND_ERR_BODY_TIMEOUT: 'idle-timeout',
  UND_ERR_HEADERS_OVERFLOW: 'protocol',
  Z_BUF_ERROR: 'cut', // the compressed stream stops before its own end
  Z_DATA_ERROR: 'protocol',
};

/** Certificate checks and handshakes: nothing of the request was sent. */
const TLS_CODE =
  /^(CERT_|ERR_TLS_|ERR_SSL_|EPROTO$|UNABLE_TO_|SELF_SIGNED_|DEPTH_ZERO_|HOSTNAME_MISMATCH$)/;

/** Node has no code of its own for a peer that leaves during the handshake (node:_tls_wrap). */
const HANDSHAKE_CUT = 'before secure TLS connection';

/** The TransportError for what was thrown while the call stood at `stage`. */
export function transportError(thrown: unknown, stage: Stage, origin: Origin): TransportError {
  const error = platformError(thrown);
  const fault = faultOf(error, stage);
  return new TransportError(fault, describe(fault, origin, error.code), thrown);
}

/** A TransportError for something we decided ourselves; `detail` goes into the message. */
export function ownError(fault: TransportFault, origin: Origin, detail = ''): TransportError {
  return new TransportError(fault, describe(fault, origin, detail));
}

function faultOf(error: PlatformError, stage: Stage): TransportFault {
  const known = FAULT_OF_CODE[error.code];
  if (known !== undefined) return known;
  if (error.code.startsWith('HPE_') || error.name === 'HTTPParserError') return 'protocol';
  if (error.code === LENGTH_MISMATCH) return stage === 'reading' ? 'cut' : 'protocol';
  if (stage === 'reading') return 'cut';
  if (stage === 'waiting' && !failedToConnect(error)) return 'before-answer';
  return error.code === 'ETIMEDOUT' ? 'connect-timeout' : 'connect';
}

function failedToConnect({ code, syscall, message }: PlatformError): boolean {
  if (syscall === 'connect' || syscall === 'getaddrinfo' || TLS_CODE.test(code)) return true;
  return code === 'ECONNRESET' && message.includes(HANDSHAKE_CUT);
}

/** Digs out the error with the code: `fetch` wraps it in `cause`, several addresses in `errors`. */
function platformError(thrown: unknown): PlatformError {
  let found: unknown = thrown;
  for (let depth = 0; depth < 3 && found instanceof Error; depth++) {
    const inner = found instanceof AggregateError ? found.errors[0] : found.cause;
    if ('code' in found && !(found instanceof AggregateError)) break;
    if (!(inner instanceof Error)) break;
    found = inner;
  }
  const { name, code, syscall, message } = found instanceof Error ? (found as ErrnoLike) : {};
  return { name: text(name), code: text(code), syscall: text(syscall), message: text(message) };
}

interface ErrnoLike {
  readonly name?: unknown;
  readonly code?: unknown;
  readonly syscall?: unknown;
  readonly message?: unknown;
}

function text(value: unknown): string {
  return typeof value === 'string' ? value : '';
}

const WORDS: Readonly<Record<TransportFault, string>> = {
  connect: 'Cannot connect to',
  'connect-timeout': 'No connection in time to',
  'before-answer': 'Connection lost before the answer of',
  'first-byte-timeout': 'No answer in time from',
  protocol: 'Answer is not valid HTTP from',
  cut: 'Connection lost inside the answer of',
  'idle-timeout': 'Answer went silent from',
  aborted: 'Aborted call to',
};

function describe(fault: TransportFault, { hostname, port }: Origin, detail: string): string {
  const place = `${WORDS[fault]} ${hostname}:${port}`;
  return detail === '' ? place : `${place} (${detail})`;
}
