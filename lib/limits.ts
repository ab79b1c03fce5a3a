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

/** And for this long: the status says enough to go on with, and the request could be served
 *  elsewhere meanwhile. */
export const MAX_ERROR_BODY_MS = 5_000;

/** A provider's text is cut to this before it goes into an error message. */
export const MAX_PROVIDER_TEXT_CHARS = 2_000;

/** A JSON answer of a provider: 128k tokens of output stay far below it. */
export const MAX_RESPONSE_BYTES = 64 * MIB;

/** One line of an SSE stream. A tool call may come whole in one chunk, so it is as large as an
 *  answer can be in practice; an endless line is an error, never an endless buffer. */
export const MAX_SSE_LINE_BYTES = 8 * MIB;

/** Bytes waiting in a client's socket before its upstream is paused. */
export const CLIENT_HIGH_WATER_BYTES = 64 * KIB;

/** A chunk of a stream up to this size is put together with its frame in one string. Node tries to
 *  write a string of up to 16 KiB at once; more is not copied. */
export const MAX_COPIED_CHUNK_BYTES = 15 * KIB;

/** A stream silent for this long gets a `ping` (Claude Code's watchdogs: CLIENTS.md §3). */
export const PING_INTERVAL_MS = 10_000;

/** A streaming client waits this long for its true status before it gets 200 and pings. */
export const HOLD_AFTER_MS = 8_000;

/** Largest nesting of a JSON request body. JSON.parse takes any depth, JSON.stringify recurses. */
export const MAX_JSON_DEPTH = 512;

/** Asked model names remembered in the route cache; clients choose them, so it is bounded. */
export const MAX_CACHED_MODELS = 1_000;

/** Values of a request body, about: MAX_MESSAGES of a block each have 600,000. More keep everybody
 *  waiting for more than half a second. Numbers of a body that is not parsed are not counted:
 *  embeddings are asked for by tokens. */
export const MAX_JSON_VALUES = 1_000_000;

/** Nesting of a body that is to be parsed, also where nobody reads it: JSON.parse takes ten seconds
 *  for 32 MiB of `[`. Twice what a single field may have. */
export const MAX_PARSED_DEPTH = 2 * MAX_JSON_DEPTH;

/** Bodies up to this size are parsed without a look at either bound: the worst takes 30 ms. */
export const SMALL_JSON_BYTES = 256 * KIB;

/** From this size on a body is read, and translated, in a turn of the event loop of its own. */
export const LARGE_BODY_BYTES = MIB;

/** Longest model name that is looked at; longer ones are no model of anyone. */
export const MAX_MODEL_NAME_CHARS = 256;

/** Headers of a request must be complete by then. */
export const HEADERS_TIMEOUT_MS = 30_000;

/** A body may take this long, and a second more for every so many bytes of it: 32 MiB over a line
 *  of 64 kbit/s pass, in 70 minutes; who sends a byte now and then is gone after the first. */
export const BODY_GRACE_MS = 60_000;
export const MIN_BODY_BYTES_PER_S = 8 * KIB;

/** How often the bodies on their way are looked at. */
export const BODY_CHECK_MS = 5_000;

/** That connections cannot be accepted is said this often: it comes by the thousand. */
export const ACCEPT_FAULT_MS = 10_000;

/** Headers of one request: clients send about 30. Node drops what comes after 2,000 of them. */
export const MAX_HEADERS = 200;

/** An idle client connection is kept this long: longer than the pauses between a person's turns are
 *  rare, and shorter than the 90 s after which common middleboxes forget a connection. */
export const KEEP_ALIVE_MS = 75_000;

/** The server's one ticker: held streams and pings are counted in these steps. */
export const PULSE_MS = 1_000;

/** A connection that was taken before a drain began, and has not said anything yet, is given this
 *  long to send the request that it was opened for. */
export const FIRST_REQUEST_MS = 1_000;

/** From here on the process counts as overloaded, below the second figure as calm again, each after
 *  this many looks (PULSE_MS) in a row. A tick that is a second late for five looks is a loop that
 *  never catches up: one long parse is over after one look, and a slow machine delays by tens of
 *  milliseconds. Near the end of the heap V8 does little else than collect garbage; near the end of
 *  the memory of its group the process is killed. */
export const LAG_OVER_MS = 1_000;
export const LAG_CALM_MS = 500;
export const HEAP_OVER_SHARE = 0.92;
export const HEAP_CALM_SHARE = 0.85;
export const MEMORY_OVER_SHARE = 0.95;
export const MEMORY_CALM_SHARE = 0.9;
export const OVERLOAD_LOOKS = 5;

