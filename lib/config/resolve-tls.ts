/** The `tls` section: whom to trust on the way to the providers. */
import { X509Certificate } from 'node:crypto';
import type { RawConfig } from './schema.ts';
import type { Reading } from './validate.ts';

/** The certificates of `tls.ca_file` as PEM, one after the other, and those of
 *  $NODE_EXTRA_CA_CERTS, which Node leaves out where a list is given; empty: no file is named. */
export function resolveUpstreamCa(raw: RawConfig, x: Reading): string {
  checkVerification(raw, x);
  const { ca_file: name } = raw.tls;
  if (name === undefined) return '';
  const at = x.places.of(raw.tls, 'ca_file');
  if (raw.server.transport === 'fetch') {
    x.faults.error(at, 'server.transport: fetch takes no certificates: use auto, or leave it out');
    return '';
  }
  const found = x.readFile(name);
  if ('fault' in found) {
    x.faults.error(at, `${found.fault} (${found.path})`);
    return '';
  }
  const certificates = found.text.match(CERTIFICATE) ?? [];
  if (/-----BEGIN [A-Z ]*PRIVATE KEY-----/.test(found.text)) {
    x.faults.error(at, `holds a private key, which is not for here (${found.path})`);
  } else if (certificates.length === 0) {
    x.faults.error(at, `holds no certificate in PEM (${found.path})`);
  }
  const bad = certificates.findIndex((pem) => !isCertificate(pem));
  if (bad >= 0) x.faults.error(at, `certificate ${bad + 1} cannot be read (${found.path})`);
  return [...certificates, ...extraCertificates(x)].join('\n');
}

/** One that cannot be read is for Node to complain about. */
function extraCertificates({ env, readFile }: Reading): readonly string[] {
  const { NODE_EXTRA_CA_CERTS: name = '' } = env;
  const found = name === '' ? undefined : readFile(name);
  return (found !== undefined && 'text' in found && found.text.match(CERTIFICATE)) || [];
}

/** `fetch` obeys a variable that switches the checks off; the other transports do not look at it. */
function checkVerification({ server }: RawConfig, x: Reading): void {
  if (server.transport !== 'fetch' || x.env.NODE_TLS_REJECT_UNAUTHORIZED !== '0') return;
  x.faults.error(
    x.places.of(server, 'transport'),
    'fetch would not check certificates: NODE_TLS_REJECT_UNAUTHORIZED is 0; unset it, or use auto',
  );
}

const CERTIFICATE = /-----BEGIN CERTIFICATE-----[^-]*-----END CERTIFICATE-----/g;

function isCertificate(pem: string): boolean {
  try {
    new X509Certificate(pem);
    return true;
  } catch {
    return false;
  }
}
