/** What is used of autocannon, which brings no types. */
declare module 'autocannon' {
  interface Options {
    readonly url: string;
    readonly method: 'POST';
    readonly headers: Readonly<Record<string, string>>;
    readonly body: string;
    readonly connections: number;
    /** Requests in all. */
    readonly amount?: number;
    /** Seconds, where there is no amount. */
    readonly duration?: number;
    /** Milliseconds between two looks at the clock and the counters. */
    readonly sampleInt?: number;
    /** Seconds that an answer may take. */
    readonly timeout: number;
  }
  interface Result {
    readonly '2xx': number;
    readonly non2xx: number;
    readonly errors: number;
    readonly timeouts: number;
    /** Seconds. */
    readonly duration: number;
    readonly requests: { readonly total: number; readonly average: number };
    /** Milliseconds. */
    readonly latency: Readonly<Record<'p50' | 'p90' | 'p99' | 'max', number>>;
    readonly throughput: { readonly average: number };
  }
  function autocannon(options: Options): Promise<Result>;
  export = autocannon;
}
