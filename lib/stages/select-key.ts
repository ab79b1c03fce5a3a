/**
 * SELECT KEY. x.route -> x.lane with a reservation: at once, or after a wait.
 *
 * Providers are tried in the order of the file; inside one, its strategy chooses among the keys with
 * room. Must stay true: a request waits only for what can still come in time; what it is refused
 * with says which limit of which provider, and until when (refusals.ts).
 */
import { GatewayError } from '../errors.ts';
import type { Exchange } from '../exchange.ts';
import { type Lane, type Lanes, lanesOf, type ProviderRuntime } from '../gateway.ts';
import { MAX_ATTEMPTS } from '../limits.ts';
import type { Candidate } from '../model-table.ts';
import { type Choice, lastWord, noRoom } from '../refusals.ts';
import { headerText } from '../reply.ts';
import { STRATEGIES } from '../strategies/index.ts';
import { NONE } from '../strategies/types.ts';

/** Throws CLIENT_GONE, NO_ROOM, or what the last attempt failed with when nothing is left to try. */
export async function selectKey(x: Exchange): Promise<void> {
  const { nowMs, waiting, config } = x.gateway;
  const { maxDepth, maxWaitMs } = config.limits.queue;
  const deadlineMs = x.startedMs + maxWaitMs;
  const enteredMs = nowMs();
  x.call = null;
  if (x.attempts >= MAX_ATTEMPTS) throw lastWord(x, choicesOf(x), enteredMs);
  for (;;) {
    if (x.aborted) throw new GatewayError('CLIENT_GONE', 'The client hung up');
    const now = nowMs();
    const late = now > deadlineMs;
    if (!late && take(x, now)) {
      x.attempts += 1;
      x.waitedMs += now - enteredMs;
      announce(x);
      return;
    }
    const choices = choicesOf(x);
    if (late) throw lastWord(x, choices, now);
    const roomMs = earliestRoomMs(x, choices, now);
    const full = waiting.depth >= maxDepth;
    if (full || (roomMs > deadlineMs && !waitsForOthers(x, choices, now))) {
      throw noRoom(x, choices, now, roomMs);
    }
    await waiting.sleep(x, now, Math.min(roomMs, deadlineMs + 1));
  }
}

/** Every key that could serve the request, in the order of preference. */
function choicesOf(x: Exchange): Choice[] {
  const choices: Choice[] = [];
  for (const candidate of x.route?.candidates ?? []) {
    if (x.avoid.has(candidate.provider)) continue;
    const provider = x.gateway.providers[candidate.provider] as ProviderRuntime;
    const tokens = tokensFor(x, provider, candidate);
    for (const lane of provider.lanes.get(candidate.model.id)?.list ?? []) {
      choices.push({ provider, lane, tokens });
    }
  }
  return choices;
}

/** Reserves at the first candidate that has room. */
function take(x: Exchange, nowMs: number): boolean {
  for (const candidate of x.route?.candidates ?? []) {
    if (x.avoid.has(candidate.provider)) continue;
    const provider = x.gateway.providers[candidate.provider] as ProviderRuntime;
    const lanes = provider.lanes.get(candidate.model.id);
    const lane = lanes && reserve(x, provider, candidate, lanes, nowMs);
    if (lane === undefined) continue;
    enter(x, provider, candidate, lane);
    return true;
  }
  return false;
}

/** Keys that have failed this request come last. */
function reserve(
  x: Exchange,
  provider: ProviderRuntime,
  candidate: Candidate,
  lanes: Lanes,
  nowMs: number,
): Lane | undefined {
  const { quotas, random } = x.gateway;
  const tokens = tokensFor(x, provider, candidate);
  const choose = STRATEGIES[provider.config.strategy];
  if (x.tried.size > 0) {
    const fresh = lanesOf(lanes.list.filter((lane) => !x.tried.has(lane)));
    const index = choose(quotas, fresh.range, nowMs, tokens, random, x.lease);
    if (index !== NONE) return fresh.list[index];
  }
  const index = choose(quotas, lanes.range, nowMs, tokens, random, x.lease);
  return index === NONE ? undefined : lanes.list[index];
}

/** What the provider will count: the prompt, and the output as far as it reserves any up front. */
function tokensFor(x: Exchange, provider: ProviderRuntime, { model }: Candidate): number {
  const asked = x.asked?.maxTokens ?? 0;
  const most = model.maxOutputTokens;
  const output = asked > 0 && (most === 0 || asked < most) ? asked : most;
  const cap = provider.config.preset.reservationCapTokens;
  if (cap === 0) return x.promptTokens + output;
  return x.promptTokens + (output === 0 ? cap : Math.min(cap, output));
}

function enter(x: Exchange, provider: ProviderRuntime, candidate: Candidate, lane: Lane): void {
  const before = x.provider;
  if (before !== null) {
    const { retries, failovers } = x.gateway.metrics;
    if (before === provider) retries.labels(provider.config.name).add();
    else failovers.labels(before.config.name).add();
  }
  if (before !== provider) x.faultsAtProvider = 0;
  x.provider = provider;
  x.candidate = candidate;
  x.lane = lane;
}

/** What the client is told about the choice, in headers, while they can still be sent. */
function announce(x: Exchange): void {
  const { headers } = x.reply;
  headers['x-cooldown-provider'] = headerText(x.provider?.config.name ?? '');
  headers['x-cooldown-model'] = headerText(x.candidate?.model.upstream ?? '');
  headers['x-cooldown-key'] = headerText(x.lane?.key.config.name ?? '');
  headers['x-cooldown-attempts'] = x.attempts;
  headers['x-cooldown-wait-ms'] = Math.round(x.waitedMs);
}

/** When the first of all keys can have room; Infinity when only the end of another request helps. */
function earliestRoomMs(x: Exchange, choices: readonly Choice[], nowMs: number): number {
  let earliest = Number.POSITIVE_INFINITY;
  for (const { lane, tokens } of choices) {
    earliest = Math.min(earliest, x.gateway.quotas.admissibleAtMs(lane.path, nowMs, tokens));
  }
  return earliest;
}

/** Whether some key is only full of requests that will end. */
function waitsForOthers(x: Exchange, choices: readonly Choice[], nowMs: number): boolean {
  return choices.some(({ lane, tokens }) => {
    const limit = x.gateway.quotas.blockedBy(lane.path, nowMs, tokens)?.limit;
    return limit === 'concurrency' || limit === 'probe';
  });
}
