/** Many streams at once, kept open: how many events have come over them? */
import { Agent, type ClientRequest, request } from 'node:http';
import type { Target } from './messages.ts';

/** What every content delta of the simulator's fixed answers holds, in either dialect. */
const MARK = Buffer.from('"word"');

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

  close(): void {
    const calls = [...this.#calls];
    this.#calls.clear(); // what breaks off now is no fault
    for (const call of calls) call.destroy();
  }

  #open({ url, headers, body }: Target): Promise<void> {
    return new Promise((resolve) => {
      const length = { 'content-length': Buffer.byteLength(body) };
      const options = { method: 'POST', agent: this.#agent, headers: { ...headers, ...length } };
      const failed = () => {
        if (this.#calls.delete(call)) this.#faults += 1;
        resolve();
      };
      const call = request(url, options, (response) => {
        if (response.statusCode !== 200) failed();
        response.on('data', (chunk: Buffer) => {
          this.#events += countIn(chunk);
          resolve();
        });
        response.once('close', failed);
      });
      this.#calls.add(call);
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
