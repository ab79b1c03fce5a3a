/**
 * Which forward proxies does the environment name? HTTP_PROXY, HTTPS_PROXY, ALL_PROXY and NO_PROXY,
 * as curl and Node's own NODE_USE_ENV_PROXY read them: lower-case names win over upper-case ones, a
 * variable of the protocol over ALL_PROXY, an empty one is none.
 *
 * Must stay true: what cannot be read is a fault, never a direct connection; no message holds a
 * value, since a proxy's address may carry a password.
 */
import type { Place } from './faults.ts';
import type { Config, ForwardProxy, TransportName } from './types.ts';
import type { Reading } from './validate.ts';

/** The environment has no place in the file. */
const NOWHERE: Place = { line: 1, column: 1, path: '' };

/** Faults go to `x.faults`. */
export function resolveForwardProxies(
  transport: TransportName,
  x: Reading,
): Config['forwardProxies'] {
  const all = readProxy(x, 'ALL_PROXY');
  const http = readProxy(x, 'HTTP_PROXY') ?? all;
  const https = readProxy(x, 'HTTPS_PROXY') ?? all;
  const except = setting(x, 'NO_PROXY').value;
  if (transport === 'fetch' && (http ?? https) !== null && except !== '*') {
    x.faults.error(
      NOWHERE,
      'server.transport: fetch takes no forward proxy, and the environment names one: use auto,' +
        ' or set NO_PROXY to * for direct connections',
    );
  }
  return { http, https, except };
}

function setting({ env }: Reading, variable: string): { name: string; value: string } {
  const lower = variable.toLowerCase();
  const given = env[lower]?.trim() ?? '';
  if (given !== '') return { name: lower, value: given };
  return { name: variable, value: env[variable]?.trim() ?? '' };
}

function readProxy(x: Reading, variable: string): ForwardProxy | null {
  const { name, value } = setting(x, variable);
  if (value === '') return null;
  const withScheme = /^[a-z][a-z0-9+.-]*:\/\//i.test(value) ? value : `http://${value}`;
  const url = URL.canParse(withScheme) ? new URL(withScheme) : undefined;
  const fault = (what: string): null => {
    x.faults.error(NOWHERE, `the environment variable ${name} ${what}`);
    return null;
  };
  if (url === undefined || url.hostname === '') {
    return fault('is not the address of a proxy, such as http://proxy.example:3128');
  }
  const { protocol } = url;
  if (protocol !== 'http:' && protocol !== 'https:') {
    return fault(`names a ${protocol}// proxy: only http:// and https:// ones are known`);
  }
  const authorization = authorizationOf(url);
  if (authorization === undefined) return fault('has a user or password that cannot be decoded');
  return {
    protocol,
    hostname: url.hostname.replace(/^\[|\]$/g, ''),
    port: url.port === '' ? defaultPort(protocol) : Number(url.port),
    authorization,
  };
}

function defaultPort(protocol: ForwardProxy['protocol']): number {
  return protocol === 'https:' ? 443 : 80;
}

/** Basic credentials (RFC 7617) from the address; empty = none. */
function authorizationOf({ username, password }: URL): string | undefined {
  if (username === '' && password === '') return '';
  try {
    const pair = `${decodeURIComponent(username)}:${decodeURIComponent(password)}`;
    return `Basic ${Buffer.from(pair).toString('base64')}`;
  } catch {
    return undefined;
  }
}
