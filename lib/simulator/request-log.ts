/** What came in, and what became of it? The newest requests, in a ring, and the counts of all. */
import type { LoggedRequest } from './types.ts';

/** An entry while its request runs. */
export type OpenEntry = { -readonly [Name in keyof LoggedRequest]: LoggedRequest[Name] };

export class RequestLog {
  readonly #capacity: number;
  #entries: OpenEntry[] = [];
  #count = 0;
  #inFlight = 0;
  #peakInFlight = 0;
  #byStatus = new Map<number, number>();

  constructor(capacity: number) {
    this.#capacity = capacity;
  }

  /** Starts an entry; `seq` is filled in. */
  open(entry: Omit<OpenEntry, 'seq'>): OpenEntry {
    const opened: OpenEntry = { ...entry, seq: this.#count + 1 };
    if (this.#capacity > 0) this.#entries[this.#count % this.#capacity] = opened;
    this.#count += 1;
    this.#inFlight += 1;
    this.#peakInFlight = Math.max(this.#peakInFlight, this.#inFlight);
    return opened;
  }

  /** Ends an entry; a second call does nothing. Status 0 counts as a connection that was cut. */
  close(entry: OpenEntry, outcome: OpenEntry['outcome']): void {
    if (entry.outcome !== 'open') return;
    entry.outcome = outcome;
    this.#inFlight -= 1;
    this.#byStatus.set(entry.status, (this.#byStatus.get(entry.status) ?? 0) + 1);
  }

  /** Oldest first. */
  entries(): readonly LoggedRequest[] {
    if (this.#count <= this.#capacity) return [...this.#entries];
    const start = this.#count % this.#capacity;
    return [...this.#entries.slice(start), ...this.#entries.slice(0, start)];
  }

  stats(): {
    requests: number;
    byStatus: Record<string, number>;
    inFlight: number;
    peakInFlight: number;
  } {
    return {
      requests: this.#count,
      byStatus: Object.fromEntries(this.#byStatus),
      inFlight: this.#inFlight,
      peakInFlight: this.#peakInFlight,
    };
  }

  /** Forgets everything but what is in flight. */
  clear(): void {
    this.#entries = [];
    this.#count = 0;
    this.#peakInFlight = this.#inFlight;
    this.#byStatus = new Map();
  }
}
