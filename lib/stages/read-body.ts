/** READ BODY. The client's socket -> x.asked: bounded bytes, decoded, read and checked once. */
import type { IncomingMessage } from 'node:http';
import { promisify } from 'node:util';
import { brotliDecompress, gunzip, inflate } from 'node:zlib';
import { bodyMemory } from '../body-memory.ts';
import { type ErrorDetails, GatewayError } from '../errors.ts';
import type { Exchange } from '../exchange.ts';
import { DISCARD_BYTES, DISCARD_MS, LARGE_BODY_BYTES } from '../limits.ts';
import { type BodyTaker, TakenBody } from '../taken-body.ts';

/** Throws INVALID_REQUEST, BODY_TOO_LARGE or CLIENT_GONE. */
export async function readBody(x: Exchange): Promise<void> {
  const maxBytes = x.gateway.config.server.maxBodyBytes;
  const bytes = await readRequestBody(x.request, maxBytes);
  x.body = bytes;
  x.bodyBytes = bytes.length;
  x.readAt = performance.now();
  if (bytes.length > LARGE_BODY_BYTES) await turnFor(x);
  x.asked = x.endpoint.read(bytes, x.rest);
  if (x.asked.stream) x.reply.expectStream();
  if (bytes.length > LARGE_BODY_BYTES) await turnFor(x); // it is translated in the next one
}

/** The last turn of the event loop that was given to a large body. */
let given: Promise<void> = Promise.resolve();

/** Everybody else is served in between, so that collecting, reading and translating a large body,
 *  and several large bodies, do not add up to one long pause. Throws CLIENT_GONE. */
async function turnFor(x: Exchange): Promise<void> {
  given = given.then(() => new Promise((resolve) => setImmediate(resolve)));
  await given;
  if (x.aborted) throw new GatewayError('CLIENT_GONE', 'The client hung up');
}

/** The whole body of a request, decoded, of at most `maxBytes` before and after decoding. */
export function readRequestBody(request: IncomingMessage, maxBytes: number): Promise<Buffer> {
  const body = collect(request, maxBytes);
  const coding = request.headers['content-encoding'];
  return coding === undefined ? body : body.then((bytes) => decode(bytes, coding, maxBytes));
}

/** Collects a body of at most `maxBytes`; the pieces are copied once, at the end. */
function collect(request: IncomingMessage, maxBytes: number): Promise<Buffer> {
  const announced = Number(request.headers['content-length'] ?? '0');
  if (announced > maxBytes) {
    const asked = request.headers.expect === undefined; // else it waits until it may send
    return asked ? discard(request, maxBytes) : Promise.reject(tooLarge(maxBytes, CLOSES));
  }
  return new Promise((resolve, reject) => {
    const body = new BodyCollector(request, maxBytes, resolve, reject);
    if (request instanceof TakenBody && request.takeBody(body)) return;
    request.on('data', (piece: Buffer) => body.onData(piece));
    request.once('end', () => body.onEnd());
    request.once('close', () => body.onGone());
  });
}

/** Settles once; what comes after that is not kept. */
class BodyCollector implements BodyTaker {
  readonly #request: IncomingMessage;
  readonly #maxBytes: number;
  readonly #resolve: (body: Buffer) => void;
  readonly #reject: (thrown: unknown) => void;
  #pieces: Buffer[] | null = null;
  #bytes = 0;
  #settled = false;

  constructor(
    request: IncomingMessage,
    maxBytes: number,
    resolve: (body: Buffer) => void,
    reject: (thrown: unknown) => void,
  ) {
    this.#request = request;
    this.#maxBytes = maxBytes;
    this.#resolve = resolve;
    this.#reject = reject;
  }

  onData(piece: Buffer): void {
    if (this.#settled) return;
    this.#bytes += piece.length;
    if (this.#bytes <= this.#maxBytes) {
      if (this.#pieces === null) this.#pieces = [piece];
      else this.#pieces.push(piece);
      return;
    }
    this.#settle();
    if (this.#request instanceof TakenBody) this.#request.letBodyGo();
    discard(this.#request, this.#maxBytes).catch(this.#reject);
  }

  onEnd(): void {
    if (this.#settled) return;
    const pieces = this.#pieces ?? [];
    this.#settle();
    this.#resolve(bodyMemory.join(pieces, this.#bytes));
  }

  onGone(): void {
    if (this.#settled) return;
    this.#settle();
    this.#reject(new GatewayError('CLIENT_GONE', 'The client hung up'));
  }

  #settle(): void {
    this.#settled = true;
    this.#pieces = null;
  }
}

/** Throws the rest of a body away, so that the client, which is still writing, comes to read the
 *  413. Bounded in bytes and time; past a bound the connection is closed after the answer. */
function discard(request: IncomingMessage, maxBytes: number): Promise<never> {
  return new Promise((_, reject) => {
    let left = DISCARD_BYTES;
    const finish = (whole: boolean) => {
      clearTimeout(timer);
      request.off('data', onData);
      request.pause();
      reject(tooLarge(maxBytes, whole ? {} : CLOSES));
    };
    const onData = (piece: Buffer) => {
      left -= piece.length;
      if (left < 0) finish(false);
    };
    const timer = setTimeout(() => finish(false), DISCARD_MS);
    request.on('data', onData);
    request.once('end', () => finish(true));
    request.once('close', () => finish(false));
  });
}

const CLOSES: ErrorDetails = { headers: { connection: 'close' } };

function tooLarge(maxBytes: number, details: ErrorDetails): GatewayError {
  const message = `The request body is larger than ${maxBytes} bytes (server.max_body_bytes)`;
  return new GatewayError('BODY_TOO_LARGE', message, details);
}

const DECODERS = {
  gzip: promisify(gunzip),
  'x-gzip': promisify(gunzip),
  deflate: promisify(inflate),
  br: promisify(brotliDecompress),
} as const;

/** One content coding; the bound holds for the decoded size, so a small bomb stays small. */
async function decode(bytes: Buffer, coding: string, maxBytes: number): Promise<Buffer> {
  const name = coding.trim().toLowerCase();
  if (name === 'identity' || name === '') return bytes;
  if (!Object.hasOwn(DECODERS, name)) {
    throw new GatewayError(
      'INVALID_REQUEST',
      `content-encoding: ${JSON.stringify(name.slice(0, 40))} is not known (gzip, deflate, br are)`,
    );
  }
  const decoder = DECODERS[name as keyof typeof DECODERS];
  try {
    return await decoder(bytes, { maxOutputLength: maxBytes });
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'ERR_BUFFER_TOO_LARGE') {
      throw new GatewayError(
        'BODY_TOO_LARGE',
        `The decoded request body is larger than ${maxBytes} bytes (server.max_body_bytes)`,
      );
    }
    throw new GatewayError('INVALID_REQUEST', `content-encoding: the body is not valid ${name}`);
  }
}