/** When a request that was refused for it may come again: an overload lasts as many looks. */
export const OVERLOAD_RETRY_MS = 5_000;

/** A shorter "secret" would be found in any word, so it is not cut out of texts. */
export const MIN_SECRET_CHARS = 4;

/** From here on a secret's encoded spellings (JSON, URL, base64) are cut out of texts as well;
 *  those of shorter ones are too short to be told from chance. */
export const MIN_ENCODED_SECRET_CHARS = 8;

/** Label combinations of one metric. Labels are configured names, so 64 keys x 10 models x 15
 *  statuses is about the most there is; beyond it everything is booked on `other`. */
export const MAX_METRIC_CHILDREN = 10_000;

/** After the last frame of a stream its upstream gets this long to end by itself, so that the
 *  connection can be used again; then it is closed. */
export const LINGER_MS = 1_000;

/** Buckets that one reservation touches: global, provider, org, org and model, key, key and model,
 *  and two to spare. */
export const MAX_PATH_BUCKETS = 8;

/** A cooldown never lasts longer, whatever a provider says (SURFACE §4.6): keys stuck for weeks are
 *  what users of peers report most. */
export const MAX_COOLDOWN_MS = 24 * 60 * 60 * 1_000;

/** Rest after a 429 that says nothing: doubles from the first to the second while it repeats. */
export const FIRST_REST_MS = 2_000;
export const MAX_REST_MS = 60_000;

/** Pacing over a day's quota slows a request by at most this (SURFACE §4.7). */
export const MAX_DAY_PACING_MS = 10_000;

/** Requests in flight after a cooldown at which the ramp is over and the key is as before. */
export const RAMP_END = 16;

/** Idle connections kept per upstream address: a burst of this many requests finds open ones. */
export const MAX_FREE_SOCKETS = 256;

/** An idle upstream connection is closed after this, before common servers and middleboxes (60 s)
 *  do it; a server's own `keep-alive: timeout=N` hint shortens it. */
export const FREE_SOCKET_MS = 55_000;

/** The head of a forward proxy's answer to CONNECT. It carries a status and a few words. */
export const MAX_CONNECT_ANSWER_BYTES = 16_384;

/** A server's hint is undercut by this, so that nothing is sent into a connection that it is just
 *  closing: more than a round trip to any provider. */
export const FREE_SOCKET_MARGIN_MS = 1_000;

/** The head of an answer: Node's own bound. Providers send 1 to 2 KiB in some 25 fields. */
export const MAX_ANSWER_HEAD_BYTES = 16 * KIB;
export const MAX_ANSWER_FIELDS = 500;

/** Answers 100, 102 and 103 before the one that counts. */
export const MAX_INTERIM_ANSWERS = 16;

/** Extensions of all chunks of an answer that are read past: Node's own bound. */
export const MAX_CHUNK_EXTENSION_BYTES = 16 * KIB;

/** Spellings of header names whose lower case is remembered; servers choose them. */
export const MAX_KNOWN_FIELD_NAMES = 256;

/** Shapes of heads kept for an address (JSON, stream, refusal, error); none of a larger head. */
export const MAX_KNOWN_HEADS = 4;
export const MAX_KNOWN_HEAD_BYTES = 4 * KIB;

/** What one read of an upstream socket brings at most: as much as the platform itself asks for. */
export const READ_BUFFER_BYTES = 64 * KIB;

/** Bodies of these sizes lie in memory that is used again (body-memory.ts): a turn of Claude Code
 *  has 50 to 400 KB. Smaller ones fit one read; memory of larger ones would wait for nobody. */
export const MIN_REUSED_BODY_BYTES = 64 * KIB;
export const MAX_REUSED_BODY_BYTES = MIB;

/** What a thread keeps for bodies to come: 64 requests of 100 KB at the same time. */
export const MAX_KEPT_BODY_BYTES = 8 * MIB;

/** Up to this size a request is copied behind its head and sent as one piece; a larger body is
 *  handed to the system beside the head. */
export const SMALL_BODY_BYTES = 16 * KIB;

/** With several addresses of a host, one is given this long before the next is tried. Node's own
 *  250 ms gives up on hosts that are merely far away. */
export const ADDRESS_ATTEMPT_MS = 1_500;

/** TLS sessions remembered: one per provider's address, and there are never this many. */
export const MAX_TLS_SESSIONS = 100;

/** A configuration file. The largest useful one (hundreds of keys) is far below it. */
export const MAX_CONFIG_BYTES = MIB;

