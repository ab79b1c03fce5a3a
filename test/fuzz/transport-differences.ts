/**
 * In what does the native client differ from node:http? Every row with its reason.
 *
 * Most rows are strictness: where two readers of the same bytes could see two different answers,
 * the native client sees none (`protocol`).
 */
import { MAX_ANSWER_FIELDS, MAX_INTERIM_ANSWERS } from '../../lib/limits.ts';
import { AnswerParser } from '../../lib/transports/native/answer-parser.ts';
import { Run } from '../../lib/transports/native/run.ts';
import { answersIn, RESET } from './transport-server.ts';
import type { Told } from './transports.ts';

export interface Conversation {
  readonly told: readonly Told[];
  /** For each request that the server saw, the number of its connection. */
  readonly connections: readonly number[];
}

/** A difference that is meant. */
interface Row {
  readonly why: string;
  applies(native: Told, http: Told, input: string): boolean;
}

/** The native client refuses with these words what stands in the input. */
const stricter =
  (words: string, inInput: RegExp) =>
  (native: Told, _http: Told, input: string): boolean =>
    native.fault === 'protocol' && native.why.endsWith(`(${words})`) && inInput.test(input);

/** Where an answer begins. */
const START = '(?:^|\\x01NEXT\\x01|\\r\\n\\r\\n)';
/** Where the server stops to write. */
const END = '(?:\\x01|$)';
const NOT_PRINTABLE = '[^\\t\\x20-\\x7e\\x80-\\xff\\r\\n]';

export const DIFFERENCES: readonly Row[] = [
  {
    why: 'a status below 100 is none (RFC 9110 §15)',
    applies: stricter('no status line of HTTP/1.x', /HTTP\/1\.[01] 0/),
  },
  {
    why: 'only HTTP/1.0 and 1.1 are known; http takes 0.9, 2.0, ICE and RTSP, and waits for more',
    applies: stricter(
      'no status line of HTTP/1.x',
      new RegExp(`${START}(?:I|R|HTTP/(?:[^1]|1\\.[^01]))`),
    ),
  },
  {
    why: 'a CR ends a line together with an LF only (RFC 9112 §2.2)',
    applies: stricter('no status line of HTTP/1.x', /\r(?!\n)/),
  },
  {
    why: 'a reason phrase has no control characters (RFC 9112 §4)',
    applies: stricter(
      'no status line of HTTP/1.x',
      new RegExp(`HTTP/1\\.[01] \\d{3} [^\\r\\n]*${NOT_PRINTABLE}`),
    ),
  },
  {
    why: 'a transfer coding that is not chunked alone cannot be undone; http gives it out as it is',
    applies: stricter('transfer-encoding is not chunked', /transfer-encoding/i),
  },
  {
    why: 'a transfer-encoding that is empty is one all the same, and stands beside no length',
    applies: stricter('a length and chunks', /transfer-encoding:[ \t]*\r\n/i),
  },
  {
    why: 'a coding has no place in a trailer, where nothing is left to be framed (RFC 9110 §6.5.1)',
    applies: stricter('framing in a trailer', /transfer-encoding/i),
  },
  {
    why: 'a tab behind a coding is white space as a blank is; http gives out chunks as they are',
    applies: (native, http, input) =>
      sameHead(native, http) &&
      native.headers['transfer-encoding']?.toLowerCase() === 'chunked' &&
      !('content-length' in native.headers) &&
      /transfer-encoding:[ \t]*chunked *\t[ \t]*\r\n/i.test(input),
  },
  {
    why: 'what comes behind the end, other than newlines, is never just left out',
    applies: stricter('bytes after the end', /./),
  },
  {
    why: 'newlines before a status line are bytes behind the answer before it',
    applies: stricter('no status line of HTTP/1.x', /(?:^|NEXT.|\r\n\r\n)[\r\n]|[\r\n]+HTTP/),
  },
  {
    why: 'what comes in a later read than the end finds the answer given, and ends the connection',
    applies: (native, http) =>
      native.fault === '' &&
      native.status === http.status &&
      native.body.startsWith(http.body) &&
      http.fault === 'protocol' &&
      /HPE_(?:INVALID_CONSTANT|CLOSED_CONNECTION|INVALID_VERSION|INVALID_STATUS)/.test(http.why),
  },
  {
    why: 'framing is judged when the head, or the trailer, is whole; this one never is',
    applies: (native, http) =>
      (native.fault === 'before-answer' || native.fault === 'cut') &&
      /HPE_(?:INVALID_CONTENT_LENGTH|UNEXPECTED_CONTENT_LENGTH|INVALID_TRANSFER_ENCODING)/.test(
        http.why,
      ),
  },
  {
    why: 'a chunk extension has a name, and its value a form (RFC 9112 §7.1.1)',
    applies: stricter('a bad chunk extension', /;/),
  },
  {
    why: 'a chunk extension is judged when it is whole; this one never is',
    applies: (native, http, input) =>
      native.fault === 'cut' &&
      http.fault === 'protocol' &&
      http.why.endsWith('(HPE_STRICT)') &&
      sameHead(native, http) &&
      native.body.startsWith(http.body) &&
      new RegExp(`[\\da-f];[^\\r\\n]*${END}`, 'i').test(input),
  },
  {
    why: 'a chunk size beyond twelve digits is a mistake, whether they are zeros or not',
    applies: stricter('no chunk size', /[\da-f]{13}/i),
  },
  {
    why: 'a 101 is an upgrade that nobody asked for, with or without the header that says to what',
    applies: stricter('an upgrade that nobody asked for', /101/),
  },
  {
    why: 'an interim answer that is the last on its connection is a mistake at once, not behind it',
    applies: stricter('an interim answer that is the last', /HTTP\/1\.0 1\d\d|close/i),
  },
  {
    why: 'interim answers are counted, so that they do not go on for ever',
    applies: (native, http, input) =>
      stricter('too many interim answers', /HTTP/)(native, http, input) &&
      input.split(/HTTP\/1\.[01] 1\d\d/).length > MAX_INTERIM_ANSWERS,
  },
  {
    why: 'fields are counted',
    applies: (native, http, input) =>
      stricter('too many headers', /:/)(native, http, input) &&
      input.split('\r\n').length > MAX_ANSWER_FIELDS,
  },
  {
    why: 'a tab behind a length is white space as a blank is (RFC 9112 §5)',
    applies: (native, http, input) =>
      (native.fault === '' || native.fault === 'cut') &&
      http.fault === 'protocol' &&
      http.status === 0 &&
      http.why.endsWith('(HPE_INVALID_CONTENT_LENGTH)') &&
      /^\d+$/.test(native.headers['content-length'] ?? '') &&
      /content-length:[ \t]*\d+ *\t[ \t]*\r\n/i.test(input),
  },
  {
    why: 'a length beyond a petabyte is a mistake, not a promise',
    applies: stricter('content-length is no number', /content-length:\s*\d{16,}/i),
  },
  {
    why: 'a body that lasts until the connection ends is not whole when that is reset',
    applies: (native, http, input) =>
      input.includes(RESET) &&
      native.fault === 'cut' &&
      native.why.endsWith('(ECONNRESET)') &&
      http.fault === '' &&
      sameHead(native, http) &&
      native.body === http.body &&
      !('content-length' in native.headers || 'transfer-encoding' in native.headers),
  },
  {
    why: 'bodies are decoded by another thread: the cut of one that is broken too may show first',
    applies: (native, http, input) =>
      /content-encoding/i.test(input) &&
      sameHead(native, http) &&
      native.fault !== http.fault &&
      [native, http].every((told) => told.fault === 'cut' || isUndecodable(told)),
  },
];

