/**
 * The client's side of one exchange: what has been told so far, and what may still be told.
 *
 *    WAITING --json()----------------------------------> DONE
 *       |  \--open()--> OPEN --write()*--end() / fail()--> DONE
 *       \--hold()--> HELD --open()--> OPEN
 *
 * HELD: a streaming client has waited for long, so it got 200 and pings, but no event of an answer
 * yet; another key or provider may still be tried. Must stay true: after the first frame of an
 * answer the status never changes; an error after it is the last event; frames are written whole.
 */
import type { ServerResponse } from 'node:http';
import { ChunkWriter } from './chunk-writer.ts';
import {
  type Dialect,
  errorBody,
  errorFrame,
  errorHeaders,
  GatewayError,
  statusOf,
} from './errors.ts';
import { CLIENT_HIGH_WATER_BYTES, HOLD_AFTER_MS, PING_INTERVAL_MS } from './limits.ts';
import { WholeAnswer } from './whole-answer.ts';

type State = 'waiting' | 'held' | 'open' | 'done';

const PING_FRAMES: Readonly<Record<Dialect, string>> = {
  anthropic: 'event: ping\ndata: {"type":"ping"}\n\n',
  openai: ': ping\n\n',
};

const STREAM_HEADERS = {
  'content-type': 'text/event-stream; charset=utf-8',
  'cache-control': 'no-cache',
  'x-accel-buffering': 'no',
} as const;

/** A configured name as a header value: what HTTP does not allow there becomes `?`. */
export function headerText(text: string): string {
  return /^[\x20-\x7e]*$/.test(text) ? text : text.replace(/[^\x20-\x7e]/g, '?');
}

/** Who serves a request, as the client is told in headers. */
export interface Served {
  readonly provider: string;
  readonly model: string;
  readonly key: string;
  readonly attempts: number;
  readonly waitedMs: number;
}

export class Reply {
  readonly #response: ServerResponse;
  /** The head of a stream has been made, and is not out: something follows at once. */
  #headWaits = false;
  /** Null: no stream yet. */
  #chunks: ChunkWriter | null = null;
  readonly #dialect: Dialect;
  readonly #requestId: string;
  #state: State = 'waiting';
  #status = 0;
  #bytes = 0;
  /** Pulses since something was last written (or since the request came). */
  #quietPulses = 0;
  #streaming = false;
  #served: Served | null = null;
  /** The output maximum of the attempt, where it is less than the client asked for; else 0. */
  #sizedTo = 0;

  constructor(response: ServerResponse, dialect: Dialect, requestId: string) {
    this.#response = response;
    this.#dialect = dialect;
    this.#requestId = requestId;
  }

  /** Status told to the client; 0 before it was told. */
  get status(): number {
    return this.#status;
  }

  /** Body bytes given to the client's socket. */
  get bytes(): number {
    return this.#bytes;
  }

  get done(): boolean {
    return this.#state === 'done';
  }

  /** Whether the answer's own frames have begun: no second attempt from then on. */
  get opened(): boolean {
    return this.#state === 'open';
  }

  /** The client asked for a stream: it may be held with pings while it waits. */
  expectStream(): void {
    this.#streaming = true;
  }

  /** The last call before the head counts. */
  announce(served: Served): void {
    this.#served = served;
  }

  /** Tells the output maximum that was sent; 0: it need not be told. */
  announceSize(tokens: number): void {
    this.#sizedTo = tokens;
  }

