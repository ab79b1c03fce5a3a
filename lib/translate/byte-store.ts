/**
 * Where do bytes wait that came in pieces?
 *
 * One buffer that doubles, so that a line cut into single bytes costs time in proportion to its
 * length. Must stay true: the pieces given in are copied, so their memory may be used again.
 */

const FIRST_BYTES = 1024;
/** Larger buffers are given back when emptied. */
const KEPT_BYTES = 64 * 1024;
/** One for all: most streams never store a byte. */
const EMPTY: Buffer = Buffer.alloc(0);

export class ByteStore {
  #bytes = EMPTY;
  #length = 0;

  get length(): number {
    return this.#length;
  }

  /** Appends `chunk[start, end)`. */
  append(chunk: Buffer, start: number, end: number): void {
    const length = this.#length + end - start;
    if (length > this.#bytes.length) this.#grow(length);
    chunk.copy(this.#bytes, this.#length, start, end);
    this.#length = length;
  }

  /** The stored bytes. Valid until the next `append` or `clear`. */
  view(): Buffer {
    return this.#bytes.subarray(0, this.#length);
  }

  clear(): void {
    this.#length = 0;
    if (this.#bytes.length > KEPT_BYTES) this.#bytes = EMPTY;
  }

  #grow(wanted: number): void {
    const grown = Buffer.allocUnsafe(Math.max(FIRST_BYTES, 2 ** Math.ceil(Math.log2(wanted))));
    this.#bytes.copy(grown, 0, 0, this.#length);
    this.#bytes = grown;
  }
}
