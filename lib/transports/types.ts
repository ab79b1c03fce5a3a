/**
 * The upstream pipe, as the pipeline sees it. One interface, one conformance test, several makers.
 *
 * Must stay true: `answer` settles exactly once; after it, `read` is called at most once and ends
 * in exactly one of onEnd / onError; after `abort()` no callback is called any more (a pending
 * `answer` is rejected with TransportError `aborted`); the upstream socket is destroyed by abort,
 * and reused after a clean end.
 */

/** Why a call failed. `connect`: nothing was sent. `before-answer`: no byte of the answer came. */
export type TransportFault =
  | 'connect' // refused, DNS, TLS
  | 'connect-timeout'
  | 'before-answer' // the connection died before the answer's headers were complete
  | 'first-byte-timeout'
  | 'protocol' // the answer is not HTTP, or its framing contradicts itself
  | 'cut' // the connection died inside the body
  | 'idle-timeout' // the body was silent for too long
  | 'aborted'; // by us

export class TransportError extends Error {
  readonly fault: TransportFault;

  constructor(fault: TransportFault, message: string, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause });
    this.name = 'TransportError';
    this.fault = fault;
  }
}

/** Where calls go; made once per provider, so that a request only points at it. */
export interface Origin {
  readonly protocol: 'http:' | 'https:';
  readonly hostname: string;
  readonly port: number;
  readonly connectTimeoutMs: number;
  readonly firstByteTimeoutMs: number;
  readonly idleTimeoutMs: number;
}

/** UTF-8 when a string; pieces are sent in their order, as one body. */
export type RequestBody = Buffer | string | readonly Buffer[];

export interface UpstreamRequest {
  readonly origin: Origin;
  readonly method: 'GET' | 'POST';
  readonly path: string;
  /** Lower-case names. `content-length` and `host` are set by the transport. Frozen where many
   *  requests have the same ones: what is made of them is remembered then. */
  readonly headers: Readonly<Record<string, string>>;
  /** Undefined: no body. */
  readonly body: RequestBody | undefined;
}

/** Its methods do not throw: there is nobody to catch. What fails in one is its owner's to tell. */
export interface BodySink {
  /** The memory of `chunk` is the sink's from here on: it may keep it, or give it to a socket. */
  onData(chunk: Buffer): void;
  onEnd(): void;
  onError(error: TransportError): void;
}

export interface Answer {
  readonly status: number;
  /** Lower-case names; repeated ones are joined with ", ". */
  readonly headers: Readonly<Record<string, string>>;
  /** The body, where all of it has come already and nobody reads it; there is no need to. */
  readonly whole?: Buffer | undefined;
  /** Starts the flow of the body. Nothing of it is told before the caller has returned. */
  read(sink: BodySink): void;
  pause(): void;
  resume(): void;
}

export interface Call {
  readonly answer: Promise<Answer>;
  /** The whole body, a large one, is with the system: its memory is not read any more, unless the
   *  request is sent again. Undefined: cannot be told. */
  readonly sent?: boolean;
  /** Ends the call wherever it stands. Idempotent; does nothing after the end. */
  abort(): void;
}

export interface Transport {
  readonly name: 'native' | 'http' | 'fetch';
  send(request: UpstreamRequest): Call;
  /** Ends idle connections; calls in flight go on. */
  close(): void;
}
