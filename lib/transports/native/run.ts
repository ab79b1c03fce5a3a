/**
 * The content of one read, pushed together: what stood in chunks becomes one piece for the reader.
 *
 * Must stay true: bytes move only towards the front, over framing that has been read already.
 */
export class Run {
  start = 0;
  end = 0;

  get length(): number {
    return this.end - this.start;
  }

  clear(): void {
    this.start = 0;
    this.end = 0;
  }

  /** Adds `bytes[from, to)`, which stands behind everything added before. */
  add(bytes: Buffer, from: number, to: number): void {
    if (this.start === this.end) {
      this.start = from;
      this.end = to;
      return;
    }
    bytes.copyWithin(this.end, from, to);
    this.end += to - from;
  }
}