function isUndecodable({ fault, why }: Told): boolean {
  return fault === 'protocol' && /\((?:Z_|ERR_)\w+\)$/.test(why);
}

/** The first difference that is not meant, or ''; and a word for what happened. */
export function differenceOf(
  native: Conversation,
  http: Conversation,
  input: Buffer,
): { difference: string; word: string } {
  const text = input.toString('latin1');
  const word = `${native.told.map(shortly).join()} ${native.connections.join()}`;
  const parting = partingOf(native, http);
  const parted =
    parting < 0 || isMeant(parting, native, input) ? '' : 'the use of connections differs';
  for (const [nth, ours] of native.told.entries()) {
    const theirs = http.told[nth] as Told;
    if (same(ours, theirs)) continue;
    // From there on the two are at different places of the script.
    if (parting >= 0 && parting <= nth) return { difference: parted, word };
    const row = DIFFERENCES.findIndex(({ applies }) => applies(ours, theirs, text));
    if (row < 0) return { difference: `request ${nth} differs`, word };
    return { difference: '', word: `${word} d${row}` };
  }
  return { difference: parted, word };
}

/** The first request for which the two took different connections, or -1. */
function partingOf({ connections }: Conversation, http: Conversation): number {
  const count = Math.max(connections.length, http.connections.length);
  for (let at = 0; at < count; at++) if (connections[at] !== http.connections[at]) return at;
  return -1;
}

/** Whether the native client has a reason to go on with another connection than http. It keeps the
 *  one that a repeat was made on. It closes the one of an answer with newlines behind it, which
 *  http reads past, or with other bytes, of which http may take notice later. To http a
 *  `proxy-connection` says what `connection` says; it is no field of an answer. A body that cannot
 *  be decoded ends its connection, where that was not given back before. */
function isMeant(parting: number, { told, connections }: Conversation, input: Buffer): boolean {
  if (connections.length > told.length) return true;
  const isSaid = ({ headers }: Told) =>
    /^(?:close|keep-alive)$/i.test(headers['proxy-connection'] ?? '');
  const before = told.slice(0, parting);
  if (before.some(isSaid) || before.some(isUndecodable)) return true;
  return answersIn(input).slice(0, parting).some(hasMore);
}

/** Whether bytes follow on the end of the answer. */
function hasMore({ pieces }: ReturnType<typeof answersIn>[number]): boolean {
  const bytes = Buffer.concat(pieces);
  const parser = new AnswerParser();
  parser.begin();
  const body = parser.readHead(bytes, 0, bytes.length);
  const end = parser.readBody(bytes, body, bytes.length, new Run());
  return parser.complete && end < bytes.length;
}

const shortly = ({ status, fault, why }: Told): string => {
  const reason = /\(([^)]*)\)$/.exec(why)?.[1] ?? '';
  return `${status >= 200 && status < 300 ? 2 : status}${fault}${reason}`;
};

/** Of a body that broke off, how much was seen is a matter of luck. */
function same(a: Told, b: Told): boolean {
  if (a.fault !== b.fault || !sameHead(a, b)) return false;
  if (a.fault === '') return a.body === b.body;
  return a.body.startsWith(b.body) || b.body.startsWith(a.body);
}

function sameHead(a: Told, b: Told): boolean {
  return (
    a.status === b.status && JSON.stringify(sorted(a.headers)) === JSON.stringify(sorted(b.headers))
  );
}

const sorted = (headers: Told['headers']): [string, string][] => Object.entries(headers).sort();
