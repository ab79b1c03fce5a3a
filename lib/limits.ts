/** Every number that bounds something, with its reason. Units come last in a name. */

const KIB = 1024;
const MIB = 1024 * KIB;

/** Default of `server.max_body_bytes`: the Messages API's own bound (WIRE.md §A.1). */
export const MAX_BODY_BYTES = 32 * MIB;

/** What is still read and thrown away of a body over the bound, so that the client, which is busy
 *  writing, gets to read the 413. After either bound the connection is closed. */
export const DISCARD_BYTES = 64 * MIB;
export const DISCARD_MS = 5_000;

/** Attempts for one request, over all keys and providers (SURFACE §4.6). */
export const MAX_ATTEMPTS = 8;

/** An error body of a provider is read up to this size: enough for every wording we match. */
export const MAX_ERROR_BODY_BYTES = 64 * KIB;

/** A provider's text is cut to this before it goes into an error message. */
export const MAX_PROVIDER_TEXT_CHARS = 2_000;

/** A JSON answer of a provider: 128k tokens of output stay far below it. */
export const MAX_RESPONSE_BYTES = 64 * MIB;

/** One line of an SSE stream. A tool call may come whole in one chunk, so it is as large as an
 *  answer can be in practice; an endless line is an error, never an endless buffer. */
export const MAX_SSE_LINE_BYTES = 8 * MIB;

/** Bytes waiting in a client's socket before its upstream is paused. */
export const CLIENT_HIGH_WATER_BYTES = 64 * KIB;

/** A stream that has been silent this long gets a `ping` (Claude Code's watchdogs: CLIENTS.md §3). */
export const PING_INTERVAL_MS = 10_000;

/** A streaming client waits this long for its true status before it gets 200 and pings. */
export const HOLD_AFTER_MS = 8_000;

/** Largest nesting of a JSON request body. JSON.parse takes any depth, JSON.stringify recurses. */
export const MAX_JSON_DEPTH = 512;

/** Asked model names remembered in the route cache; clients choose them, so it is bounded. */
export const MAX_CACHED_MODELS = 1_000;

/** Longest model name that is looked at; longer ones are no model of anyone. */
export const MAX_MODEL_NAME_CHARS = 256;
