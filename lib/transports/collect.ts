/** Reads the whole body of an answer, up to a bound. */
import type { Answer, Call, TransportError } from './types.ts';

export interface Collected {
  readonly bytes: Buffer;
  /** False: the body went on past the bound, and the call was ended. */
  readonly whole: boolean;
}

/** Resolves, never rejects: to at most `maxBytes` of the body, or to what broke it. */
export function collectBody(
  answer: Answer,
  call: Call,
  maxBytes: number,
): Promise<Collected | TransportError> {
  return new Promise((resolve) => {
    const pieces: Buffer[] = [];
    let size = 0;
    const finish = (whole: boolean) => resolve({ bytes: Buffer.concat(pieces, size), whole });
    answer.read({
      onData(piece) {
        const kept = piece.subarray(0, maxBytes - size);
        pieces.push(kept);
        size += kept.length;
        if (kept.length === piece.length) return;
        call.abort();
        finish(false);
      },
      onEnd: () => finish(true),
      onError: resolve,
    });
  });
}
