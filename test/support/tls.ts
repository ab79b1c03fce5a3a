/** A certificate that only tests trust: where it is, and as node:tls takes it. */
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const folder = new URL('../fixtures/tls/', import.meta.url);

/** Path of the CA's PEM, for NODE_EXTRA_CA_CERTS of a child process. */
export const TEST_CA_FILE = fileURLToPath(new URL('test-only-ca.pem', folder));

/** PEM of the CA that signed `TEST_TLS`. */
export const TEST_CA = readFileSync(TEST_CA_FILE, 'utf8');

/** Key and certificate of a server at localhost, 127.0.0.1 and ::1. */
export const TEST_TLS = {
  key: readFileSync(new URL('test-only-server.key', folder), 'utf8'),
  cert: readFileSync(new URL('test-only-server.pem', folder), 'utf8'),
} as const;
