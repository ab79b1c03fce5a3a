/** Many streams at once, kept open: how many events have come over them? */
import { Agent, type ClientRequest, request } from 'node:http';
import type { Target } from './messages.ts';

/** What every content delta of the simulator's fixed answers holds, in either dialect. */
const MARK = Buffer.from('"word"');

/** A stream without an event until then has failed. */
const FIRST_EVENT_TIMEOUT_MS = 30_000;
/** Connections that are opened at once: fewer than a listener keeps waiting. */
const HELD_AT_ONCE = 100;

export class OpenStreams {
  readonly #agent = new Agent({ keepAlive: false, maxSockets: Number.POSITIVE_INFINITY });
  readonly #calls = new Set<ClientRequest>();
  #events = 0;
  #faults = 0;

  get events(): number {
    return this.#events;
  }

  get faults(): number {
    return this.#faults;
  }

  /** Opens `streams` more; resolves when each has its first event or has failed. */
  async open(target: Target, streams: number): Promise<void> {
    await Promise.all(Array.from({ length: streams }, () => this.#open(target)));
  }

  /** Sends `amount` requests whose answers nobody waits for; resolves when all are sent. */
  async hold(target: Target, amount: number): Promise<void> {
    for (let sent = 0; sent < amount; sent += HELD_AT_ONCE) {
      const next = Math.min(HELD_AT_ONCE, amount - sent);
      await Promise.all(Array.from({ length: next }, () => this.#hold(target)));
    }
  }

  #hold({ url, headers, body }: Target): Promise<void> {
    return new Promise((resolve) => {
      const length = { 'content-length': Buffer.byteLength(body) };
      const options = { method: 'POST', agent: this.#agent, headers: { ...headers, ...length } };
      const call = request(url, options, (response) => response.resume().on('error', () => {}));
      this.#calls.add(call);
      call.once('finish', resolve);
      call.once('error', () => {
        if (this.#calls.delete(call)) this.#faults += 1;
        resolve();
      });
      call.end(body);
    });
  }

  /** Gives the faults since the last time; what breaks off now is none. */
  close(): number {
    const calls = [...this.#calls];
    this.#calls.clear();
    for (const call of calls) call.destroy();
    const faults = this.#faults;
    this.#faults = 0;
    return faults;
  }

  #open({ url, headers, body }: Target): Promise<void> {
    return new Promise((resolve) => {
      const length = { 'content-length': Buffer.byteLength(body) };
      const options = { method: 'POST', agent: this.#agent, headers: { ...headers, ...length } };
      const failed = () => {
        if (this.#calls.delete(call)) this.#faults += 1;
        call.destroy();
        resolve();
      };
      const call = request(url, options, (response) => {
        if (response.statusCode !== 200) failed();
        response.on('data', (chunk: Buffer) => {
          clearTimeout(timer);
          this.#events += countIn(chunk);
          resolve();
        });
        response.once('close', failed);
      });
      this.#calls.add(call);
      const timer = setTimeout(failed, FIRST_EVENT_TIMEOUT_MS);
      call.once('close', () => clearTimeout(timer));
      call.once('error', failed);
      call.end(body);
    });
  }
}

function countIn(chunk: Buffer): number {
  let count = 0;
  for (let at = chunk.indexOf(MARK); at >= 0; at = chunk.indexOf(MARK, at + MARK.length)) count++;
  return count;
}
