/** Cuts one SharedArrayBuffer into the arrays of the quota table. Every thread that cuts the same
 *  buffer in the same order sees the same arrays. */

export class TableLayout {
  readonly shared: SharedArrayBuffer;
  /** Every array so far, in order. */
  readonly cuts: Int32Array[] = [];
  #nextWord = 0;

  constructor(shared: SharedArrayBuffer) {
    this.shared = shared;
  }

  /** The next `count` words, all zero in a fresh buffer. Throws RangeError where the buffer
   *  ends. */
  words(count: number): Int32Array {
    const array = new Int32Array(this.shared, this.#nextWord * 4, count);
    this.#nextWord += count;
    this.cuts.push(array);
    return array;
  }
}