/** `server.clients`: every request is compared with the tokens of all of them, so that its time
 *  says nothing about any; for this many that takes about 0.1 ms. */
export const MAX_CLIENTS = 1_000;

/** Nesting of a configuration: the schema needs 8 levels, the YAML parser dies of thousands. */
export const MAX_CONFIG_DEPTH = 100;

/** Values of a configuration with its aliases expanded: more is an alias bomb. */
export const MAX_CONFIG_NODES = 100_000;

/** Longest duration that can be configured: a day is the longest window of any quota. */
export const MAX_CONFIGURED_MS = 86_400_000;

/** Largest limit that can be configured; it fits a signed 32-bit cell of the quota table. */
export const MAX_CONFIGURED_LIMIT = 2_147_483_647;

/** Rows of `error_rules` for one provider, and characters of the expression in one. Expressions run
 *  over texts that a provider chose, up to 8 KiB of each refusal: what is short enough for a person
 *  to read is short enough for him to see that it cannot run away. */
export const MAX_ERROR_RULES = 100;
export const MAX_PATTERN_CHARS = 500;

/** Largest `server.max_body_bytes`: a JavaScript string cannot hold more. */
export const MAX_CONFIGURED_BODY_BYTES = 512 * MIB;

/** Messages of one request: the Messages API's own bound (WIRE.md §A.2). */
export const MAX_MESSAGES = 100_000;

/** Tools and stop sequences of one request: a thousand MCP tools are many, and each stop sequence
 *  is looked for in every piece of an answer. */
export const MAX_TOOLS = 10_000;
export const MAX_STOP_SEQUENCES = 1_000;

/** Occurrences of the members that matter (`model` and its like) in one body: all are replaced. */
export const MAX_WANTED_MEMBERS = 1_000;

/** A path in an error text is cut here: its keys are the client's and of any length. */
export const MAX_SHOWN_PATH_CHARS = 200;

/** Room left between the estimated prompt and the window when the output is clamped: the estimate
 *  is a few per cent off, and the provider's chat template adds a little. */
export const WINDOW_MARGIN_SHARE = 0.05;
export const WINDOW_MARGIN_TOKENS = 256;

/** A prompt is refused locally only when its estimate passes the window by this factor: below it
 *  the provider, which counts exactly, has the last word. */
export const WINDOW_REFUSAL_FACTOR = 1.1;

/** The output clamp never goes below this (or what was asked): where the estimate says that nothing
 *  fits, it is better refused by the provider than answered with a single word. */
export const MIN_CLAMPED_OUTPUT_TOKENS = 1_024;

/** Up to this `max_tokens` reasoning would use up the whole answer (WIRE.md §G). */
export const SMALL_ANSWER_TOKENS = 512;

/** `thinking.budget_tokens` below these is effort low, medium; from there on high (WIRE.md §G). */
export const LOW_EFFORT_BUDGET_TOKENS = 4_096;
export const MEDIUM_EFFORT_BUDGET_TOKENS = 16_384;

/** Longest id of a tool call: OpenAI takes 40 characters, a suffix for uniqueness is kept free. */
export const MAX_CALL_ID_CHARS = 36;

/** Longest tool name of any chat completions provider (WIRE.md §D). */
export const MAX_TOOL_NAME_CHARS = 64;

/** Bytes of a passed-through stream that are held back while it has no content, so that another
 *  attempt stays possible. The opening events of every known provider are below 2 KiB. */
export const MAX_HELD_STREAM_BYTES = 64 * KIB;

/** Faults of the network and 5xx answers that one request takes from one provider before it goes on
 *  without it; the pauses between them double from the first (100, 200, 400 ms: under a second). */
export const MAX_FAULTS_AT_PROVIDER = 4;
export const FIRST_BACKOFF_MS = 100;

/** A tool call written as text is collected up to this: as much as a model puts into one file. */
export const MAX_TEXT_CALL_CHARS = MIB;

/** Faults of the network and 5xx answers in a row that open the circuit of a key or provider. More
 *  than one request makes by itself, so that one unlucky request opens none. */
export const BREAKER_FAULTS = 6;

/** How long a provider keeps a prompt cache at least (WIRE.md §E.7), and how many conversations are
 *  remembered with the org that holds theirs. */
export const CACHE_WARM_MS = 300_000;
export const MAX_SESSIONS = 10_000;

/** Keys of a provider watched for a quota shared unsaid: each answer looks at every pair. */
export const MAX_WATCHED_KEYS = 32;

/** What was saved about a bucket is of no use any more when its longest window, a day in 25 slots
 *  of an hour, is over. */
