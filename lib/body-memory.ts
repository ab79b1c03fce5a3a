/**
 * Where do the bodies of large requests lie? In memory that is used again, request after request.
 *
 * A body is outside of V8's heap, and with every 64 MiB allocated there V8 marks the whole heap:
 * once in 300 requests of 100 KB, for more time than it takes to read them. Must stay true: memory
 * is given back only when nothing reads it any more, and once; what is kept is bounded; what comes
 * in is kept as it came until the body is whole, so that an announced length alone takes nothing.
 */
import { MAX_KEPT_BODY_BYTES, MAX_REUSED_BODY_BYTES, MIN_REUSED_BODY_BYTES } from './limits.ts';

export class BodyMemory {
  /** Free memory by its size, a power of two; taken from the end, where it is still cached. */
  readonly #free = new Map<number, Buffer[]>();
  /** Who holds memory of ours -> all of it. */
  readonly #lent = new WeakMap<ArrayBufferLike, Buffer>();
  #freeBytes = 0;

  /** The pieces as one, `size` bytes in all. */
  join(pieces: readonly Buffer[], size: number): Buffer {
    const [only] = pieces;
    if (pieces.length === 1 && only !== undefined) return only;
    if (size < MIN_REUSED_BODY_BYTES || size > MAX_REUSED_BODY_BYTES) {
      return Buffer.concat(pieces, size);
    }
    const body = this.#take(size);
    let at = 0;
    for (const piece of pieces) {
      body.set(piece, at);
      at += piece.length;
    }
    return body;
  }

  /** Takes the memory of a joined body back. Without effect on any other, and a second time. */
  giveBack(body: Buffer): void {
    const whole = this.#lent.get(body.buffer);
    if (whole === undefined) return;
    this.#lent.delete(body.buffer);
    if (this.#freeBytes + whole.length > MAX_KEPT_BODY_BYTES) return;
    this.#freeBytes += whole.length;
    const free = this.#free.get(whole.length);
    if (free === undefined) this.#free.set(whole.length, [whole]);
    else free.push(whole);
  }

  #take(size: number): Buffer {
    const bytes = 2 ** Math.ceil(Math.log2(size));
    const kept = this.#free.get(bytes)?.pop();
    if (kept !== undefined) this.#freeBytes -= bytes;
    const whole = kept ?? Buffer.allocUnsafeSlow(bytes);
    this.#lent.set(whole.buffer, whole);
    return whole.subarray(0, size);
  }
}

/** The one of this thread. */
export const bodyMemory = new BodyMemory();
