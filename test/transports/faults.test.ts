/** Does every error of the platform find its fault, wherever it is wrapped? */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Stage, transportError } from '../../lib/transports/faults.ts';
import type { TransportFault } from '../../lib/transports/types.ts';
import { originOf } from '../support/upstream.ts';

const coded = (code: string, more: object = {}) =>
  Object.assign(new Error('text'), { code, ...more });
const fetched = (cause: unknown) => new TypeError('fetch failed', { cause });
const refused = coded('ECONNREFUSED', { syscall: 'connect' });
const handshake = 'Client network socket disconnected before secure TLS connection was established';

const ROWS: readonly [name: string, thrown: unknown, stage: Stage, want: TransportFault][] = [
  ['refused', refused, 'connecting', 'connect'],
  ['refused, under fetch', fetched(refused), 'waiting', 'connect'],
  ['refused at two addresses', fetched(new AggregateError([refused])), 'waiting', 'connect'],
  ['no such name', fetched(coded('ENOTFOUND', { syscall: 'getaddrinfo' })), 'waiting', 'connect'],
  ['nobody answers', coded('ETIMEDOUT', { syscall: 'connect' }), 'connecting', 'connect-timeout'],
  ['undici gives up', fetched(coded('UND_ERR_CONNECT_TIMEOUT')), 'waiting', 'connect-timeout'],
  ['certificate', fetched(coded('SELF_SIGNED_CERT_IN_CHAIN')), 'waiting', 'connect'],
  ['handshake', coded('ECONNRESET', { message: handshake }), 'waiting', 'connect'],
  ['reset', coded('ECONNRESET', { syscall: 'read' }), 'waiting', 'before-answer'],
  ['timed out when connected', coded('ETIMEDOUT', { syscall: 'read' }), 'waiting', 'before-answer'],
  ['socket', fetched(coded('UND_ERR_SOCKET')), 'waiting', 'before-answer'],
  ['socket, in the body', fetched(coded('UND_ERR_SOCKET')), 'reading', 'cut'],
  ['headers', fetched(coded('UND_ERR_HEADERS_TIMEOUT')), 'waiting', 'first-byte-timeout'],
  ['body', fetched(coded('UND_ERR_BODY_TIMEOUT')), 'reading', 'idle-timeout'],
  ['parser', coded('HPE_INVALID_CONSTANT'), 'waiting', 'protocol'],
  ['parser, in the body', fetched(coded('HPE_INVALID_CHUNK_SIZE')), 'reading', 'protocol'],
  ['too many headers', fetched(coded('UND_ERR_HEADERS_OVERFLOW')), 'waiting', 'protocol'],
  ['not gzip', coded('Z_DATA_ERROR'), 'reading', 'protocol'],
  ['no error at all', 'text', 'waiting', 'before-answer'],
  ['nothing', undefined, 'reading', 'cut'],
];

for (const [name, thrown, stage, want] of ROWS) {
  test(`fault: ${name}`, () => {
    const error = transportError(thrown, stage, originOf(7));
    assert.equal(error.fault, want);
    assert.match(error.message, / 127\.0\.0\.1:7( \([A-Z_]+\))?$/);
  });
}
