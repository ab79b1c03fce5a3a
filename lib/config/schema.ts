/**
 * Every key of the configuration: its type, bounds, default and meaning, once.
 *
 * The validator, "did you mean" and config/config.schema.json all come from this table.
 * Must stay true: what the table accepts is documented in the contract, key by key.
 */
import {
  MAX_BODY_BYTES,
  MAX_CONFIGURED_BODY_BYTES,
  MAX_CONFIGURED_LIMIT,
  MAX_CONFIGURED_MS,
} from '../limits.ts';
import { type JsonSchema, toJsonSchema } from './json-schema.ts';
import {
  ABOVE_ZERO,
  boolean,
  decimal,
  duration,
  either,
  integer,
  legacy,
  list,
  map,
  named,
  object,
  reserved,
  secret,
  sensitive,
  several,
  size,
  string,
  type TypeOf,
  word,
} from './nodes.ts';

const limit = (doc: string) =>
  integer(`${doc}; 0 = no limit.`, { max: MAX_CONFIGURED_LIMIT, default: 0 });

const wait = (doc: string, min: number, fallback: number) =>
  duration(doc, { min, max: MAX_CONFIGURED_MS, default: fallback });

const PROMPT_TEMPLATE = `You are an expert reasoning model.
Always think step by step before answering.
Use interleaved thinking: plan → act → reflect
Format your reasoning in <reasoning_content> blocks.
Carry reasoning forward between tool calls.`;

const SIZINGS = ['auto', 'off'] as const;

const client = object(
  'Somebody who may use the proxy, with a token and limits of his own.',
  {
    name: string('Name in the log, the metrics and refusals.'),
    token: sensitive('The token he presents.'),
    token_file: string('A file that holds the token, instead of it.'),
    requests_per_minute: limit('Requests per minute'),
    tokens_per_minute: limit('Tokens per minute'),
    tokens_per_day: limit('Tokens per day'),
    max_concurrent: limit('Requests at the same time'),
    models: list(
      'Models he may use: ids or * globs of what he asks for, or configured ids; empty = all.',
      string('An id or a glob.'),
      [],
    ),
  },
  {
    key: 'token',
    api_key: 'token',
    key_file: 'token_file',
    rpm: 'requests_per_minute',
    max_requests_per_minute: 'requests_per_minute',
    tpm: 'tokens_per_minute',
    max_tokens_per_minute: 'tokens_per_minute',
    tpd: 'tokens_per_day',
    max_tokens_per_day: 'tokens_per_day',
  },
);

const server = object(
  'The local address, who may use it, and how it stops.',
  {
    bind_address: string('Address to listen on.', '127.0.0.1'),
    port: integer('Port to listen on; 0 takes a free one.', { max: 65_535, default: 5_730 }),
    anthropic_endpoint: string('Path prefix of the Anthropic Messages API.', '/anthropic'),
    openai_endpoint: string('Path prefix of the OpenAI API.', '/openai'),
    api_key_required: boolean('Ask clients for one of auth_tokens.', false),
    auth_tokens: list(
      'Tokens that clients may present.',
      either(
        'A token, or a file that holds one.',
        sensitive('A token.'),
        object('A token in a file.', { file: string('The file.') }),
      ),
      [],
    ),
    allow_unauthenticated: boolean('Allow a public bind address without tokens.', false),
    allowed_origins: list('Web pages that may call the proxy.', string('An origin.'), []),
    max_body_bytes: size('Largest request body.', {
      min: 1,
      max: MAX_CONFIGURED_BODY_BYTES,
      default: MAX_BODY_BYTES,
    }),
    workers: integer('Worker threads sharing one port and one set of limits.', {
      min: 1,
      max: 1_024,
      words: ['auto'],
      default: 1,
    }),
    transport: word('How providers are reached.', ['auto', 'native', 'http', 'fetch'], {
      default: 'auto',
    }),
    shutdown_timeout: wait('How long a stop waits for what is in flight.', 0, 30_000),
    watch: boolean('Reload when the file changes.', false),
    clients: list('Named clients with tokens and limits of their own.', client, []),
    tls: reserved('Serve HTTPS.'),
  },
  { host: 'bind_address', address: 'bind_address', listen: 'bind_address', tokens: 'auth_tokens' },
);

const tiers = object('The model for each tier of claude-* ids.', {
  haiku: string('Model for haiku ids.'),
  sonnet: string('Model for sonnet ids.'),
  opus: string('Model for opus ids.'),
  default: string('Model for ids that match nothing; empty = they are refused.', ''),
});

