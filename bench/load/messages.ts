/** What do the processes of a load bench say to each other? Types only. */

/** A request to be sent over and over. */
export interface Target {
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

export type ClientCommand =
  /** `amount` requests over `connections`, as fast as they are answered. */
  | {
      readonly kind: 'saturate';
      readonly target: Target;
      readonly connections: number;
      readonly amount: number;
    }
  /** `amount` requests, one after the other over one connection, or fewer when time is over. */
  | {
      readonly kind: 'ping';
      readonly target: Target;
      readonly amount: number;
      readonly withinMs?: number;
    }
  /** The same for streams of the stamping upstream: how long was each delta on its way? */
  | { readonly kind: 'stamps'; readonly target: Target; readonly amount: number }
  /** `streams` at once, each followed by the next: events, and their ages. Ends after `forMs`, or
   *  later where fewer than `atLeast` events have come, but never after `mostMs`. */
  | {
      readonly kind: 'flood';
      readonly target: Target;
      readonly streams: number;
      readonly forMs: number;
      readonly atLeast: number;
      readonly mostMs: number;
    }
  /** Opens streams and keeps them; answered when each has its first event. */
  | { readonly kind: 'open'; readonly target: Target; readonly streams: number }
  /** Sends requests that are not answered for long, and keeps them; answered when all are sent. */
  | { readonly kind: 'hold'; readonly target: Target; readonly amount: number }
  /** Events that came over all open streams so far. */
  | { readonly kind: 'count' }
  /** Closes all that is open or held. */
  | { readonly kind: 'close' };

/** What a client answers to a command. */
export interface ClientAnswer {
  /** Requests answered well, or events counted. */
  readonly count: number;
  /** Anything but a 200, and connections that broke. */
  readonly faults: number;
  readonly seconds: number;
  /** `ping`: each whole answer; `stamps`: the first delta of each stream; `flood`: some events. */
  readonly latenciesUs: readonly number[];
  /** `stamps`: all further deltas. */
  readonly furtherUs: readonly number[];
}

export type ClientMessage =
  | { readonly kind: 'ready' }
  | { readonly kind: 'answer'; readonly answer: ClientAnswer }
  | { readonly kind: 'failed'; readonly reason: string };

/** Where the upstreams of a run listen, each an OpenAI-compatible base URL. */
export interface UpstreamUrls {
  /** Constant answers as fast as they go: JSON of 1 KB, streams of `events` deltas. */
  readonly fast: string;
  /** Endless streams, an event every 10 ms. */
  readonly paced: string;
  /** Streams whose deltas say when they were written. */
  readonly stamped: string;
  /** The same as fast as they are taken, each event written for itself. */
  readonly flood: string;
  /** Endless streams, an event a second. */
  readonly slow: string;
}
export type UpstreamName = keyof UpstreamUrls;
