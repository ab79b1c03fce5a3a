/**
 * When does the next frame go out? Streams at a set speed, by one ticker for all of them.
 *
 * Must stay true: no timer belongs to a stream; a stream whose client is slow is not written to
 * until its socket drains; after the end, or when the client is gone, a stream is forgotten.
 */
import type { ServerResponse } from 'node:http';
import { SIMULATOR_TICK_MS, SIMULATOR_WRITE_CHARS } from './limits.ts';

/** What a stream is made of. `next` gives undefined at its end, and then says how it ends. */
export interface FrameSource {
  /** Tokens in the frames given so far. */
  readonly sentTokens: number;
  next(): string | undefined;
  /** `end`: a clean end of the body; `cut`: the connection dies; `hang`: silence for ever. */
  ending(): 'end' | 'cut' | 'hang';
}

interface Stream {
  readonly response: ServerResponse;
  readonly source: FrameSource;
  readonly startMs: number;
  readonly onOver: (complete: boolean) => void;
  blocked: boolean;
  over: boolean;
}

export class Pacer {
  readonly #tokensPerMs: number;
  readonly #running = new Set<Stream>();
  #ticker: NodeJS.Timeout | undefined;

  /** 0 tokens per second: as fast as the client takes them. */
  constructor(tokensPerSecond: number) {
    this.#tokensPerMs = tokensPerSecond / 1_000;
  }

  get streams(): number {
    return this.#running.size;
  }

  /** Sends `source` to a response whose headers are written. `onOver` is called once: with true
   *  just before the last bytes go out, with false when the connection ended before. */
  send(
    response: ServerResponse,
    source: FrameSource,
    delayMs: number,
    onOver: (complete: boolean) => void,
  ): void {
    if (response.destroyed) {
      onOver(false);
      return;
    }
    const startMs = performance.now() + delayMs;
    const stream: Stream = { response, source, startMs, onOver, blocked: false, over: false };
    this.#running.add(stream);
    response.on('drain', () => {
      stream.blocked = false;
      if (this.#tokensPerMs === 0) this.#advance(stream, performance.now());
    });
    response.once('close', () => {
      this.#running.delete(stream);
      if (!stream.over || source.ending() === 'hang') onOver(false);
    });
    if (delayMs === 0) this.#advance(stream, startMs);
    const waiting = delayMs > 0 || this.#tokensPerMs > 0;
    if (!stream.over && waiting)
      this.#ticker ??= setInterval(() => this.#tick(), SIMULATOR_TICK_MS);
  }

  /** Stops the ticker; running streams get nothing more. */
  close(): void {
    clearInterval(this.#ticker);
    this.#ticker = undefined;
    this.#running.clear();
  }

  #tick(): void {
    const nowMs = performance.now();
    let waiting = false;
    for (const stream of this.#running) {
      if (!stream.blocked && nowMs >= stream.startMs) this.#advance(stream, nowMs);
      waiting ||= this.#tokensPerMs > 0 || nowMs < stream.startMs;
    }
    if (waiting) return;
    clearInterval(this.#ticker);
    this.#ticker = undefined;
  }

  /** Writes what is due, in pieces, until the socket is full. */
  #advance(stream: Stream, nowMs: number): void {
    const { response, source } = stream;
    const paced = this.#tokensPerMs > 0;
    const due = paced ? 1 + (nowMs - stream.startMs) * this.#tokensPerMs : Number.POSITIVE_INFINITY;
    while (!stream.over && !stream.blocked && !response.destroyed && source.sentTokens < due) {
      let batch = '';
      while (batch.length < SIMULATOR_WRITE_CHARS && source.sentTokens < due) {
        const frame = source.next();
        if (frame === undefined) {
          this.#end(stream, batch);
          return;
        }
        batch += frame;
      }
      stream.blocked = !response.write(batch);
    }
  }

  #end(stream: Stream, last: string): void {
    const { response, source } = stream;
    stream.over = true;
    const ending = source.ending();
    this.#running.delete(stream);
    if (ending !== 'hang') stream.onOver(true);
    if (ending === 'end') {
      response.end(last);
      return;
    }
    if (last !== '') response.write(last);
    // Everything written so far goes out first, then the connection ends inside the body.
    if (ending === 'cut') response.socket?.destroySoon();
  }
}
