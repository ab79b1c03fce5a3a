/**
 * The upstream client on node:http and node:https: `native` without a parser of our own.
 *
 *   CONNECTING --connected--> SENDING --sent--> WAITING --headers--> ANSWERED --fault--> DONE
 *
 * A kept-alive connection starts at SENDING; after a clean end a call rests at ANSWERED.
 * Limits: `connectTimeoutMs` for CONNECTING (TLS included), `firstByteTimeoutMs` for SENDING and,
 * anew, for WAITING, `idleTimeoutMs` for each silence of the body while its reader is not pausing.
 * Must stay true: a POST is sent a second time only when a kept-alive connection died before a
 * single byte of an answer (RFC 9110 §9.2.2, RFC 9112 §9.3.1: a server may close it at any time),
 * and then on a new connection; a redirect is an answer like any other.
 */
import {
  type ClientRequest,
  type Agent as HttpAgent,
  type IncomingMessage,
  request as startHttp,
} from 'node:http';
import { request as startHttps } from 'node:https';
import type { Socket } from 'node:net';
import { type Caller, type Line, lineOf, makeAgents, type OriginAgents } from './agents.ts';
import { type Coding, codingOf, decoded, hasNoBody, withoutCoding } from './decode.ts';
import type { Ca } from './dial.ts';
import { ownError, transportError } from './faults.ts';
import { NO_PROXIES, type ProxyOf } from './forward-proxies.ts';
import { flatHeaders } from './headers.ts';
import { HttpBody } from './http-body.ts';
import { SOON } from './native/plain-body.ts';
import type {
  Answer,
  Call,
  Origin,
  RequestBody,
  Transport,
  TransportError,
  UpstreamRequest,
} from './types.ts';
import { type TimeoutFault, Watch } from './watch.ts';

export interface HttpTransportOptions {
  /** Certificates (PEM) to trust instead of Node's own list. */
  readonly ca?: Ca;
  /** Which calls go through a forward proxy; default: none. */
  readonly proxyOf?: ProxyOf;
}

/** A transport with its own pools of connections; nothing is opened before the first `send`. */
export function httpTransport(options: HttpTransportOptions = {}): Transport {
  const agents = makeAgents(options.ca, options.proxyOf ?? NO_PROXIES);
  return {
    name: 'http',
    send: (request) => new HttpCall(agents.of(request.origin), request),
    close: () => agents.endIdle(),
  };
}

/** Up to this size the bytes of a body go out as characters behind the head, in one string. What is
 *  ended as it is written gets an empty string of its own, and makes a vector of the write. */
const TEXT_BODY_BYTES = 2_048;

const CONNECTING = 0;
const SENDING = 1;
const WAITING = 2;
const ANSWERED = 3;
const DONE = 4;

type State = typeof CONNECTING | typeof SENDING | typeof WAITING | typeof ANSWERED | typeof DONE;

class HttpCall implements Call, Caller {
  readonly answer: Promise<Answer>;
  sent = false;
  readonly #agents: OriginAgents;
  readonly #origin: Origin;
  /** Until it cannot be sent again: an answer may go on for minutes. */
  #asked: UpstreamRequest | undefined;
  #resolve!: (answer: Answer) => void;
  #reject!: (error: TransportError) => void;
  #state: State = CONNECTING;
  /** The request in force; a late event of the one before a retry is told by not being it. */
  #request: ClientRequest | undefined;
  /** What the request in force is on. */
  #line: Line | undefined;
  #body: HttpBody | undefined;
  #endLate = false;
  /** Bytes that a reused connection had delivered before this call. */
  #bytesBefore = 0;

  constructor(agents: OriginAgents, asked: UpstreamRequest) {
    this.#agents = agents;
    this.#origin = asked.origin;
    this.#asked = asked;
    this.answer = new Promise<Answer>((resolve, reject) => {
      this.#resolve = resolve;
      this.#reject = reject;
    });
    this.#start(agents.pooled, asked);
  }

