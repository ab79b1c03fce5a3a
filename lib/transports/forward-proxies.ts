/**
 * Does a call go through a forward proxy? What the environment says, with the exceptions of
 * NO_PROXY. There is none for this machine's own addresses: who wants one says so, as for curl.
 */
import { BlockList, isIP } from 'node:net';
import type { Config, ForwardProxy } from '../config/types.ts';
import type { Origin } from './types.ts';

/** The proxy for calls to this place, null where they go straight. */
export type ProxyOf = (
  origin: Pick<Origin, 'protocol' | 'hostname' | 'port'>,
) => ForwardProxy | null;

/** Everything goes straight. */
export const NO_PROXIES: ProxyOf = () => null;

/** Compiles what the configuration says; NO_PROXIES itself where it names none. */
export function proxiesFrom({ http, https, except }: Config['forwardProxies']): ProxyOf {
  if (http === null && https === null) return NO_PROXIES;
  const isDirect = readExceptions(except);
  return ({ protocol, hostname, port }) => {
    const proxy = protocol === 'https:' ? https : http;
    return proxy === null || isDirect(hostname.toLowerCase(), port) ? null : proxy;
  };
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
