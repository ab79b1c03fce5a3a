/**
 * The platform's own client behind the same interface, for whoever prefers `fetch` underneath.
 *
 * What `fetch` hides cannot be had: (1) connecting is not told from waiting: `firstByteTimeoutMs`
 * counts from `send`, and `connectTimeoutMs` is left to the platform (10 s in Node); (2) a reused
 * connection is not told from a new one, so nothing is sent twice; (3) its pool is the platform's,
 * so `close()` has nothing to end, and another CA needs NODE_EXTRA_CA_CERTS; (4) the platform's own
 * limits of 300 s for headers and for silence stay below ours, so longer ones have no effect.
 * Must stay true: while the reader pauses, at most one chunk is held here.
 */

import { codingOf, hasNoBody, withoutCoding } from './decode.ts';
import { ownError, transportError } from './faults.ts';
import { fetchHeaders, hostOf } from './headers.ts';
import type {
  Answer,
  BodySink,
  Call,
  Origin,
  RequestBody,
  Transport,
  TransportError,
  UpstreamRequest,
} from './types.ts';
import { Watch } from './watch.ts';

/** A transport over the global `fetch`. */
export function fetchTransport(): Transport {
  return { name: 'fetch', send: (request) => new FetchCall(request), close: () => {} };
}

class FetchCall implements Call {
  readonly answer: Promise<Answer>;
  readonly #origin: Origin;
  readonly #controller = new AbortController();
  readonly #watch = new Watch((fault) => this.#stop(ownError(fault, this.#origin)));
  /** Why we ended the call ourselves; what `fetch` throws after that says nothing. */
  #stopped: TransportError | undefined;
  #body: FetchBody | undefined;

  constructor(asked: UpstreamRequest) {
    this.#origin = asked.origin;
    this.answer = this.#send(asked);
    // Whoever waits still gets the rejection; a call nobody waits for must not end the process.
    this.answer.catch(ignore);
  }

  abort(): void {
    this.#giveUp(ownError('aborted', this.#origin));
    this.#body?.mute();
  }

  #stop(error: TransportError): void {
    if (this.#giveUp(error)) this.#body?.fail(error);
  }

  /** Takes the exchange down. False: there was nothing left to give up. */
  #giveUp(error: TransportError): boolean {
    if (this.#stopped !== undefined || this.#body?.ended === true) return false;
    this.#stopped = error;
    this.#watch.stop();
    this.#controller.abort(error);
    return true;
  }

  async #send(asked: UpstreamRequest): Promise<Answer> {
    this.#watch.arm('first-byte-timeout', this.#origin.firstByteTimeoutMs);
    try {
      const response = await this.#fetch(asked);
      if (this.#stopped !== undefined) throw this.#stopped;
      this.#watch.disarm();
      this.#body = this.#answered(response);
      return this.#body;
    } catch (error) {
      this.#watch.stop();
      throw this.#stopped ?? this.#refused(error);
    }
  }

