/**
 * Does a call go through a forward proxy? HTTP_PROXY, HTTPS_PROXY, ALL_PROXY and NO_PROXY, as curl
 * and Node's own NODE_USE_ENV_PROXY read them.
 *
 * Lower-case names win over upper-case ones, a variable of the protocol over ALL_PROXY; an empty
 * one is none. There is no exception for this machine's own addresses: who wants one says it in
 * NO_PROXY. Must stay true: what cannot be read is an error, never a direct connection; no message
 * holds a value, since a proxy's address may carry a password.
 */
import { BlockList, isIP } from 'node:net';
import type { Origin } from './types.ts';

/** Where connections are asked for with CONNECT. */
export interface ForwardProxy {
  readonly protocol: 'http:' | 'https:';
  /** An IPv6 address without brackets. */
  readonly hostname: string;
  readonly port: number;
  /** Value of `proxy-authorization`; empty = none is sent. */
  readonly authorization: string;
}

/** The proxy for calls to this place, null where they go straight. */
export type ProxyOf = (
  origin: Pick<Origin, 'protocol' | 'hostname' | 'port'>,
) => ForwardProxy | null;

export type Environment = Readonly<Record<string, string | undefined>>;

/** Everything goes straight. */
export const NO_PROXIES: ProxyOf = () => null;

/** Reads the environment once. Throws a TypeError that names the variable. */
export function proxiesFrom(env: Environment): ProxyOf {
  const all = readProxy(env, 'ALL_PROXY');
  const plain = readProxy(env, 'HTTP_PROXY') ?? all;
  const secure = readProxy(env, 'HTTPS_PROXY') ?? all;
  if (plain === null && secure === null) return NO_PROXIES;
  const isDirect = readExceptions(setting(env, 'NO_PROXY').value);
  return (origin) => {
    const proxy = origin.protocol === 'https:' ? secure : plain;
    return proxy === null || isDirect(origin.hostname.toLowerCase(), origin.port) ? null : proxy;
  };
}

function setting(
  env: Environment,
  name: string,
): { readonly name: string; readonly value: string } {
  const lower = name.toLowerCase();
  const given = env[lower]?.trim() ?? '';
  return given === '' ? { name, value: env[name]?.trim() ?? '' } : { name: lower, value: given };
}

function readProxy(env: Environment, variable: string): ForwardProxy | null {
  const { name, value } = setting(env, variable);
  if (value === '') return null;
  const withScheme = /^[a-z][a-z0-9+.-]*:\/\//i.test(value) ? value : `http://${value}`;
  if (!URL.canParse(withScheme)) throw unreadable(name);
  const url = new URL(withScheme);
  const { protocol } = url;
  if (protocol !== 'http:' && protocol !== 'https:') {
    throw new TypeError(`${name}: only http:// and https:// proxies are known, not ${protocol}//`);
  }
  if (url.hostname === '') throw unreadable(name);
  return {
    protocol,
    hostname: url.hostname.replace(/^\[|\]$/g, ''),
    port: url.port === '' ? defaultPort(protocol) : Number(url.port),
    authorization: authorizationOf(url, name),
  };
}

function unreadable(name: string): TypeError {
  return new TypeError(`${name} is not the address of a proxy, such as http://proxy.example:3128`);
}

function defaultPort(protocol: ForwardProxy['protocol']): number {
  return protocol === 'https:' ? 443 : 80;
}

/** Basic credentials (RFC 7617), from the address. */
function authorizationOf({ username, password }: URL, name: string): string {
  if (username === '' && password === '') return '';
  try {
    const pair = `${decodeURIComponent(username)}:${decodeURIComponent(password)}`;
    return `Basic ${Buffer.from(pair).toString('base64')}`;
  } catch {
    throw new TypeError(`${name}: user or password is not percent-encoded as it should be`);
  }
}

type IsDirect = (hostname: string, port: number) => boolean;

/** `*`, names (with all below them), addresses, ranges like 10.0.0.0/8; each but a range may end in
 *  `:port`. Separated by commas or blanks. */
function readExceptions(list: string): IsDirect {
  const rules = list
    .toLowerCase()
    .split(/[\s,]+/)
    .filter((rule) => rule !== '')
    .map(readException);
  return (hostname, port) => rules.some((rule) => rule(hostname, port));
}

function readException(rule: string): IsDirect {
  if (rule === '*') return () => true;
  const range = /^(.+)\/(\d{1,3})$/.exec(rule);
  if (range !== null) return readRange(range[1] as string, Number(range[2]));
  const [, bracketed, plain = '', port] =
    /^(?:\[(.+)\]|(.+?))(?::(\d{1,5}))?$/.exec(isIP(rule) === 6 ? `[${rule}]` : rule) ?? [];
  const isPort = (given: number) => port === undefined || given === Number(port);
  const place = bracketed ?? plain;
  const family = isIP(place);
  if (family !== 0) {
    const same = readRange(place, family === 4 ? 32 : 128);
    return (hostname, given) => isPort(given) && same(hostname, given);
  }
  const name = place.replace(/^\*?\./, '');
  const below = `.${name}`;
  return (hostname, given) => isPort(given) && (hostname === name || hostname.endsWith(below));
}

/** A range that is none matches nothing. */
function readRange(address: string, bits: number): IsDirect {
  const family = isIP(address);
  if (family === 0 || bits > (family === 4 ? 32 : 128)) return () => false;
  const list = new BlockList();
  list.addSubnet(address, bits, family === 4 ? 'ipv4' : 'ipv6');
  return (hostname) => {
    const given = isIP(hostname);
    return given !== 0 && list.check(hostname, given === 4 ? 'ipv4' : 'ipv6');
  };
}
