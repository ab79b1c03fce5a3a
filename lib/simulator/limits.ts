/** Every number that bounds the simulator, with its reason. Units come last in a name. */
import { MAX_BODY_BYTES } from '../limits.ts';

const KIB = 1024;

/** The simulator's reservation for output, at most and where a request names no maximum: 16,384, as
 *  measured at Cerebras (WIRE.md §E.2). */
export const SIMULATED_RESERVATION_TOKENS = 16_384;

/** Org and model pairs the simulator keeps books on; credentials are free text, so bounded. */
export const SIMULATOR_ACCOUNTS = 10_000;

/** Start times it remembers per pair: more than any test drives through one (800 KB at most). */
export const SIMULATOR_ARRIVALS = 100_000;

/** Requests in its log by default. */
export const SIMULATOR_LOG_ENTRIES = 1_000;

/** Faults that can be queued. */
export const SIMULATOR_FAULTS = 10_000;

/** Largest request body it reads: twice what the proxy takes in. */
export const SIMULATOR_BODY_BYTES = 2 * MAX_BODY_BYTES;

/** Longest answer it gives: the largest `max_tokens` of any provider it plays (WIRE.md §F.3). */
export const SIMULATOR_OUTPUT_TOKENS = 131_072;

/** Its prompt cache counts in blocks of this size (512 tokens: WIRE.md §E.7 says 100 to 600), looks
 *  at this many per prompt (4 MiB) and remembers this many. */
export const SIMULATOR_CACHE_BLOCK_BYTES = 2 * KIB;
export const SIMULATOR_CACHE_PROMPT_BLOCKS = 2_048;
export const SIMULATOR_CACHE_BLOCKS = 65_536;
export const SIMULATOR_CACHE_TTL_MS = 300_000;

/** An unpaced stream is written in pieces of about this size: a socket's own high-water mark. */
export const SIMULATOR_WRITE_CHARS = 16 * KIB;

/** Step of the one ticker behind all paced streams: finer than a person sees. */
export const SIMULATOR_TICK_MS = 10;
