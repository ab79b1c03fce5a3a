/**
 * What a client is told when no key can serve its request: the truth, in one sentence.
 *
 * Which limit of which provider, and until when. Must stay true: what may pass by itself comes with a
 * `retry-after`; what will not says so with `x-should-retry: false`.
 */
import { GatewayError } from './errors.ts';
import type { Exchange } from './exchange.ts';
import type { Lane, ProviderRuntime } from './gateway.ts';
import type { LimitName } from './quotas/bucket.ts';
import type { Verdict } from './quotas/cooldown-rules.ts';
import { laneStanding } from './standing.ts';

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

/** No key has room soon enough. `roomMs`: when one will, Infinity when that is not known. */
export function noRoom(
  x: Exchange,
  choices: readonly Choice[],
  nowMs: number,
  roomMs: number,
): GatewayError {
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
  const { provider, lane, tokens } = soonest(x, choices, nowMs)?.choice ?? (choices[0] as Choice);
  const block = x.gateway.quotas.blockedBy(lane.path, nowMs, tokens);
  const limit = block?.limit ?? 'cooling';
  const verdict = block === undefined ? undefined : x.gateway.verdicts.get(block.bucket);
  const daily = limit.endsWith('_day') ? 'Approaching daily request limit: ' : '';
  const until = Number.isFinite(roomMs) ? `until ${new Date(roomMs).toISOString()}` : 'for now';
  const cause = limit === 'cooling' ? verdict : undefined;
  const why = cause === undefined ? '' : ` (${cause.reason})`;
  const retryAfterMs = Number.isFinite(roomMs) ? roomMs - nowMs : 1_000;
  return new GatewayError(
    cause?.answer === 'PROVIDER_BUSY' ? 'PROVIDER_BUSY' : 'NO_ROOM',
    `${daily}no key of provider "${provider.config.name}" has room ${until}: ` +
      `${LIMIT_TEXTS[limit]}${why}`,
    { retryAfterMs },
  );
}

/** The attempts or the time are used up: what the last attempt failed with. */
export function lastWord(x: Exchange, choices: readonly Choice[], nowMs: number): GatewayError {
  if (x.verdict !== null && x.verdict.answer !== 'NO_ROOM') return ofVerdict(x, x.verdict);
  const best = soonest(x, choices, nowMs);
  return noRoom(x, choices, nowMs, best?.atMs ?? Number.POSITIVE_INFINITY);
}

function ofVerdict(x: Exchange, verdict: Verdict | null): GatewayError {
  if (verdict === null) return new GatewayError('NO_ROOM', 'No key can serve this request now');
  const text = x.gateway.redact(verdict.message);
  const passes = verdict.answer === 'NO_ROOM' || verdict.answer === 'PROVIDER_BUSY';
  return new GatewayError(verdict.answer, text, passes ? { retryAfterMs: 1_000 } : {});
}

/** Every key is disabled, or out of money: nothing passes by itself. Undefined where some key is
 *  neither. */
function allDead(x: Exchange, choices: readonly Choice[], nowMs: number): GatewayError | undefined {
  if (choices.length === 0) return undefined;
  const verdicts: (Verdict | undefined)[] = [];
  for (const { lane } of choices) {
    const { state, bucket } = laneStanding(x.gateway, lane, nowMs);
    const verdict = x.gateway.verdicts.get(bucket);
    const broke = state === 'cooling' && verdict?.answer === 'BALANCE_EXHAUSTED';
    if (state !== 'disabled' && !broke) return undefined;
    verdicts.push(verdict);
  }
  const balance = verdicts.find((verdict) => verdict?.answer === 'BALANCE_EXHAUSTED');
  if (balance !== undefined) return ofVerdict(x, balance);
  const names = choices.map(
    ({ provider, lane }) => `${provider.config.name}/${lane.key.config.name}`,
  );
  const text = verdicts.find((verdict) => verdict !== undefined)?.message ?? 'no reason given';
  return new GatewayError(
    'KEYS_REFUSED',
    x.gateway.redact(`Every key was refused by its provider (${names.join(', ')}): ${text}`),
  );
}

function soonest(
  x: Exchange,
  choices: readonly Choice[],
  nowMs: number,
): { readonly choice: Choice; readonly atMs: number } | undefined {
  let best: { readonly choice: Choice; readonly atMs: number } | undefined;
  for (const choice of choices) {
    const atMs = x.gateway.quotas.admissibleAtMs(choice.lane.path, nowMs, choice.tokens);
    if (best === undefined || atMs < best.atMs) best = { choice, atMs };
  }
  return best;
}
