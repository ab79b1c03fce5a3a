/**
 * Many streams at once, each opened anew when it has ended: does every delta arrive, in order, and
 * how long is it on its way?
 */
import { Agent, type ClientRequest, request } from 'node:http';
import { createHistogram } from 'node:perf_hooks';

/** What is opened: the upstream itself, or the proxy. */
export interface StreamTarget {
  readonly url: string;
  readonly body: string;
  readonly streams: number;
  /** Deltas of a whole stream. */
  readonly events: number;
}

/** Since the last look. */
export interface Seen {
  readonly events: number;
  /** Streams that came to their end with all of their deltas. */
  readonly whole: number;
  /** Deltas missing, doubled or out of order; streams cut or refused. The first few, in words. */
  readonly faults: number;
  readonly shown: readonly string[];
  /** Of a delta on its way, in µs. */
  readonly p50Us: number;
  readonly p99Us: number;
}

const STAMP = /<(\d+) (\d+)>/g;
const MAX_KEPT_CHARS = 2_000;
const SHOWN_FAULTS = 5;
/** A stream that was refused is tried again after this. */
const RETRY_MS = 500;
const NS_PER_US = 1_000;

export class Streams {
  readonly #target: StreamTarget;
  readonly #agent = new Agent({ keepAlive: true, maxSockets: Number.POSITIVE_INFINITY });
  readonly #calls = new Set<ClientRequest>();
  #latency = createHistogram({ figures: 3 });
  #events = 0;
  #whole = 0;
  #faults: string[] = [];
  #closed = false;

  constructor(target: StreamTarget) {
    this.#target = target;
  }

  /** Opens them a few at a time; resolves when all were opened. */
  async open(): Promise<void> {
    for (let opened = 0; opened < this.#target.streams; opened++) {
      this.#start();
      if (opened % 10 === 9) await new Promise((resolve) => setTimeout(resolve, 10));
    }
  }

  look(): Seen {
    const seen = {
      events: this.#events,
      whole: this.#whole,
      faults: this.#faults.length,
      shown: this.#faults.slice(0, SHOWN_FAULTS),
      p50Us: this.#latency.percentile(50) / NS_PER_US,
      p99Us: this.#latency.percentile(99) / NS_PER_US,
    };
    this.#latency = createHistogram({ figures: 3 });
    this.#events = 0;
    this.#whole = 0;
    this.#faults = [];
    return seen;
  }

  close(): void {
    this.#closed = true;
    for (const call of this.#calls) call.destroy();
    this.#agent.destroy();
  }

  #start(): void {
    if (this.#closed) return;
    const { url, body } = this.#target;
    let next = 0;
    let kept = '';
    let status = 0;
    const call = request(url, {
      method: 'POST',
      agent: this.#agent,
      headers: { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) },
    });
    this.#calls.add(call);
    let broke = '';
    call.on('error', ({ code, message }: NodeJS.ErrnoException) => {
      broke = code ?? message;
    });
    call.once('response', (response) => {
      status = response.statusCode ?? 0;
      response.setEncoding('latin1').on('error', () => {});
      response.on('data', (piece: string) => {
        const now = process.hrtime.bigint();
        const text = kept + piece;
        let end = 0;
        for (const stamp of text.matchAll(STAMP)) {
          if (Number(stamp[1]) !== next) this.#fault(`delta ${stamp[1]} instead of ${next}`);
          next = Number(stamp[1]) + 1;
          this.#events += 1;
          this.#latency.record(now - BigInt(stamp[2] as string) || 1n);
          end = stamp.index + stamp[0].length;
        }
        kept = text.slice(Math.max(end, text.length - MAX_KEPT_CHARS));
      });
    });
    call.once('close', () => {
      this.#calls.delete(call);
      if (this.#closed) return;
      const ended = /data: \[DONE\]|event: message_stop/.test(kept);
      if (ended && next === this.#target.events) this.#whole += 1;
      else this.#fault(`status ${status}, ${next} deltas, ${ended ? 'ended' : `cut ${broke}`}`);
      setTimeout(() => this.#start(), ended ? 0 : RETRY_MS);
    });
    call.end(body);
  }

  #fault(what: string): void {
    this.#faults.push(what);
  }
}