export const MAX_SNAPSHOT_AGE_MS = 25 * 60 * 60 * 1_000;

/** How often the state is saved, when anything has changed: what a crash may forget at most. */
export const STATE_SAVE_MS = 5_000;

/** The largest state that is read: thousands of keys and models stay far below it. */
export const MAX_STATE_BYTES = 64 * MIB;

/** Saved buckets of keys not configured now, kept while their counts last: keys may come back. */
export const MAX_UNCLAIMED_BUCKETS = 10_000;

/** A key that its provider refused is asked again this long after a restart, with one request: it
 *  may have been repaired there, and nobody tells us. */
export const DISABLED_REST_MS = 900_000;

/** A draft of the state file that is older was left by a process that was killed over it. */
export const STALE_DRAFT_MS = 60_000;

/** Texts and tool sets whose estimate is remembered (clients choose them), and the longest mark of
 *  a set that is: a few hundred tools. */
export const MAX_KNOWN_TEXTS = 4_096;
export const MAX_KNOWN_TOOLS = 256;
export const MAX_TOOLS_MARK_CHARS = 32_768;

/** Sets of tools that are remembered as bytes, with what was made of them (known-tools.ts): one per
 *  kind of agent and set of MCP servers. Of 30 to 60 KB each, and the same again for a dialect and
 *  choice, all of them stay below the second; smaller sets are read sooner than looked up. */
export const MAX_KNOWN_TOOL_SETS = 64;
export const MAX_KNOWN_TOOL_BYTES = 8 * MIB;
export const MIN_KNOWN_TOOL_SET_BYTES = KIB;
export const MAX_KNOWN_TOOL_SET_BYTES = 512 * KIB;

/** Dialects and choices for which one set is kept, and marks of sets that came once. */
export const MAX_KNOWN_TOOL_PLANS = 8;
export const MAX_ONCE_SEEN_TOOLS = 1_024;

/** So many requests are searched for tools to remember while none are known again; from then on one
 *  of so many: some clients change theirs with each request. */
export const MAX_TRIES_FOR_TOOLS = 64;
export const SKIPPED_FOR_A_TRY = 16;

/** Members of a body, named `tools` at any depth, that are compared with what is remembered. */
export const MAX_LOOKS_FOR_TOOLS = 8;

/** How often a watched configuration file is looked at: soon enough for whoever has just saved it,
 *  and a `stat` costs microseconds. A change is taken when it has stood still for that long. */
export const WATCH_LOOK_MS = 1_000;

/** Messages to systemd that wait for the one before, how long one may take, and how often the
 *  status line is looked at: each is a process of its own. */
export const MAX_PENDING_NOTICES = 16;
export const NOTICE_MS = 5_000;
export const STATUS_LOOK_MS = 10_000;

/** What systemd is asked to wait on top of `server.shutdown_timeout` before it kills: time to cut
 *  what is left and to write the state. */
export const STOP_MARGIN_MS = 10_000;

/** Buckets that a quota table shared by threads has room for beyond four times those that it begins
 *  with: 64 keys with 10 models are 1,500. It cannot move while it is used, and 1 KiB of room that
 *  nothing was written to is not in memory. */
export const SPARE_BUCKETS = 4_096;

/** Other threads hear of a calibration that has moved by this share: less is within a margin. */
export const TOLD_CALIBRATION_SHARE = 0.02;

/** A warm prompt cache is told to other threads again after this, so that it is known there for as
 *  long as it lasts, and not once a request. */
export const TELL_WARMTH_MS = 60_000;

/** A worker thread that dies is replaced at once; one whose predecessor died before it was sound
 *  waits, doubling from the first to the second. */
export const FIRST_RESTART_MS = 100;
export const MAX_RESTART_MS = 10_000;
export const SOUND_AFTER_MS = 60_000;

/** What the threads say of their metrics is waited for this long: a scrape has 10 s as a rule. For
 *  one that does not answer, what it said last is taken. */
export const MAX_GATHER_MS = 1_000;

/** After the end of a drain its threads get this long to say so. */
export const DRAIN_GRACE_MS = 5_000;

/** Log lines of one turn of the event loop are written together, up to about what a pipe holds: a
 *  larger write waits for its reader. */
export const MAX_LOG_BATCH_CHARS = 64 * KIB;

/** Texts that the log remembers as redacted JSON: names of models, keys and providers come again
 *  with each line. Longer ones (errors) hardly do. */
export const MAX_REMEMBERED_TEXTS = 1_000;
export const MAX_REMEMBERED_TEXT_CHARS = 128;
