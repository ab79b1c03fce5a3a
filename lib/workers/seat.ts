/** One place for a thread that serves, and the thread that has it now. */
import { Worker } from 'node:worker_threads';
import { FIRST_RESTART_MS, MAX_RESTART_MS, SOUND_AFTER_MS } from '../limits.ts';
import type { Birth, FromThread, ToThread } from './messages.ts';

/** The program runs from its sources in tests, else from what was built. */
const ENTRY = new URL(
  import.meta.url.endsWith('.ts') ? './thread.ts' : './thread.js',
  import.meta.url,
);

export interface SeatEvents {
  onMessage(seat: Seat, message: FromThread): void;
  /** Its thread is gone, for whatever reason; what it said has all arrived. */
  onGone(seat: Seat, fault: Error): void;
}

export class Seat {
  readonly index: number;
  /** Its metrics, as it said them last. */
  exposition = '';
  /** Set by a thread that has said its last word. */
  drained: boolean | null = null;
  readonly #events: SeatEvents;
  #worker: Worker | null = null;
  #bornMs = 0;
  /** Deaths of threads that had not been sound yet, in a row. */
  #deaths = 0;

  constructor(index: number, events: SeatEvents) {
    this.index = index;
    this.#events = events;
  }

  /** Whether a thread sits here, or is about to. */
  get isTaken(): boolean {
    return this.#worker !== null;
  }

  /** Starts a thread. Resolves when it listens; rejects when it is gone before that. */
  take(birth: Birth, nowMs: number): Promise<void> {
    const worker = new Worker(ENTRY, { workerData: birth, name: `cooldown-${this.index + 1}` });
    let fault: Error | undefined;
    this.#worker = worker;
    this.#bornMs = nowMs;
    return new Promise((resolve, reject) => {
      worker.on('error', (thrown) => {
        fault = thrown;
      });
      worker.on('message', (message: FromThread) => {
        if (message.kind === 'listening') resolve();
        else if (message.kind === 'failed') {
          fault = Object.assign(new Error(message.message), { code: message.code });
        }
        this.#events.onMessage(this, message);
      });
      worker.on('exit', (code) => {
        this.#worker = null;
        const why = fault ?? new Error(`it ended with code ${code}`);
        reject(why);
        this.#events.onGone(this, why);
      });
    });
  }

  say(message: ToThread): void {
    this.#worker?.postMessage(message);
  }

  /** Ends its thread at once; resolves when it is gone. */
  async clear(): Promise<void> {
    await this.#worker?.terminate();
  }

  /** How long the place of a thread that has just died stays empty. */
  restartMs(nowMs: number): number {
    if (nowMs - this.#bornMs >= SOUND_AFTER_MS) this.#deaths = 0;
    this.#deaths += 1;
    if (this.#deaths === 1) return 0;
    return Math.min(MAX_RESTART_MS, FIRST_RESTART_MS * 2 ** (this.#deaths - 2));
  }
}