const model = object('A model and what is known about it.', {
  id: string('What clients call it.'),
  upstream: string("The provider's own name for it; default: the id."),
  context_window: integer('Tokens that fit in it; 0 = not known.', { max: MAX_CONFIGURED_LIMIT }),
  max_output_tokens: integer('Tokens it can answer with; 0 = not known.', {
    max: MAX_CONFIGURED_LIMIT,
  }),
  vision: boolean('Whether it takes images.'),
});

const keyHints = {
  api_key: 'key',
  secret: 'key',
  token: 'key',
  rpm: 'max_requests_per_minute',
  requests_per_minute: 'max_requests_per_minute',
  tpm: 'max_tokens_per_minute',
  tokens_per_minute: 'max_tokens_per_minute',
  rpd: 'max_requests_per_day',
  tpd: 'max_tokens_per_day',
};

const key = object(
  'An API key and its limits.',
  {
    key: secret('The secret; an empty one drops the entry.'),
    key_file: string('A file that holds the secret, instead of it.'),
    name: string('Name in logs, metrics and headers; default: key-N by position.'),
    org: string('Keys of one organization share one set of limits.'),
    weight: decimal('Share of the draws of weighted_random.', {
      min: ABOVE_ZERO,
      max: 1_000_000,
      default: 1,
    }),
    max_requests_per_minute: limit('Requests per minute'),
    max_tokens_per_minute: limit('Tokens per minute'),
    max_uncached_tokens_per_minute: limit('Tokens per minute that no prompt cache gave'),
    max_requests_per_day: limit('Requests per day'),
    max_tokens_per_day: limit('Tokens per day'),
    max_concurrent: limit('Requests at the same time'),
  },
  keyHints,
);

const rateLimiting = object('Where limits come from, and how close to go to them.', {
  type: word(
    'Which rate-limit headers are read.',
    ['per_key_cerebras_headers', 'headers', 'fixed_rpm', 'none'],
    { former: { tokens_per_minute: 'fixed_rpm' } },
  ),
  safety_margin: decimal('Share of a limit that is kept back.', { max: 1, default: 0.2 }),
  backoff_threshold: integer('Requests left at which pacing starts.', {
    max: MAX_CONFIGURED_LIMIT,
    default: 100,
  }),
  requests_per_minute: limit('Requests per minute, all keys together'),
  tokens_per_minute: limit('Tokens per minute, all keys together'),
  max_concurrent: limit('Requests at the same time, all keys together'),
});

const errorRule = object(
  'What a refusal of the provider means; the first row that fits counts.',
  {
    status: several(
      'HTTP statuses; 200 for an error inside of a stream.',
      integer('A status.', { min: 200, max: 599 }),
    ),
    code: several('Codes or types in the body.', string('A code.')),
    text: string('Regular expression, searched in message and body; letter case does not count.'),
    scope: word('Who is at fault.', ['request', 'key', 'org', 'key-model', 'model', 'provider']),
    action: word('What is done about it.', [
      'retry',
      'cool',
      'lower-concurrency',
      'disable',
      'give-up',
    ]),
    rest: wait('Rest when the provider names no end; 0 = 2s, doubling while it repeats.', 0, 0),
    answer: word('What clients are told when nobody else can serve; default: by action.', [
      'no_room',
      'provider_busy',
      'balance_exhausted',
      'provider_refused',
      'prompt_too_long',
      'model_not_found',
      'keys_refused',
      'upstream_failed',
      'upstream_timeout',
    ]),
    reason: string('Word for the log, the metrics and the health page; default: by answer.'),
    quota: word('The quota that ran out: its reset header gives the end.', [
      'requests_minute',
      'requests_hour',
      'requests_day',
      'tokens_minute',
      'tokens_hour',
      'tokens_day',
    ]),
    text_zone: string('Zone of times in the text that name none, such as +08:00; default: UTC.'),
  },
  { match: 'text', message: 'text', regex: 'text', retry_after: 'rest', cooldown: 'rest' },
);

