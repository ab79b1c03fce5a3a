/**
 * Several threads that serve one port as if they were one server.
 *
 * The main thread owns what there is once: the configuration, the quota table (and its state file),
 * the log's output, signals. It serves nothing itself: whatever a request does to a thread, this
 * one is there to replace it. Must stay true: what one thread learns all know; a thread that dies
 * leaves no place taken, hurts no connection of another, and is replaced; there is one reload, one
 * drain and one exposition for all.
 *
 * A reload needs no common moment: the table has room for the new buckets where it is, so every
 * thread goes over to them by itself, and what was reserved before is settled in the same cells.
 */
import { withoutMarks } from '../buckets.ts';
import type { Gateway } from '../gateway.ts';
import { DRAIN_GRACE_MS } from '../limits.ts';
import { claimAddress, type RunningServer } from '../server.ts';
import type { Output } from '../services.ts';
import { Board, wakeAll } from './board.ts';
import { Expositions } from './expositions.ts';
import type { Birth, FromThread, News, Setup } from './messages.ts';
import { Seat } from './seat.ts';
import { packConfig } from './sent-config.ts';

export interface RunningThreads extends RunningServer {
  /** Ends a thread (0 is the first) as a fatal fault would: it is replaced. For tests. */
  kill(thread: number): Promise<void>;
}

/**
 * Starts `config.server.workers` threads for a gateway that owns its table (`Sharing`). Resolves
 * when all of them listen; rejects as `startServer` does. `output` takes their log lines.
 */
export async function startThreads(gateway: Gateway, output: Output): Promise<RunningThreads> {
  const { address, port } = await claimAddress(gateway.config.server);
  const supervisor = new Supervisor(gateway, output, address, port);
  await supervisor.start();
  return supervisor;
}

class Supervisor implements RunningThreads {
  readonly address: string;
  readonly port: number;
  readonly #output: Output;
  readonly #board: Board;
  readonly #seats: readonly Seat[];
  readonly #expositions: Expositions;
  readonly #restarts = new Map<Seat, NodeJS.Timeout>();
  #gateway: Gateway;
  #stopping = false;
  #emptied: (() => void) | null = null;

  constructor(gateway: Gateway, output: Output, address: string, port: number) {
    const { workers } = gateway.config.server;
    this.address = address;
    this.port = port;
    this.#gateway = gateway;
    this.#output = output;
    this.#board = new Board(workers, gateway.quotas.shared);
    const events = {
      onMessage: (seat: Seat, message: FromThread) => this.#hear(seat, message),
      onGone: (seat: Seat, fault: Error) => this.#bury(seat, fault),
    };
    this.#seats = Array.from({ length: workers }, (_, index) => new Seat(index, events));
    this.#expositions = new Expositions(this.#seats);
  }

  async start(): Promise<void> {
    const { nowMs } = this.#gateway;
    try {
      await Promise.all(this.#seats.map((seat) => seat.take(this.#birthOf(seat), nowMs())));
    } catch (thrown) {
      this.#stopping = true;
      await Promise.all(this.#seats.map((seat) => seat.clear()));
      throw thrown;
    }
  }

  async kill(thread: number): Promise<void> {
    await this.#seats[thread]?.clear();
  }

  swap(gateway: Gateway): void {
    this.#gateway = gateway;
    const setup = this.#setup();
    for (const seat of this.#seats) seat.say({ kind: 'swap', setup });
  }

  async drain(timeoutMs: number): Promise<boolean> {
    this.#stopping = true;
    for (const timer of this.#restarts.values()) clearTimeout(timer);
    const there = this.#seats.filter((seat) => seat.isTaken);
    for (const seat of there) seat.say({ kind: 'drain', timeoutMs });
    await this.#whenEmpty(timeoutMs + DRAIN_GRACE_MS);
    await Promise.all(there.map((seat) => seat.clear()));
    return there.every((seat) => seat.drained === true);
  }

  cut(): void {
    for (const seat of this.#seats) seat.say({ kind: 'cut' });
  }

  /** Resolves when no thread is left, or the time is over. */
  #whenEmpty(timeoutMs: number): Promise<void> {
    if (!this.#seats.some((seat) => seat.isTaken)) return Promise.resolve();
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, timeoutMs);
      this.#emptied = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }

  #setup(): Setup {
    const { config, places, verdicts } = this.#gateway;
    const server = { ...config.server, port: this.port };
    return {
      config: packConfig({ ...config, server }),
      places: withoutMarks(places),
      verdicts: [...verdicts],
    };
  }

  #birthOf({ index }: Seat): Birth {
    const { quotas, calibrations, startedMs } = this.#gateway;
    return {
      index,
      threads: this.#seats.length,
      table: quotas.shared,
      board: this.#board.shared,
      setup: this.#setup(),
      calibrations: calibrations.factors(),
      startedMs,
      isTerminal: this.#output.isTerminal,
    };
  }

  #hear(seat: Seat, message: FromThread): void {
    switch (message.kind) {
      case 'listening':
      case 'failed':
        return; // the seat's own business
      case 'lines':
        this.#output.write(message.text);
        return;
      case 'news':
        this.#tellOthers(seat, message.news);
        return;
      case 'scrape':
        void this.#expositions.gather().then((text) => seat.say({ kind: 'metrics', text }));
        return;
      case 'rendered':
        this.#expositions.take(seat, message.id, message.text);
        return;
      case 'drained':
        seat.drained = message.clean;
        void seat.clear();
        return;
      default: {
        const never: never = message;
        throw new Error(`unknown message ${String(never)}`);
      }
    }
  }

  /** The main thread keeps what the state file and a new thread need. */
  #tellOthers(from: Seat, news: News): void {
    const { verdicts, calibrations } = this.#gateway;
    if (news.kind === 'verdict') verdicts.set(news.bucket, news.verdict);
    if (news.kind === 'calibration') calibrations.hear(news.model, news.factor);
    for (const seat of this.#seats) if (seat !== from) seat.say({ kind: 'news', news });
  }

  /** What the thread held goes back, and another one takes its place. */
  #bury(seat: Seat, fault: Error): void {
    const { quotas, log, nowMs } = this.#gateway;
    this.#board.clearWaiting(seat.index);
    quotas.giveBack(this.#board.holdingsOf(seat.index));
    wakeAll(quotas.endings);
    this.#expositions.forget(seat);
    if (this.#stopping) {
      if (!this.#seats.some(({ isTaken }) => isTaken)) this.#emptied?.();
      if (seat.drained === null) log.error('worker died while draining', { error: fault.message });
      return;
    }
    const afterMs = seat.restartMs(nowMs());
    const fields = { worker: seat.index + 1, error: fault.message, restart_ms: afterMs };
    log.error('worker died', fields);
    this.#restarts.set(
      seat,
      setTimeout(() => this.#replace(seat), afterMs),
    );
  }

  #replace(seat: Seat): void {
    const { log, nowMs } = this.#gateway;
    seat.take(this.#birthOf(seat), nowMs()).then(
      () => log.info('worker replaced', { worker: seat.index + 1 }),
      () => {}, // it was buried, and the next try is set
    );
  }
}
