/**
 * A connection to a provider through a forward proxy: CONNECT, then TLS inside where the provider
 * wants it (RFC 9110 §9.3.6). `http:` providers are tunnelled, too, so that the proxy sees no key.
 *
 * Must stay true: the proxy learns host and port, nothing else; its answer is bounded; a byte that
 * comes behind it, before we have spoken, ends the connection; a refusal names the proxy and its
 * status, never the credentials.
 */
import { connect as connectTcp, isIP, type Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';
import type { ForwardProxy } from '../config/types.ts';
import { ADDRESS_ATTEMPT_MS, MAX_CONNECT_ANSWER_BYTES } from '../limits.ts';
import { hostOf } from './headers.ts';
import type { Origin } from './types.ts';

const HEAD_END = '\r\n\r\n';

/** Certificates (PEM) to trust; undefined = Node's own list. */
type Ca = string | Buffer | readonly (string | Buffer)[] | undefined;

/** What a refusal of the proxy is thrown as; `code` shows in the message of the failed call. */
class TunnelError extends Error {
  readonly code: string;
  readonly syscall = 'connect';

  constructor(code: string) {
    super(`The forward proxy did not open a tunnel: ${code}`);
    this.name = 'TunnelError';
    this.code = code;
  }
}

/**
 * Opens a connection to `proxy` and asks it for one to `origin`. The socket that is returned emits
 * nothing of that: `done` is called once, with an error or with a socket on which the next byte is
 * the first of the provider's own protocol (for `https:` TLS is not begun). It flows: whoever wants
 * its bytes listens in the same turn. Destroying the returned socket before `done` ends it, without
 * a call.
 */
export function openTunnel(
  proxy: ForwardProxy,
  origin: Origin,
  ca: Ca,
  done: (error: Error | null, socket: Socket) => void,
): Socket {
  const socket = connectTo(proxy, ca);
  let answer = '';
  const settle = (error: Error | null): void => {
    socket.removeListener('data', onData).removeListener('error', settle);
    socket.removeListener('end', onEnd);
    if (error !== null) socket.on('error', ignore).destroy();
    done(error, socket);
  };
  const onEnd = (): void => settle(new TunnelError('PROXY_CLOSED'));
  const onData = (chunk: Buffer): void => {
    answer += chunk.toString('latin1');
    const end = answer.indexOf(HEAD_END);
    if (end < 0 && answer.length <= MAX_CONNECT_ANSWER_BYTES) return;
    settle(faultOf(answer, end));
  };
  socket.on('data', onData).on('error', settle).on('end', onEnd);
  socket.once(proxy.protocol === 'https:' ? 'secureConnect' : 'connect', () => {
    socket.write(connectRequest(proxy, origin), 'latin1');
  });
  return socket;
}

function connectTo({ protocol, hostname, port }: ForwardProxy, ca: Ca): Socket {
  const place = {
    host: hostname,
    port,
    noDelay: true,
    autoSelectFamily: true,
    autoSelectFamilyAttemptTimeout: ADDRESS_ATTEMPT_MS,
  };
  if (protocol === 'http:') return connectTcp(place);
  return connectTls({
    ...place,
    ALPNProtocols: ['http/1.1'],
    rejectUnauthorized: true,
    ...(isIP(hostname) === 0 ? { servername: hostname } : {}),
    ...(ca === undefined ? {} : { ca: ca as string }),
  });
}

function connectRequest({ authorization }: ForwardProxy, { hostname, port }: Origin): string {
  // The port is always named: `hostOf` leaves out that of the protocol.
  const host = hostOf({ protocol: 'http:', hostname, port: 0 } as Origin).replace(/0$/, `${port}`);
  const credentials = authorization === '' ? '' : `proxy-authorization: ${authorization}\r\n`;
  return `CONNECT ${host} HTTP/1.1\r\nhost: ${host}\r\n${credentials}\r\n`;
}

/** `end`: where the head of the answer ends, -1 = it is too long. */
function faultOf(answer: string, end: number): Error | null {
  const status = /^HTTP\/1\.[01] ([1-9]\d\d)(?: |\r)/.exec(answer)?.[1];
  if (end < 0 || status === undefined) return new TunnelError('PROXY_NO_HTTP');
  if (!status.startsWith('2')) return new TunnelError(`PROXY_STATUS_${status}`);
  if (answer.length > end + HEAD_END.length) return new TunnelError('PROXY_STRAY_BYTES');
  return null;
}

function ignore(): void {}
