/** Whom does Node trust by itself? Needed where certificates are to be trusted in addition, since
 *  a list that is given to node:tls takes the place of its own. */
import * as tls from 'node:tls';

/** What newer versions of Node have: the list in force, with NODE_EXTRA_CA_CERTS and the system's
 *  certificates where they were asked for. */
type WithDefaults = { readonly getCACertificates?: (type: 'default') => readonly string[] };

/** Node's own certificates and `more` (PEM), as one text for a transport's `ca`. */
export function withOwnRoots(more: string): string {
  const own = (tls as WithDefaults).getCACertificates?.('default') ?? tls.rootCertificates;
  return [...own, more].join('\n');
}
