/** Reads the whole body of an answer, up to a bound. */
import type { Answer, Call, TransportError } from './types.ts';

export interface Collected {
  readonly bytes: Buffer;
  /** False: the body went on past a bound, and the call was ended. */
  readonly whole: boolean;
}

/** Resolves to at most `maxBytes` of the body, or to what broke it. With `maxMs`, to what has come
 *  by then. Rejects only where there is no memory for it. */
export function collectBody(
  answer: Answer,
  call: Call,
  maxBytes: number,
  maxMs = 0,
): Promise<Collected | TransportError> {
  const { whole } = answer;
  if (whole !== undefined) {
    const bytes = whole.subarray(0, maxBytes);
    return Promise.resolve({ bytes, whole: bytes.length === whole.length });
  }
  return new Promise((resolve, reject) => {
    const pieces: Buffer[] = [];
    let size = 0;
    const timer = maxMs > 0 ? setTimeout(() => cut(), maxMs) : undefined;
    const finish = (whole: boolean) => {
      clearTimeout(timer);
      try {
        const [only] = pieces;
        const bytes = only?.length === size ? only : Buffer.concat(pieces, size);
        resolve({ bytes, whole });
      } catch (thrown) {
        reject(thrown);
      }
    };
    const cut = () => {
      call.abort();
      finish(false);
    };
    answer.read({
      onData(piece) {
        const kept = piece.subarray(0, maxBytes - size);
        pieces.push(kept);
        size += kept.length;
        if (kept.length === piece.length) return;
        cut();
      },
      onEnd: () => finish(true),
      onError(error) {
        clearTimeout(timer);
        resolve(error);
      },
    });
  });
}
