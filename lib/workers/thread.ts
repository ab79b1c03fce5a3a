/**
 * A thread that serves: the same server as that of a program with one thread, on the quota table
 * that all share, with a log and metrics that the main thread brings together.
 *
 * Must stay true: it follows the main thread in everything (configuration, places of the buckets,
 * drain); a fault that nobody caught is logged and ends one request at most.
 */
import { type MessagePort, parentPort, workerData } from 'node:worker_threads';
import { Calibrations } from '../calibrations.ts';
import { compileGateway, type Gateway } from '../gateway.ts';
import { QuotaTable } from '../quotas/quota-table.ts';
import { type RunningServer, startServer } from '../server.ts';
import { makeServices, type Output } from '../services.ts';
import { Sessions } from '../sessions.ts';
import type { Crowd } from '../waiting.ts';
import { Board } from './board.ts';
import type { Birth, FromThread, News, Setup, ToThread } from './messages.ts';
import { unpackConfig } from './sent-config.ts';
import { ToldVerdicts } from './told-verdicts.ts';

/** Lines go to the main thread together: each time it is woken, it and the thread that wakes it
 *  take the processor from each other. A warning does not wait, nor does a thread that ends. */
const LINES_MS = 10;

class Thread {
  readonly #port: MessagePort;
  readonly #output: Output;
  /** Logs with lines to send: that of the gateway, and those before it that still end requests. */
  readonly #unsent: (() => void)[] = [];
  readonly #crowd: Crowd;
  readonly #sent: Int32Array;
  readonly #quotas: QuotaTable;
  readonly #verdicts: ToldVerdicts;
  readonly #calibrations: Calibrations;
  readonly #sessions: Sessions;
  readonly #scrapes: ((text: string) => void)[] = [];
  readonly #server: Promise<RunningServer>;
  #gateway: Gateway;

  constructor(port: MessagePort, birth: Birth) {
    const { index, threads, table, board, setup, isTerminal, startedMs } = birth;
    const tell = (news: News) => this.#say({ kind: 'news', news });
    this.#port = port;
    this.#output = {
      isTerminal,
      write: (text) => this.#say({ kind: 'lines', text }),
      later: (flush) => {
        if (this.#unsent.push(flush) === 1) setTimeout(() => this.flushLog(), LINES_MS);
      },
    };
    const own = new Board(threads, table, board);
    const limits = setup.places.map((place) => place.limits);
    this.#quotas = new QuotaTable(limits, { shared: table }, own.holdingsOf(index));
    this.#sent = own.sent;
    this.#crowd = own.crowdOf(index, () => this.#quotas.endings);
    this.#verdicts = new ToldVerdicts(setup.verdicts, (bucket, verdict) =>
      tell({ kind: 'verdict', bucket, verdict }),
    );
    this.#calibrations = new Calibrations((model, factor) =>
      tell({ kind: 'calibration', model, factor }),
    );
    for (const [model, factor] of Object.entries(birth.calibrations)) {
      this.#calibrations.hear(model, factor);
    }
    this.#sessions = new Sessions((key, org, nowMs) => tell({ kind: 'warmth', key, org, nowMs }));
    this.#gateway = this.#compile(setup, startedMs);
    this.#server = startServer(this.#gateway, { reusePort: true });
    this.#server.then(() => this.#say({ kind: 'listening' }), this.#fail);
    port.on('message', (message: ToThread) => this.#hear(message));
  }

  /** A fault that nobody caught. */
  logFault(kind: string, fault: unknown): void {
    const error = fault instanceof Error ? (fault.stack ?? fault.message) : String(fault);
    this.#gateway.log.error(kind, { error });
  }

  /** Sends the lines that wait. */
  flushLog(): void {
    for (const flush of this.#unsent.splice(0)) flush();
  }

  readonly #fail = ({ code = '', message }: NodeJS.ErrnoException) => {
    this.#say({ kind: 'failed', code, message });
    this.#close();
  };

  #say(message: FromThread): void {
    this.#port.postMessage(message);
  }

  #compile({ config: sent, places }: Setup, startedMs: number, before?: Gateway): Gateway {
    const config = unpackConfig(sent);
    const made = makeServices(config, this.#output, before);
    const metrics = { ...made.metrics, renderAll: () => this.#scrape() };
    return compileGateway(config, { ...made, metrics, startedMs }, before, {
      role: 'guest',
      places,
      quotas: this.#quotas,
      verdicts: this.#verdicts,
      calibrations: this.#calibrations,
      sessions: this.#sessions,
      crowd: this.#crowd,
      sent: this.#sent,
    });
  }

  #hear(message: ToThread): void {
    switch (message.kind) {
      case 'swap':
        void this.#swap(message.setup);
        return;
      case 'news':
        this.#learn(message.news);
        return;
      case 'render':
        this.#say({ kind: 'rendered', id: message.id, text: this.#gateway.metrics.render() });
        return;
      case 'metrics':
        for (const answer of this.#scrapes.splice(0)) answer(message.text);
        return;
      case 'drain':
        void this.#drain(message.timeoutMs);
        return;
      case 'cut':
        void this.#server.then((server) => server.cut());
        return;
      default: {
        const never: never = message;
        throw new Error(`unknown message ${String(never)}`);
      }
    }
  }

  #learn(news: News): void {
    switch (news.kind) {
      case 'verdict':
        this.#verdicts.hear(news.bucket, news.verdict);
        return;
      case 'calibration':
        this.#calibrations.hear(news.model, news.factor);
        return;
      case 'warmth':
        this.#sessions.hear(news.key, news.org, news.nowMs);
        return;
      default: {
        const never: never = news;
        throw new Error(`unknown news ${String(never)}`);
      }
    }
  }

  async #swap(setup: Setup): Promise<void> {
    const server = await this.#server;
    const before = this.#gateway;
    const limits = setup.places.map((place) => place.limits);
    this.#quotas.grow(limits, [], before.nowMs());
    this.#verdicts.replace(setup.verdicts);
    this.#gateway = this.#compile(setup, before.startedMs, before);
    server.swap(this.#gateway);
    before.log.flush();
  }

  #scrape(): Promise<string> {
    return new Promise((resolve) => {
      this.#scrapes.push(resolve);
      if (this.#scrapes.length === 1) this.#say({ kind: 'scrape' });
    });
  }

  async #drain(timeoutMs: number): Promise<void> {
    const server = await this.#server;
    const clean = await server.drain(timeoutMs);
    this.flushLog();
    this.#say({ kind: 'drained', clean });
    this.#close();
  }

  #close(): void {
    this.#gateway.transport.close();
    this.#gateway.metrics.close();
    this.#port.close();
  }
}

if (parentPort !== null) {
  const thread = new Thread(parentPort, workerData as Birth);
  process.once('exit', () => thread.flushLog());
  for (const [event, kind] of [
    ['uncaughtException', 'uncaught exception'],
    ['unhandledRejection', 'unhandled rejection'],
  ] as const) {
    process.on(event, (fault: unknown) => thread.logFault(kind, fault));
  }
}