  #fetch(asked: UpstreamRequest): Promise<Response> {
    const { origin, method, path, body } = asked;
    return fetch(`${origin.protocol}//${hostOf(origin)}${path}`, {
      method,
      headers: fetchHeaders(asked),
      redirect: 'manual',
      signal: this.#controller.signal,
      ...(body === undefined ? {} : { body: bytesOf(body) }),
    });
  }

  #answered(response: Response): FetchBody {
    const headers = joinedHeaders(response.headers);
    const coding = hasNoBody(response.status, headers)
      ? 'plain'
      : codingOf(headers['content-encoding']);
    if (coding === 'unknown') {
      const error = ownError('protocol', this.#origin, 'unknown content-encoding');
      this.#stop(error);
      throw error;
    }
    const shown = coding === 'plain' ? headers : withoutCoding(headers);
    return new FetchBody(response, shown, this.#origin, this.#watch);
  }

  /** A TypeError without a cause is `fetch` itself refusing the request before anything was sent.
   *  Its text may hold a header's value, so it is not kept. */
  #refused(error: unknown): TransportError {
    const atOnce = error instanceof TypeError && error.cause === undefined;
    if (atOnce) return ownError('connect', this.#origin, 'not a valid request');
    return transportError(error, 'waiting', this.#origin);
  }
}

type Reader = ReadableStreamDefaultReader<Uint8Array>;
type Part = Awaited<ReturnType<Reader['read']>>;

class FetchBody implements Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  /** True from the moment after which no callback comes: onEnd, onError or an abort. */
  ended = false;
  readonly #origin: Origin;
  readonly #watch: Watch;
  readonly #reader: Reader | undefined;
  #sink: BodySink | undefined;
  #paused = false;
  /** Continues the loop in #flow after a pause. */
  #wake: (() => void) | undefined;
  /** A fault that came before there was a reader. */
  #early: TransportError | undefined;

  constructor(
    response: Response,
    headers: Readonly<Record<string, string>>,
    origin: Origin,
    watch: Watch,
  ) {
    this.status = response.status;
    this.headers = headers;
    this.#origin = origin;
    this.#watch = watch;
    this.#reader = response.body?.getReader();
  }

  read(sink: BodySink): void {
    if (this.ended) return;
    this.#sink = sink;
    if (this.#early !== undefined) queueMicrotask(() => this.#report());
    else void this.#flow(sink);
  }

  pause(): void {
    if (this.ended) return;
    this.#paused = true;
    this.#watch.disarm();
  }

  resume(): void {
    this.#paused = false;
    if (this.ended) return;
    if (this.#sink !== undefined) this.#watch.arm('idle-timeout', this.#origin.idleTimeoutMs);
    this.#wake?.();
    this.#wake = undefined;
  }

  /** Delivers the fault now, or to the reader to come. */
  fail(error: TransportError): void {
    if (this.ended || this.#early !== undefined) return;
    this.#early = error;
    this.#watch.stop();
    if (this.#sink !== undefined) this.#report();
  }

  /** After this no callback is called any more. */
  mute(): void {
    this.ended = true;
  }

  #report(): void {
    if (this.ended) return;
    this.ended = true;
    this.#sink?.onError(this.#early as TransportError);
  }

  /** Bounded by the body: every turn takes one chunk, and the end or a fault leaves the loop. */
  async #flow(sink: BodySink): Promise<void> {
    for (;;) {
      if (this.#paused) await this.#unpaused();
      if (this.ended) return;
      this.#watch.arm('idle-timeout', this.#origin.idleTimeoutMs);
      const part = await this.#next();
      if (this.#paused) await this.#unpaused();
      if (this.ended || part === undefined) return;
      if (part.done) break;
      sink.onData(asBuffer(part.value));
    }
    this.ended = true;
    this.#watch.stop();
    sink.onEnd();
  }

  /** One chunk; undefined when there is none because the call failed. */
  async #next(): Promise<Part | undefined> {
    try {
      return (await this.#reader?.read()) ?? { done: true, value: undefined };
    } catch (error) {
      this.fail(transportError(error, 'reading', this.#origin));
      return undefined;
    }
  }

  async #unpaused(): Promise<void> {
    while (this.#paused) {
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
  }
}

/** As bytes: for a string `fetch` makes up a content-type, and it knows no list of pieces. */
function bytesOf(body: RequestBody): Buffer {
  if (typeof body === 'string') return Buffer.from(body);
  return Buffer.isBuffer(body) ? body : Buffer.concat(body);
}

/** `fetch` joins repeated headers itself, but for `set-cookie`. */
function joinedHeaders(headers: Headers): Record<string, string> {
  const joined = Object.fromEntries(headers);
  const cookies = headers.getSetCookie();
  return cookies.length < 2 ? joined : { ...joined, 'set-cookie': cookies.join(', ') };
}

/** The same memory under another class. */
function asBuffer(chunk: Uint8Array): Buffer {
  return Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength);
}

function ignore(): void {}
