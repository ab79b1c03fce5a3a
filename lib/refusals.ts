/**
 * What a client is told when no key can serve its request: the truth, in one sentence.
 *
 * Which limit of which provider, and until when. Must stay true: what may pass by itself comes with
 * a `retry-after`; what will not says so with `x-should-retry: false`.
 */
import type { ClientRuntime } from './clients.ts';
import { GatewayError } from './errors.ts';
import type { Exchange } from './exchange.ts';
import type { Gateway, Lane, ProviderRuntime } from './gateway.ts';
import type { LimitName } from './quotas/bucket.ts';
import type { Verdict } from './quotas/cooldown-rules.ts';
import { laneStanding } from './standing.ts';

/** The reason of a rest that a circuit breaker made: nobody waits for it (breakers.ts). */
export const BREAKER = 'breaker';

/** The reason of a request above what a key takes at once, ever: a repeat changes nothing. */
const TOO_LARGE = 'too_large';

/** A lane that the request could use, and the tokens it would take there. */
export interface Choice {
  readonly provider: ProviderRuntime;
  readonly lane: Lane;
  readonly tokens: number;
}

const LIMIT_TEXTS: Readonly<Record<LimitName, string>> = {
  requests_minute: 'requests per minute',
  tokens_minute: 'tokens per minute',
  requests_day: 'requests per day',
  tokens_day: 'tokens per day',
  concurrency: 'concurrent requests',
  cooling: 'a cooldown',
  probe: 'a cooldown that is being probed',
  disabled: 'disabled keys',
  pacing: 'pacing near a limit',
  learned_requests_minute: 'the provider’s requests per minute',
  learned_requests_hour: 'the provider’s requests per hour',
  learned_requests_day: 'the provider’s requests per day',
  learned_tokens_minute: 'the provider’s tokens per minute',
  learned_tokens_hour: 'the provider’s tokens per hour',
  learned_tokens_day: 'the provider’s tokens per day',
};

/** How the texts about a day's limit begin: SURFACE §2. */
const DAILY = 'Approaching daily request limit: ';

/** No key has room soon enough, or the queue is full. */
export function noRoom(x: Exchange, choices: readonly Choice[], nowMs: number): GatewayError {
  const dead = allDead(x, choices, nowMs);
  if (dead !== undefined) return dead;
  if (choices.length === 0) return ofVerdict(x, x.verdict);
  if (choices.every(({ lane, tokens }) => x.gateway.quotas.neverFits(lane.path, tokens))) {
    const least = Math.min(...choices.map(({ tokens }) => tokens));
    return new GatewayError(
      'NO_ROOM',
      `The request needs ${least} tokens, more than a limit of any key will ever allow`,
      { shouldRetry: false },
    );
  }
  const { choice, atMs } = soonest(x, choices, nowMs);
  const block = x.gateway.quotas.blockedBy(choice.lane.path, nowMs, choice.tokens);
  const limit = block?.limit ?? 'cooling';
  const resting = limit === 'cooling' && block !== undefined;
  const cause = resting ? x.gateway.verdicts.get(block.bucket) : undefined;
  const retryAfterMs = Number.isFinite(atMs) ? atMs - nowMs : 1_000;
  if (cause?.reason === BREAKER) return ofVerdict(x, cause, retryAfterMs);
  const spent = cause?.quota === undefined ? limit : (`learned_${cause.quota}` as const);
  const daily = spent.endsWith('_day') ? DAILY : '';
  const until = Number.isFinite(atMs) ? `until ${new Date(atMs).toISOString()}` : 'for now';
  const why = cause === undefined ? '' : ` (${cause.reason})`;
  return new GatewayError(
    cause === undefined || isFinal(cause) ? 'NO_ROOM' : cause.answer,
    `${daily}no key of provider "${choice.provider.config.name}" has room ${until}: ` +
      `${LIMIT_TEXTS[spent]}${why}`,
    { retryAfterMs },
  );
}

/** A client has used up a limit of its own: which one, and until when. */
export function noClientRoom(
  { gateway: { quotas } }: Exchange,
  { config, path }: ClientRuntime,
  tokens: number,
  nowMs: number,
): GatewayError {
  const who = `client ${JSON.stringify(config.name)}`;
  if (quotas.neverFits(path, tokens)) {
    return new GatewayError(
      'NO_ROOM',
      `The request needs ${tokens} tokens, more than a limit of ${who} will ever allow`,
      { shouldRetry: false },
    );
  }
  const { limit, untilMs } = quotas.blockedBy(path, nowMs, tokens) ?? NO_TURN;
  const isKnown = Number.isFinite(untilMs);
  const daily = limit.endsWith('_day') ? DAILY : '';
  const until = isKnown ? `until ${new Date(untilMs).toISOString()}` : 'for now';
  return new GatewayError(
    'NO_ROOM',
    `${daily}${who} has no room ${until}: its own limit of ${LIMIT_TEXTS[limit]}`,
    { retryAfterMs: isKnown ? untilMs - nowMs : 1_000 },
  );
}

