/** Is an answer read alike however its bytes are cut, and is what is ambiguous a fault? */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { AnswerParser } from '../../../lib/transports/native/answer-parser.ts';
import { Run } from '../../../lib/transports/native/run.ts';

const OK = 'HTTP/1.1 200 OK\r\n';
const CHUNKED = `${OK}transfer-encoding: chunked\r\n\r\n`;
const LENGTH = `${OK}content-length: 5\r\n`;
const HELLO = `${CHUNKED}5\r\nhello\r\n0\r\n`;

/** `200 body` and then `open`, `+n` bytes too many, or `!why`; fed in pieces of `size` bytes. */
function told(input: string, size: number): string {
  const bytes = Buffer.from(input, 'latin1');
  const parser = new AnswerParser();
  parser.begin();
  let body = '';
  for (let from = 0; from < bytes.length && parser.fault === ''; from += size) {
    const piece = Buffer.from(bytes.subarray(from, from + size)); // the parser may move its bytes
    let at = parser.inHead ? parser.readHead(piece, 0, piece.length) : 0;
    const run = new Run();
    if (parser.fault === '') at = parser.readBody(piece, at, piece.length, run);
    body += piece.toString('latin1', run.start, run.end);
    if (parser.fault === '' && parser.complete) {
      return `${parser.status} ${body}${over(bytes.length - from - at)}`;
    }
  }
  if (parser.fault !== '') return `${parser.inHead ? '' : body}!${parser.fault}`;
  return `${parser.inHead ? '' : `${parser.status} ${body} `}open`;
}

const over = (bytes: number): string => (bytes === 0 ? '' : `+${bytes}`);

const NO_STATUS = '!no status line of HTTP/1.x';
const NO_FIELD = '!a line that is no header';
const NO_SIZE = '!no chunk size';
const LAST_INTERIM = '!an interim answer that is the last';

