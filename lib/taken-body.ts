/**
 * How does the body of a request get to us without a stream in between?
 *
 * Node's parser pushes each piece into the request, a stream that keeps it, resumes in another
 * tick, emits it, and at the end goes through three more ticks to end and destroy itself. Whoever
 * wants all of a body takes the pieces where they are pushed.
 *
 * Must stay true: a body is taken from its first byte or not at all; one that is let go of flows
 * on through the stream. That this node pushes is seen before it is relied on: until a body has
 * come this way, none is taken.
 */
import { IncomingMessage } from 'node:http';

/** Who takes a body. One of the last two is called, once. */
export interface BodyTaker {
  onData(piece: Buffer): void;
  onEnd(): void;
  /** The connection is gone, and the body not whole. */
  onGone(): void;
}

/** What has been pushed into requests so far that were read as streams. */
const seen = { piece: false, end: false };

/** A request whose body can be taken. A class for `createServer`. */
export class TakenBody extends IncomingMessage {
  #taker: BodyTaker | null = null;

  /** False: it is to be read as a stream, since it is one already, or since node is not known. */
  takeBody(taker: BodyTaker): boolean {
    const fresh = this.readableFlowing === null && this.readableLength === 0 && !this.complete;
    if (!fresh || this.destroyed || !seen.piece || !seen.end) return false;
    this.#taker = taker;
    this.read(0); // reads nothing; node throws bodies away that nobody has begun to read
    return true;
  }

  /** What follows comes through the stream. */
  letBodyGo(): void {
    this.#taker = null;
  }

  override push(piece: Buffer | null, encoding?: BufferEncoding): boolean {
    const taker = this.#taker;
    if (taker === null) {
      if (piece === null) seen.end = true;
      else seen.piece = true;
      return super.push(piece, encoding);
    }
    if (piece !== null) {
      taker.onData(piece);
      return true;
    }
    this.#taker = null;
    taker.onEnd();
    return true;
  }

  override _destroy(error: Error | null, callback: (error?: Error | null) => void): void {
    const taker = this.#taker;
    this.#taker = null;
    taker?.onGone();
    super._destroy(error, callback);
  }
}