/** There is room, but it came too late, or others of the client were before. */
const NO_TURN = { limit: 'concurrency', untilMs: Number.POSITIVE_INFINITY } as const;

/** Whether a circuit is open on the way: then nobody waits, an error is told at once. */
export function isBroken(gateway: Gateway, lane: Lane, nowMs: number): boolean {
  const { state, bucket } = laneStanding(gateway, lane, nowMs);
  return state === 'cooling' && gateway.verdicts.get(bucket)?.reason === BREAKER;
}

/** The attempts or the time are used up: what the last attempt failed with. */
export function lastWord(x: Exchange, choices: readonly Choice[], nowMs: number): GatewayError {
  if (x.verdict !== null && x.verdict.answer !== 'NO_ROOM') return ofVerdict(x, x.verdict);
  return noRoom(x, choices, nowMs);
}

function ofVerdict(x: Exchange, verdict: Verdict | null, retryAfterMs = 1_000): GatewayError {
  if (verdict === null) return new GatewayError('NO_ROOM', 'No key can serve this request now');
  const text = x.gateway.redact(explained(x, verdict));
  if (verdict.reason === TOO_LARGE) {
    return new GatewayError(verdict.answer, text, { shouldRetry: false });
  }
  return new GatewayError(verdict.answer, text, isFinal(verdict) ? {} : { retryAfterMs });
}

/** What does not pass by itself. */
function isFinal({ answer }: Verdict): boolean {
  return (
    answer === 'BALANCE_EXHAUSTED' || answer === 'MODEL_NOT_FOUND' || answer === 'KEYS_REFUSED'
  );
}

/** A fault of the upstream names the provider; what it says on purpose stands for itself. */
function explained(x: Exchange, { answer, message }: Verdict): string {
  const failed = answer === 'UPSTREAM_FAILED' || answer === 'UPSTREAM_TIMEOUT';
  const name = x.provider?.config.name;
  if (!failed || name === undefined || message.startsWith('provider ')) return message;
  return `provider "${name}" failed: ${message}`;
}

/** Every key is disabled, or rests for what does not pass by itself. Undefined where some key is
 *  not, and does not. */
function allDead(x: Exchange, choices: readonly Choice[], nowMs: number): GatewayError | undefined {
  if (choices.length === 0) return undefined;
  const verdicts: (Verdict | undefined)[] = [];
  for (const { lane } of choices) {
    const { state, bucket } = laneStanding(x.gateway, lane, nowMs);
    const verdict = x.gateway.verdicts.get(bucket);
    const broke = state === 'cooling' && verdict !== undefined && isFinal(verdict);
    if (state !== 'disabled' && !broke) return undefined;
    verdicts.push(verdict);
  }
  const balance = verdicts.find((verdict) => verdict?.answer === 'BALANCE_EXHAUSTED');
  if (balance !== undefined) return ofVerdict(x, balance);
  const noModel = verdicts.every((verdict) => verdict?.answer === 'MODEL_NOT_FOUND');
  if (noModel) return ofVerdict(x, verdicts[0] ?? null);
  const names = choices.map(
    ({ provider, lane }) => `${provider.config.name}/${lane.key.config.name}`,
  );
  const text = verdicts.find((verdict) => verdict !== undefined)?.message ?? 'no reason given';
  return new GatewayError(
    'KEYS_REFUSED',
    x.gateway.redact(`Every key was refused by its provider (${names.join(', ')}): ${text}`),
  );
}

/** Takes at least one choice. */
function soonest(
  x: Exchange,
  choices: readonly Choice[],
  nowMs: number,
): { readonly choice: Choice; readonly atMs: number } {
  let best = { choice: choices[0] as Choice, atMs: Number.POSITIVE_INFINITY };
  for (const choice of choices) {
    const atMs = x.gateway.quotas.admissibleAtMs(choice.lane.path, nowMs, choice.tokens);
    if (atMs < best.atMs) best = { choice, atMs };
  }
  return best;
}