const ROWS: readonly (readonly [name: string, input: string, want: string])[] = [
  ['content-length', `${LENGTH}\r\nhello`, '200 hello'],
  ['not all of it', `${LENGTH}\r\nhel`, '200 hel open'],
  ['more than all of it', `${LENGTH}\r\nhello!!`, '200 hello+2'],
  ['no length', `${OK}\r\nhello`, '200 hello open'],
  ['chunks', `${CHUNKED}3\r\nhel\r\n02\r\nlo\r\n0\r\n\r\n`, '200 hello'],
  ['chunks, not the last blank line', HELLO, '200 hello open'],
  ['chunk sizes in hexadecimal', `${CHUNKED}A\r\n0123456789\r\n0\r\n\r\n`, '200 0123456789'],
  ['chunk extensions', `${CHUNKED}5;a=b;c="d e"\r\nhello\r\n0;e\r\n\r\n`, '200 hello'],
  ['trailers', `${HELLO}x: 1\r\ny: 2\r\n\r\n`, '200 hello'],
  ['204 has no body, whatever it says', `HTTP/1.1 204 No\r\ncontent-length: 5\r\n\r\n`, '204 '],
  ['304 likewise', `HTTP/1.1 304 Not\r\ntransfer-encoding: chunked\r\n\r\n`, '304 '],
  ['interim answers', `HTTP/1.1 100 Continue\r\n\r\n${LENGTH}\r\nhello`, '200 hello'],
  ['no reason', 'HTTP/1.1 200\r\ncontent-length: 0\r\n\r\n', '200 '],
  ['an empty reason', 'HTTP/1.1 299 \r\ncontent-length: 0\r\n\r\n', '299 '],
  ['an empty value', `${OK}x:\r\ncontent-length:0\r\n\r\n`, '200 '],
  ['status of two digits', 'HTTP/1.1 20 OK\r\n\r\n', NO_STATUS],
  ['status of four digits', 'HTTP/1.1 2000\r\n\r\n', NO_STATUS],
  ['another version', 'HTTP/2.0 200 OK\r\n\r\n', NO_STATUS],
  ['another protocol', 'SSH-2.0-x', NO_STATUS],
  ['lower case', 'http/1.1 200 OK\r\n\r\n', NO_STATUS],
  ['two spaces', 'HTTP/1.1  200 OK\r\n\r\n', NO_STATUS],
  ['a blank line before', `\r\n${LENGTH}\r\nhello`, NO_STATUS],
  ['a reason with control characters', 'HTTP/1.1 200 O\x00K\r\n\r\n', NO_STATUS],
  ['a status line that ends in LF', 'HTTP/1.1 200 OK\ncontent-length: 0\r\n\r\n', NO_STATUS],
  ['a header that ends in LF', `${OK}a: b\nc: d\r\n\r\n`, NO_FIELD],
  ['a bare CR in a header', `${OK}a: b\rc: d\r\n\r\n`, NO_FIELD],
  ['a header that goes on', `${OK}a: b\r\n c\r\n\r\n`, NO_FIELD],
  ['a space before the colon', `${OK}content-length : 5\r\n\r\nhello`, NO_FIELD],
  ['no name', `${OK}: 5\r\n\r\n`, NO_FIELD],
  ['no colon', `${OK}a\r\n\r\n`, NO_FIELD],
  ['a name that is no token', `${OK}a(b: 1\r\n\r\n`, NO_FIELD],
  ['NUL in a value', `${OK}a: \x00\r\n\r\n`, NO_FIELD],
  ['a length and chunks', `${LENGTH}transfer-encoding: chunked\r\n\r\n`, '!a length and chunks'],
  ['two lengths', `${LENGTH}content-length: 6\r\n\r\n`, '!content-length is no number'],
  ['the same length twice', `${LENGTH}content-length: 5\r\n\r\n`, '!content-length is no number'],
  ...['+5', '-5', '0x5', '5 5', '5,5', '', '5.0', '9999999999999999'].map(
    (length) =>
      [
        `length "${length}"`,
        `${OK}content-length: ${length}\r\n\r\nhello`,
        '!content-length is no number',
      ] as const,
  ),
  ...['gzip', 'gzip, chunked', 'chunked, chunked', 'xchunked', 'identity', ''].map(
    (coding) =>
      [
        `coding "${coding}"`,
        `${OK}transfer-encoding: ${coding}\r\n\r\n0\r\n\r\n`,
        '!transfer-encoding is not chunked',
      ] as const,
  ),
  [
    'chunks in HTTP/1.0',
    'HTTP/1.0 200 OK\r\ntransfer-encoding: chunked\r\n\r\n',
    '!transfer-encoding is not chunked',
  ],
  ['101', 'HTTP/1.1 101 Switching\r\n\r\n', '!an upgrade that nobody asked for'],
  ['interim answers for ever', 'HTTP/1.1 102 P\r\n\r\n'.repeat(17), '!too many interim answers'],
  ['an interim answer of HTTP/1.0', `HTTP/1.0 100 C\r\n\r\n${LENGTH}\r\nhello`, LAST_INTERIM],
  ['an interim answer that closes', 'HTTP/1.1 103 E\r\nconnection: close\r\n\r\n', LAST_INTERIM],
  [
    'an interim answer of HTTP/1.0 that does not',
    `HTTP/1.0 100 C\r\nconnection: keep-alive\r\n\r\n${LENGTH}\r\nhello`,
    '200 hello',
  ],
  ['no chunk size', `${CHUNKED}\r\n`, NO_SIZE],
  ['a signed chunk size', `${CHUNKED}+5\r\nhello\r\n`, NO_SIZE],
  ['a chunk size with 0x', `${CHUNKED}0x5\r\nhello\r\n`, NO_SIZE],
  ['a space behind a chunk size', `${CHUNKED}5 \r\nhello\r\n`, NO_SIZE],
  ['a chunk size too large', `${CHUNKED}fffffffffffff\r\n`, NO_SIZE],
  ['a chunk size that ends in LF', `${CHUNKED}5\nhello\r\n`, NO_SIZE],
  ['LF in a chunk extension', `${CHUNKED}5;a\nb\r\nhello\r\n`, '!a bad chunk extension'],
  ...[';', ';;a', ';a=', ';a b', ';a="b', ';a="\x00"', ';=b'].map(
    (extension) =>
      [
        `chunk extension ${JSON.stringify(extension)}`,
        `${CHUNKED}5${extension}\r\nhello\r\n`,
        '!a bad chunk extension',
      ] as const,
  ),
  ['a chunk too long', `${CHUNKED}5\r\nhello!\r\n`, 'hello!a chunk does not end where it said'],
  ['a chunk that ends in LF', `${CHUNKED}5\r\nhello\n`, 'hello!a chunk does not end where it said'],
  ['a trailer that is none', `${HELLO}a b\r\n\r\n`, `hello${NO_FIELD}`],
  ['extensions for ever', `${CHUNKED}5;${'x'.repeat(20_000)}\r\n`, '!chunk extensions too large'],
  ['trailers for ever', `${HELLO}x: ${'y'.repeat(20_000)}`, 'hello!headers too large'],
  ['headers for ever', `${OK}x: ${'y'.repeat(20_000)}`, '!headers too large'],
  ['too many headers', `${OK}${'a: b\r\n'.repeat(501)}\r\n`, '!too many headers'],
];