  /** One whole JSON answer. */
  json(status: number, body: string | Buffer, more?: Readonly<Record<string, string>>): void {
    if (this.#state !== 'waiting') return;
    const response = this.#response;
    const bytes = typeof body === 'string' ? Buffer.byteLength(body) : body.length;
    this.#state = 'done';
    this.#status = status;
    this.#bytes = bytes;
    if (status === 200 && more === undefined && response instanceof WholeAnswer) {
      const fields = `${this.#fields()}content-type: application/json\r\n`;
      if (response.endWhole(fields, body, bytes)) return;
    }
    const head = this.#head(more);
    head.push('content-type', 'application/json', 'content-length', String(bytes));
    response.writeHead(status, head);
    response.end(typeof body === 'string' ? Buffer.from(body) : body);
  }

  /** Tells 200 and the stream headers, unless a hold has told them already. Without `wholeFrames`
   *  (bytes relayed as they come) no ping may be put between two writes. */
  open(wholeFrames = true): void {
    if (this.#state === 'waiting') this.#writeHead();
    if (this.#state !== 'done') this.#state = 'open';
    this.#streaming &&= wholeFrames;
  }

  /** Writes complete frames. False: the client is slow, wait for `onDrain`. `last`: the end follows
   *  at once, and goes along. */
  write(frames: string | Buffer, last = false): boolean {
    if (this.#state !== 'open' || this.#response.destroyed) return true;
    this.#quietPulses = 0;
    if (last) this.#response.socket?.cork();
    this.#bytes += this.#put(frames);
    return this.#writer().waitingBytes < CLIENT_HIGH_WATER_BYTES;
  }

  onDrain(resume: () => void): void {
    this.#writer().onDrain(resume);
  }

  end(): void {
    if (this.#state === 'done') return;
    this.#endWith('');
  }

  /** Tells the error in whatever way is still open, and ends the answer. */
  fail(error: GatewayError): void {
    if (this.#state === 'done') return;
    if (this.#state === 'waiting') {
      const body = errorBody(error, this.#dialect, this.#requestId);
      this.json(statusOf(error.code, this.#dialect), body, errorHeaders(error));
      return;
    }
    const told = this.#state === 'held' ? afterHold(error) : error;
    const frame = errorFrame(told, this.#dialect, this.#requestId);
    this.#bytes += Buffer.byteLength(frame);
    this.#endWith(frame);
  }

  /** Called once per second by the server's ticker: holds, then pings while nothing is written. */
  pulse(pulseMs: number): void {
    if (!this.#streaming || this.#state === 'done' || this.#response.destroyed) return;
    this.#quietPulses += 1;
    const quietMs = this.#quietPulses * pulseMs;
    if (this.#state === 'waiting') {
      if (quietMs <= HOLD_AFTER_MS) return; // the first pulse may have come at once
      this.#writeHead();
      this.#state = 'held';
    } else if (quietMs < PING_INTERVAL_MS) return;
    this.#quietPulses = 0;
    this.#put(PING_FRAMES[this.#dialect]);
  }

  #endWith(frame: string): void {
    const { socket } = this.#response;
    this.#state = 'done';
    this.#response.end(frame);
    socket?.uncork();
  }

  #writeHead(): void {
    this.#status = 200;
    this.#response.writeHead(200, this.#head(STREAM_HEADERS));
    this.#headWaits = true;
  }

  /** The head goes with what comes first. */
  #put(frames: string | Buffer): number {
    const chunks = this.#writer();
    if (!this.#headWaits) return chunks.write(frames);
    this.#headWaits = false;
    return chunks.writeFirst(frames);
  }

  #writer(): ChunkWriter {
    this.#chunks ??= new ChunkWriter(this.#response);
    return this.#chunks;
  }

  /** What every answer tells, as header lines. Nothing in a value ends its line: they are ids and
   *  numbers of ours, and `headerText`. */
  #fields(): string {
    const id = this.#requestId;
    // The SDK of OpenAI reads `requestID` from a header of its own.
    const ids =
      this.#dialect === 'openai'
        ? `request-id: ${id}\r\nx-request-id: ${id}\r\n`
        : `request-id: ${id}\r\n`;
    const fields = this.#served === null ? ids : ids + servedFields(this.#served);
    return this.#sizedTo > 0 ? `${fields}x-cooldown-max-tokens: ${this.#sizedTo}\r\n` : fields;
  }

  /** The same, and `more`, as node:http writes it out without a look-up: names and values in
   *  turn. */
  #head(more?: Readonly<Record<string, string>>): string[] {
    const head: string[] = [];
    for (const line of this.#fields().split('\r\n')) {
      const at = line.indexOf(': ');
      if (at > 0) head.push(line.slice(0, at), line.slice(at + 2));
    }
    for (const name in more) head.push(name, more[name] as string);
    return head;
  }
}

function servedFields({ provider, model, key, attempts, waitedMs }: Served): string {
  return (
    `x-cooldown-provider: ${headerText(provider)}\r\n` +
    `x-cooldown-model: ${headerText(model)}\r\n` +
    `x-cooldown-key: ${headerText(key)}\r\n` +
    `x-cooldown-attempts: ${attempts}\r\n` +
    `x-cooldown-wait-ms: ${Math.round(waitedMs)}\r\n`
  );
}

/** After a hold the status is gone. Claude Code repeats a stream that begins with an overload, and
 *  repeats others without streaming (CLIENTS.md §3), which gives a caller's own fault its true
 *  status: so only what may pass by itself is called an overload. */
function afterHold(error: GatewayError): GatewayError {
  if (statusOf(error.code, 'anthropic') < 429) return error;
  return new GatewayError('PROVIDER_BUSY', error.message, error.details);
}
