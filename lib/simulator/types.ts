/** What the simulator is told, and what it tells: options, defaults, log entries, statistics. */
import type { AccountStats, SimulatorLimits } from './limiter.ts';

export type SimulatorDialect = 'cerebras' | 'zhipu';

export interface SimulatorKey {
  readonly key: string;
  /** Limits are per org and model; an org of its own when not given. */
  readonly org?: string;
  /** Label in the log and in statistics, never the secret. Default `key-<n>`, from 1. */
  readonly name?: string;
  /** Limits of this key's org, over the general ones. The first key of an org gives them. */
  readonly limits?: SimulatorLimits;
}

export interface SimulatorModel {
  readonly id: string;
  /** Tokens of prompt and answer together. */
  readonly contextWindow?: number;
  readonly maxOutputTokens?: number;
  readonly vision?: boolean;
  readonly limits?: SimulatorLimits;
}

/** Constant answers of a set size, for benches: nothing is decided, counted or paced by content. */
export interface FixedAnswers {
  /** Size of a JSON answer's body, at least the size of an answer without text. */
  readonly bytes?: number;
  /** Content deltas of a streamed answer. */
  readonly events?: number;
}

/** Limits given here hold for every org and model that has none of its own. */
export interface SimulatorOptions extends SimulatorLimits {
  /** Whose words are spoken. Default `cerebras`. */
  readonly dialect?: SimulatorDialect;
  /** Port on 127.0.0.1; 0 (default) takes a free one. */
  readonly port?: number;
  /** Accepted keys. None: any credential is accepted, and each is an org of its own. */
  readonly keys?: readonly SimulatorKey[];
  /** Served models; `*` accepts any name. Default: the dialect's usual ones. */
  readonly models?: readonly (string | SimulatorModel)[];
  /** Refuse what the real one refuses. Default true. */
  readonly strict?: boolean;
  /** Send `x-ratelimit-*`. Default: true for cerebras, false for zhipu, which sends none. */
  readonly rateHeaders?: boolean;
  /** What `x-ratelimit-reset-*` counts to: `full` (default) the time when the bucket is full again,
   *  `calendar` the end of the UTC minute or day, as in captured answers. */
  readonly resetStyle?: 'full' | 'calendar';
  /** Send `retry-after` (whole seconds) with a 429 of a limit. Default false: not documented. */
  readonly retryAfter?: boolean;
  /** Usage in a stream: always (default), only when `stream_options.include_usage` asks, never. */
  readonly usage?: 'always' | 'asked' | 'never';
  /** Speed of an answer; 0 (default) is as fast as possible. */
  readonly tokensPerSecond?: number;
  /** Time before the first delta, or before a JSON answer. Default 0. */
  readonly firstTokenMs?: number;
  /** Length of text answers; 0 (default) is what the script says. */
  readonly outputTokens?: number;
  /** Faults queued from the start, see faults.ts. */
  readonly faults?: string;
  readonly fixed?: FixedAnswers;
  /** Time in ms for limits, caches, log and resets; default Date.now. Streams are paced by the real
   *  clock in any case. */
  readonly clock?: () => number;
  /** Keep request headers (credentials cut out) and parsed bodies in the log. Default false. */
  readonly keepBodies?: boolean;
  /** Entries that the log holds. Default 1000, 0 for none. */
  readonly logEntries?: number;
}

/** How an answer ended. `open` while it runs; `gone`: the client left first. */
export type Outcome = 'open' | 'done' | 'refused' | 'fault' | 'gone';

export interface LoggedRequest {
  readonly seq: number;
  /** Arrival by the simulator's clock, in ms. */
  readonly atMs: number;
  readonly method: string;
  readonly path: string;
  /** Label of the key, never its value. */
  readonly key: string;
  readonly org: string;
  readonly model: string;
  readonly stream: boolean;
  readonly requestBytes: number;
  /** 0 until the status line is sent (and for a connection cut before it). */
  readonly status: number;
  /** The fault that this request consumed, as it was spelled. */
  readonly fault: string | undefined;
  readonly outcome: Outcome;
  readonly promptTokens: number;
  readonly cachedTokens: number;
  readonly completionTokens: number;
  /** With `keepBodies` only. */
  readonly headers: Readonly<Record<string, string>> | undefined;
  readonly body: unknown;
}

export interface SimulatorStats {
  /** Provider requests; control routes are not counted. */
  readonly requests: number;
  readonly byStatus: Readonly<Record<string, number>>;
  readonly inFlight: number;
  readonly peakInFlight: number;
  readonly faultsLeft: number;
  /** What was truly served, per org (zhipu: per key) and model. */
  readonly accounts: readonly AccountStats[];
}

export interface Simulator {
  /** `http://127.0.0.1:PORT/v1`. */
  readonly url: string;
  readonly port: number;
  /** The newest requests, oldest first. */
  log(): readonly LoggedRequest[];
  /** Queues faults (comma list, faults.ts). Throws a RangeError on a spelling it does not know. */
  fault(spec: string): void;
  stats(): SimulatorStats;
  /** Start times in ms of every request that named this org (zhipu: key label) and model, refused
   *  ones included: what a limit is measured by. Bounded; oldest first. */
  arrivals(owner: string, model: string): number[];
  /** Forgets log, faults, limits, caches and statistics. Running answers go on. */
  reset(): void;
  /** Stops listening and cuts every connection. */
  close(): Promise<void>;
}