for (const [name, input, want] of ROWS) {
  test(`answer: ${name}`, () => {
    for (const size of [input.length, 1, 2, 3, 7, 16, 100]) {
      const found = told(input, size).replace(
        'a header with control characters',
        NO_FIELD.slice(1),
      );
      assert.equal(found, want, `in pieces of ${size}`);
    }
  });
}

/** The fields, and how long the connection is kept. */
function headOf(text: string): { fields: Readonly<Record<string, string>>; keepMs: number } {
  const bytes = Buffer.from(text, 'latin1');
  const parser = new AnswerParser();
  parser.begin();
  parser.readHead(bytes, 0, bytes.length);
  assert.equal(parser.fault, '');
  return { fields: parser.fields, keepMs: parser.keepMs };
}

test('fields: lower-case names, values trimmed and joined, Latin-1 as it is', () => {
  const { fields } = headOf(
    `${OK}X-A: 1\r\nx-a:\t2 \r\nSet-Cookie: a=1\r\nset-cookie: b=2\r\nX: \xe4\r\n` +
      'cookie: a\r\ncookie: b\r\nconstructor: c\r\n\r\n',
  );
  assert.deepEqual(
    { ...fields },
    {
      'x-a': '1, 2',
      'set-cookie': 'a=1, b=2',
      x: '\xe4',
      cookie: 'a; b',
      constructor: 'c',
    },
  );
});

describe('how long a connection is kept', () => {
  const rows: readonly (readonly [head: string, wantMs: number])[] = [
    [`${LENGTH}\r\n`, 55_000],
    [`${OK}\r\n`, 0],
    [`${LENGTH}connection: close\r\n\r\n`, 0],
    [`${LENGTH}Connection: x, Close\r\n\r\n`, 0],
    [`${LENGTH}connection: closed\r\n\r\n`, 55_000],
    ['HTTP/1.0 200 OK\r\ncontent-length: 5\r\n\r\n', 0],
    ['HTTP/1.0 200 OK\r\ncontent-length: 5\r\nconnection: Keep-Alive\r\n\r\n', 55_000],
    [`${LENGTH}keep-alive: timeout=5\r\n\r\n`, 4_000],
    [`${LENGTH}keep-alive: max=100, timeout=5\r\n\r\n`, 4_000],
    [`${LENGTH}keep-alive: timeout=1\r\n\r\n`, 0],
    [`${LENGTH}keep-alive: timeout=600\r\n\r\n`, 55_000],
    [`${LENGTH}keep-alive: for ever\r\n\r\n`, 55_000],
  ];
  for (const [head, wantMs] of rows) {
    test(JSON.stringify(head.slice(15)), () => assert.equal(headOf(head).keepMs, wantMs));
  }
});