  abort(): void {
    this.#giveUp();
    if (this.#body !== undefined) this.#body.mute();
    else this.#fail(ownError('aborted', this.#origin));
  }

  onExpired(fault: TimeoutFault): void {
    this.#end(ownError(fault, this.#origin));
  }

  #start(agent: HttpAgent, asked: UpstreamRequest): void {
    let request: ClientRequest;
    try {
      request = openRequest(asked, agent);
    } catch (error) {
      // A header or path that HTTP cannot carry: nothing was sent, and nothing ever will be.
      this.#end(transportError(error, 'connecting', this.#origin));
      return;
    }
    this.#request = request;
    request.on('socket', (socket) => this.#onSocket(request, socket));
    request.on('finish', () => this.#onSent(request));
    request.on('response', (response) => this.#onAnswer(request, response));
    request.on('error', (error) => this.#onError(request, error));
    request.on('close', () => this.#onClose(request));
    if (!write(request, asked.body)) this.#endLate = true;
  }

  #onSocket(request: ClientRequest, socket: Socket): void {
    if (request !== this.#request || this.#state === DONE) return;
    const { protocol, connectTimeoutMs } = this.#origin;
    const line = lineOf(socket);
    line.begin(this);
    this.#line = line;
    if (this.#endLate) void SOON.then(() => request.end()); // behind the write that comes next
    if (request.reusedSocket) {
      this.#bytesBefore = socket.bytesRead;
      this.#onConnected(request);
      return;
    }
    line.watch.arm('connect-timeout', connectTimeoutMs);
    const event = protocol === 'https:' ? 'secureConnect' : 'connect';
    if (isOpen(socket)) this.#onConnected(request);
    else socket.once(event, () => this.#onConnected(request));
  }

  #onConnected(request: ClientRequest): void {
    if (request !== this.#request || this.#state !== CONNECTING) return;
    this.#state = SENDING;
    this.#line?.watch.arm('first-byte-timeout', this.#origin.firstByteTimeoutMs);
  }

  #onSent(request: ClientRequest): void {
    if (request !== this.#request || this.#state === DONE) return;
    this.sent = true;
    if (this.#state !== SENDING) return;
    this.#state = WAITING;
    this.#line?.watch.arm('first-byte-timeout', this.#origin.firstByteTimeoutMs);
  }

  /** What fails in our own code ends this call, not the process. */
  #onAnswer(request: ClientRequest, response: IncomingMessage): void {
    try {
      this.#onResponse(request, response);
    } catch (error) {
      this.#end(transportError(error, 'reading', this.#origin));
    }
  }

  #onResponse(request: ClientRequest, response: IncomingMessage): void {
    if (request !== this.#request || this.#state === DONE) return;
    const origin = this.#origin;
    const headers = joinedHeaders(response);
    const status = response.statusCode as number;
    const coding = hasNoBody(status, headers) ? 'plain' : codingOf(headers['content-encoding']);
    if (coding === 'unknown') {
      this.#end(ownError('protocol', origin, 'unknown content-encoding'));
      return;
    }
    this.#state = ANSWERED;
    this.#asked = undefined;
    const line = this.#line as Line;
    line.watch.disarm();
    line.heed(headers['keep-alive']);
    response.on('error', (error) => this.#end(transportError(error, 'reading', origin)));
    this.#body =
      coding === 'plain'
        ? new HttpBody(status, headers, response, line.watch, origin.idleTimeoutMs)
        : this.#decoded(response, status, withoutCoding(headers), coding);
    this.#resolve(this.#body);
  }

  /** Decoding goes on when the connection has been let go, so its limit has a watch of its own. */
  #decoded(
    response: IncomingMessage,
    status: number,
    headers: Readonly<Record<string, string>>,
    coding: Exclude<Coding, 'plain' | 'unknown'>,
  ): HttpBody {
    const watch = new Watch((fault) => this.onExpired(fault));
    const decoder = decoded(response, coding);
    decoder.on('error', (error) => this.#end(transportError(error, 'reading', this.#origin)));
    decoder.on('close', () => watch.stop());
    return new HttpBody(status, headers, decoder, watch, this.#origin.idleTimeoutMs);
  }

  #onError(request: ClientRequest, error: Error): void {
    if (request !== this.#request || this.#state === DONE) return;
    const origin = this.#origin;
    if (this.#state === ANSWERED) {
      // What else can break now shows on the response, which may be complete all the same.
      const found = transportError(error, 'reading', origin);
      if (found.fault === 'protocol') this.#end(found);
      return;
    }
    if (this.#asked !== undefined && this.#diedUnused(request)) {
      this.#state = CONNECTING;
      this.sent = false;
      this.#start(this.#agents.fresh, this.#asked);
      return;
    }
    const stage = this.#state === CONNECTING ? 'connecting' : 'waiting';
    this.#end(transportError(error, stage, origin));
  }

  /** A kept-alive connection that the server had closed, or closed just now, without a word. The
   *  repeat's connection is never a reused one, so there is no third try. */
  #diedUnused(request: ClientRequest): boolean {
    return request.reusedSocket && request.socket?.bytesRead === this.#bytesBefore;
  }

  /** The net under the rest: a 101 that nobody asked for closes without any other event. */
  #onClose(request: ClientRequest): void {
    if (request !== this.#request || this.#state >= ANSWERED) return;
    this.#end(ownError('protocol', this.#origin, 'closed without an answer'));
  }

  #end(error: TransportError): void {
    if (!this.#giveUp()) return;
    if (this.#body === undefined) this.#fail(error);
    else this.#body.fail(error);
  }

  #fail(error: TransportError): void {
    // Whoever waits still gets the rejection; a call nobody waits for must not end the process.
    this.answer.catch(ignore);
    this.#reject(error);
  }

  /** Takes the connection down. False: there was nothing left to give up. */
  #giveUp(): boolean {
    if (this.#state === DONE || this.#body?.complete === true) return false;
    this.#state = DONE;
    this.#line?.watch.disarm();
    this.#request?.destroy();
    return true;
  }
}

function openRequest(asked: UpstreamRequest, agent: HttpAgent): ClientRequest {
  const { origin, method, path } = asked;
  const start = origin.protocol === 'https:' ? startHttps : startHttp;
  return start({ agent, method, path, headers: flatHeaders(asked), joinDuplicateHeaders: true });
}

/** False: it is to be ended once it has been written. */
function write(request: ClientRequest, body: RequestBody | undefined): boolean {
  if (Buffer.isBuffer(body) && body.length <= TEXT_BODY_BYTES) {
    request.write(body.toString('latin1'), 'latin1');
    return false;
  }
  if (body === undefined || typeof body === 'string' || Buffer.isBuffer(body)) {
    request.end(body);
    return true;
  }
  // Pieces go out together, and with the headers.
  request.cork();
  for (const piece of body) request.write(piece);
  request.end();
  return true;
}

/** Of node:tls, not in its types: the handshake is not over. */
interface Handshaking {
  readonly secureConnecting?: boolean;
}

/** One that came through a tunnel is. */
function isOpen(socket: Socket): boolean {
  const { connecting, secureConnecting = false } = socket as Socket & Handshaking;
  return !connecting && !secureConnecting;
}

/** Node joins every repeated header when told to, but for `set-cookie`, which stays a list. */
function joinedHeaders({ headers }: IncomingMessage): Readonly<Record<string, string>> {
  const cookies = headers['set-cookie'];
  if (cookies === undefined) return headers as Record<string, string>;
  return { ...(headers as Record<string, string>), 'set-cookie': cookies.join(', ') };
}

function ignore(): void {}