const provider = object(
  'A provider: where it is, what it serves, and with which keys.',
  {
    name: string('Name in logs, metrics, headers and provider/model pins.'),
    preset: word('Known kind of provider; default: by name, then by host.', [
      'cerebras',
      'zhipu',
      'zai',
      'openai',
      'anthropic',
      'generic',
    ]),
    protocol: word('What the endpoint speaks; default from the preset.', ['openai', 'anthropic']),
    endpoint: string('Base URL; default from the preset.'),
    allow_insecure: boolean('Allow plain http to another machine.', false),
    models: list(
      'Models it serves; default from the preset.',
      either('A model id, or an object.', string('A model id.'), model),
    ),
    load_balancing: object('Which key is taken, and the keys.', {
      strategy: word(
        'How a key is chosen among those with room.',
        ['round_robin', 'least_used', 'weighted_random'],
        { default: 'least_used' },
      ),
      api_keys: list('The keys.', either('A secret, or an object.', secret('A secret.'), key)),
    }),
    api_key: secret('Shorthand for one key.'),
    api_key_file: string('The same from a file.'),
    rate_limiting: rateLimiting,
    timeouts: object('How long each part of a call may take.', {
      connect: wait('Until the connection stands.', 1, 10_000),
      first_byte: wait('Until the answer begins.', 1, 300_000),
      idle: wait('Between two pieces of an answer.', 1, 300_000),
    }),
    headers: map('Extra request headers.', sensitive('A header value.')),
    error_rules: list("Rows in front of the preset's error table.", errorRule, []),
    output_sizing: word('Ask for no more output than the provider reserves at most.', SIZINGS, {
      default: 'auto',
    }),
    affinity_max_wait: wait(
      'How long a session waits for the org that has its prompts cached; 0 = it does not.',
      0,
      2_000,
    ),
  },
  { url: 'endpoint', base_url: 'endpoint', type: 'preset', keys: 'load_balancing.api_keys' },
);

/** The whole file. */
export const ROOT = object('Configuration of Cooldown Proxy.', {
  server,
  environment_models: tiers,
  models: map('Rules from ids and * globs to models; the first match wins.', string('A model.')),
  providers: named('Providers in the order of preference.', provider),
  limits: object('Limits over all providers.', {
    requests_per_minute: limit('Requests per minute'),
    tokens_per_minute: limit('Tokens per minute'),
    max_concurrent: limit('Requests at the same time'),
    queue: object('Requests that wait for room.', {
      max_depth: integer('Requests that may wait; 0 = none.', { max: 1_000_000, default: 1_000 }),
      max_wait: wait('How long one may wait.', 0, 120_000),
      spill_after: wait('A longer wait goes to the next provider; 0 = any wait.', 0, 2_000),
    }),
  }),
  reasoning_injection: object('A system prompt that asks models to reason.', {
    enabled: boolean('Inject the prompt.', true),
    models: list('For these models.', string('A model id.'), ['glm-4.6', 'glm-4.5-air']),
    prompt_template: string('The prompt.', PROMPT_TEMPLATE),
  }),
  monitoring: object('Health, metrics and the log.', {
    metrics_enabled: boolean('Serve metrics.', true),
    health_endpoint: string('Path of the health page.', '/health'),
    prometheus_endpoint: string('Path of the metrics page.', '/metrics'),
    log_level: word('Least level that is logged.', ['debug', 'info', 'warn', 'error', 'silent'], {
      default: 'info',
    }),
    log_format: word('Form of the log.', ['auto', 'json', 'pretty'], { default: 'auto' }),
    dashboard: reserved('A page for people.'),
  }),
  tls: object('Encryption of the way to the providers.', {
    ca_file: string("Certificates (PEM) that are trusted in addition to Node's own."),
  }),
  state: object('What is kept over a restart.', {
    file: string(
      'Where it is kept; empty = nowhere. Default: state.json in $STATE_DIRECTORY, else' +
        ' cooldown-proxy/state.json in $XDG_STATE_HOME or ~/.local/state.',
    ),
    redis: reserved('A store shared by several proxies.'),
    on_failure: reserved('What happens when the store fails.'),
  }),
  rate_limits: legacy('Per-domain limits of a forward proxy.'),
  default_rate_limit: legacy('Default limit of a forward proxy.'),
});

/** A file that keeps to the schema, with the defaults filled in. */
export type RawConfig = TypeOf<typeof ROOT>;
export type RawClient = RawConfig['server']['clients'][number];
export type RawProvider = NonNullable<RawConfig['providers']>[number];
export type RawKeyEntry = NonNullable<RawProvider['load_balancing']['api_keys']>[number];
export type RawErrorRule = RawProvider['error_rules'][number];
export type RawModel = NonNullable<RawProvider['models']>[number];

/** The JSON Schema (draft 2020-12) of the file, for editors. config/config.schema.json is this. */
export function jsonSchema(): JsonSchema {
  return {
    $schema: 'https://json-schema.org/draft/2020-12/schema',
    title: 'Cooldown Proxy configuration',
    ...toJsonSchema(ROOT),
  };
}
