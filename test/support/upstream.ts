/**
 * One call through a transport, told as a line: `200 body`, `200 bo !cut`, `!connect`. A call that
 * never settles shows as a test that times out.
 */
import { fetchTransport } from '../../lib/transports/fetch.ts';
import { httpTransport } from '../../lib/transports/http.ts';
import { makeTransport } from '../../lib/transports/index.ts';
import { nativeTransport } from '../../lib/transports/native.ts';
import type { BodySink, Origin, Transport, UpstreamRequest } from '../../lib/transports/types.ts';
import { TransportError } from '../../lib/transports/types.ts';

/** Long enough never to be met by a test that is not about it. */
const FAR_MS = 20_000;

/** Everything that must behave like an upstream client. */
export const TRANSPORTS: readonly { name: Transport['name']; make: () => Transport }[] = [
  { name: 'native', make: () => nativeTransport() },
  { name: 'http', make: () => httpTransport() },
  { name: 'fetch', make: () => fetchTransport() },
];

/** Those that open and keep their connections themselves. */
export const OWN_CONNECTIONS: readonly { name: string; make: (ca?: string) => Transport }[] = [
  { name: 'native', make: (ca) => makeTransport('native', ca === undefined ? {} : { ca }) },
  { name: 'http', make: (ca) => makeTransport('http', ca === undefined ? {} : { ca }) },
];

/** An origin on 127.0.0.1. */
export function originOf(port: number, over: Partial<Origin> = {}): Origin {
  return {
    protocol: 'http:',
    hostname: '127.0.0.1',
    port,
    connectTimeoutMs: FAR_MS,
    firstByteTimeoutMs: FAR_MS,
    idleTimeoutMs: FAR_MS,
    ...over,
  };
}

/** A small POST to `origin`; `over` replaces what the test is about. */
export function requestTo(origin: Origin, over: Partial<UpstreamRequest> = {}): UpstreamRequest {
  return {
    origin,
    method: 'POST',
    path: '/v1/x',
    headers: { 'content-type': 'application/json' },
    body: '{}',
    ...over,
  };
}

/** A reader that keeps all that it is told. */
export class Recorder implements BodySink {
  readonly chunks: Buffer[] = [];
  readonly events: string[] = [];
  readonly settled: Promise<void>;
  bytes = 0;
  /** Called after each chunk is booked; a test may pause or abort in it. */
  afterData: () => void = () => {};
  #settle!: () => void;

  constructor() {
    this.settled = new Promise((resolve) => {
      this.#settle = resolve;
    });
  }

  get text(): string {
    return Buffer.concat(this.chunks).toString();
  }

  onData(chunk: Buffer): void {
    this.chunks.push(chunk);
    this.bytes += chunk.length;
    if (this.events.at(-1) !== 'data') this.events.push('data');
    this.afterData();
  }

  onEnd(): void {
    this.events.push('end');
    this.#settle();
  }

  onError(error: TransportError): void {
    this.events.push(`!${error.fault}`);
    this.#settle();
  }
}

/** Makes the call, reads the answer to its end, and tells what happened in one line. */
export async function outcome(transport: Transport, request: UpstreamRequest): Promise<string> {
  try {
    const answer = await transport.send(request).answer;
    const reader = new Recorder();
    answer.read(reader);
    await reader.settled;
    const last = reader.events.at(-1) ?? '';
    return [answer.status, reader.text, last === 'end' ? '' : last].join(' ').trim();
  } catch (error) {
    return `!${faultOf(error)}`;
  }
}

/** The fault of a rejected answer; anything else is thrown on. */
export function faultOf(error: unknown): string {
  if (error instanceof TransportError) return error.fault;
  throw error;
}

/** Waits until `done` says so, in turns of the event loop and never longer than about 10 s. */
export async function until(done: () => boolean): Promise<void> {
  for (let turn = 0; turn < 2_000; turn++) {
    if (done()) return;
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
  throw new Error('waited in vain');
}
