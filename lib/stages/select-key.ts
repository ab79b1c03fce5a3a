/**
 * SELECT KEY. x.route -> x.lane with a reservation: at once, or after a wait for one's turn.
 *
 * Providers are tried in the order of the file; inside one, its strategy chooses among the keys
 * with room, those of a warm prompt cache first. Must stay true: nobody overtakes those who wait
 * for the same model; a request waits only for what can still come in time; what it is refused with
 * says which limit of which provider, and until when (refusals.ts).
 */
import { startsInTime, takeClientRoom } from '../client-room.ts';
import { GatewayError } from '../errors.ts';
import type { Exchange } from '../exchange.ts';
import { type Lane, type Lanes, lanesOf, type ProviderRuntime } from '../gateway.ts';
import { MAX_ATTEMPTS } from '../limits.ts';
import { type Candidate, type ModelRoute, tokensUpFront } from '../model-table.ts';
import { type Choice, isBroken, lastWord, noRoom } from '../refusals.ts';
import { cacheKeyOf, classOf, sessionOf } from '../sessions.ts';
import { STRATEGIES } from '../strategies/index.ts';
import { NONE } from '../strategies/types.ts';

/** Null: it was chosen at once. Throws, or rejects with, CLIENT_GONE, NO_ROOM, or what the last
 *  attempt failed with when nothing is left to try. */
export function selectKey(x: Exchange): Promise<void> | null {
  const { nowMs, waiting } = x.gateway;
  const sinceMs = nowMs();
  x.call = null;
  if (x.aborted) throw new GatewayError('CLIENT_GONE', 'The client hung up');
  if (x.attempts >= MAX_ATTEMPTS) throw lastWord(x, choicesOf(x), sinceMs);
  const { modelId } = x.route as ModelRoute;
  if (x.client !== null || waiting.isWanted(modelId) || tryNow(x, sinceMs, sinceMs) > 0) {
    return selectInTurn(x, sinceMs);
  }
  begin(x, 0);
  return null;
}

/** With the room of the client first, and after all who wait for the model. */
async function selectInTurn(x: Exchange, sinceMs: number): Promise<void> {
  const { nowMs, waiting } = x.gateway;
  const { modelId } = x.route as ModelRoute;
  if (x.client !== null) await takeClientRoom(x);
  let lookMs = x.client === null ? sinceMs : nowMs();
  while (waiting.isWanted(modelId) || tryNow(x, lookMs, lookMs) > 0) {
    await queue(x, lookMs);
    if (startsInTime(x, nowMs())) break;
    giveBack(x, nowMs());
    await takeClientRoom(x);
    lookMs = nowMs();
  }
  begin(x, nowMs() - sinceMs);
}

function begin(x: Exchange, waitedMs: number): void {
  x.attempts += 1;
  x.waitedMs += waitedMs;
  announce(x);
}

/** The key's room: the client had none any more. */
function giveBack(x: Exchange, nowMs: number): void {
  x.gateway.quotas.cancel((x.lane as Lane).path, x.lease, nowMs);
  x.gateway.waiting.onRelease();
  x.provider = null;
}

/** Waits for a turn with room. Returns with a reservation, or throws. */
async function queue(x: Exchange, sinceMs: number): Promise<void> {
  const { waiting, config, nowMs } = x.gateway;
  const { modelId } = x.route as ModelRoute;
  const { headers } = x.request;
  const deadlineMs = x.startedMs + config.limits.queue.maxWaitMs;
  let refused: GatewayError | null = refuseEarly(x, sinceMs, deadlineMs);
  if (refused !== null) throw refused;
  const wait = waiting.wait(x, {
    line: modelId,
    // Whoever has a name has one turn, however many sessions it says that it has.
    session: x.client === null ? sessionOf(headers) : x.client.config.name,
    class: classOf(headers, isBackground(x)),
    deadlineMs,
    // One that cannot go everywhere any more waits for other things than those behind it.
    again: x.attempts > 0 && x.avoid.length === 0,
    tryNow(now) {
      const wakeMs = tryNow(x, now, sinceMs);
      if (wakeMs > 0) refused = refuseEarly(x, now, deadlineMs);
      return refused === null ? wakeMs : 0;
    },
  });
  if (wait === null) throw noRoom(x, choicesOf(x), sinceMs);
  const end = await wait;
  if (refused !== null) throw refused;
  if (end === 'gone') throw new GatewayError('CLIENT_GONE', 'The client hung up');
  if (end === 'expired') throw lastWord(x, choicesOf(x), nowMs());
}

/** The refusal of a request that cannot be served in time, whoever else goes first; null: it
 *  may. */
function refuseEarly(x: Exchange, nowMs: number, deadlineMs: number): GatewayError | null {
  const choices = choicesOf(x);
  const hopeful = choices.filter((choice) => canStillServe(x, choice, nowMs, deadlineMs));
  return hopeful.length > 0 ? null : noRoom(x, choices, nowMs);
}

function canStillServe(x: Exchange, choice: Choice, nowMs: number, deadlineMs: number): boolean {
  const { quotas } = x.gateway;
  const { lane, tokens } = choice;
  if (isBroken(x.gateway, lane, nowMs)) return false;
  const block = quotas.blockedBy(lane.path, nowMs, tokens); // once: other threads change it
  if (block === undefined || block.untilMs <= deadlineMs) return true;
  return block.limit === 'concurrency' || block.limit === 'probe'; // full of what will end
}

/** The helper calls of a client: those for the small tier where it has a model of its own. */
function isBackground(x: Exchange): boolean {
  const { haiku, sonnet, opus } = x.gateway.config.tiers;
  const modelId = (x.route as ModelRoute).modelId.toLowerCase();
  const isSmall = modelId === haiku.toLowerCase() && haiku !== sonnet && haiku !== opus;
  return isSmall || x.asked?.model.toLowerCase().includes('haiku') === true;
}

/** Every key that could serve the request, in the order of preference. */
function choicesOf(x: Exchange): Choice[] {
  const choices: Choice[] = [];
  for (const candidate of x.route?.candidates ?? []) {
    if (x.avoid.includes(candidate.provider)) continue;
    const provider = x.gateway.providers[candidate.provider] as ProviderRuntime;
    const tokens = tokensFor(x, provider, candidate);
    for (const lane of provider.lanes.get(candidate.model.id)?.list ?? []) {
      choices.push({ provider, lane, tokens });
    }
  }
  return choices;
}

/**
 * Reserves at the first provider that has room and returns 0, else the moment to try again. A short
 * wait for a provider is better than going on to the next (`limits.queue.spill_after`).
 */
function tryNow(x: Exchange, nowMs: number, sinceMs: number): number {
  const { spillAfterMs } = x.gateway.config.limits.queue;
  let wakeMs = Number.POSITIVE_INFINITY;
  for (const candidate of x.route?.candidates ?? []) {
    if (x.avoid.includes(candidate.provider)) continue;
    const provider = x.gateway.providers[candidate.provider] as ProviderRuntime;
    const lanes = provider.lanes.get(candidate.model.id);
    if (lanes === undefined || lanes.list.length === 0) continue;
    const roomMs = tryProvider(x, provider, candidate, lanes, nowMs, sinceMs);
    if (roomMs === 0) return 0;
    wakeMs = Math.min(wakeMs, roomMs);
    if (staysFor(x, roomMs, spillAfterMs, nowMs, sinceMs)) break;
  }
  return wakeMs;
}

/** Whether a wait is short enough to prefer, and has not lasted that long already. After a failed
 *  attempt nothing is preferred any more: whoever has room first. */
function staysFor(
  x: Exchange,
  roomMs: number,
  limitMs: number,
  nowMs: number,
  sinceMs: number,
): boolean {
  return x.attempts === 0 && roomMs - nowMs <= limitMs && nowMs - sinceMs < limitMs;
}

/** 0: reserved. Else the moment from which this provider could have room. */
function tryProvider(
  x: Exchange,
  provider: ProviderRuntime,
  candidate: Candidate,
  lanes: Lanes,
  nowMs: number,
  sinceMs: number,
): number {
  const tokens = tokensFor(x, provider, candidate);
  const cacheKey = cacheKeyOf(x.request.headers, candidate.model.id);
  const warm = cacheKey === '' ? undefined : x.gateway.sessions.warmOrg(cacheKey, nowMs);
  const own = warm === undefined ? undefined : lanes.byOrg.get(warm);
  if (own !== undefined && own.list.length < lanes.list.length) {
    const lane = reserve(x, provider, own, tokens, nowMs);
    if (lane !== undefined) return enter(x, provider, candidate, lane, cacheKey, nowMs);
    const warmMs = earliestRoomMs(x, own, tokens, nowMs);
    if (staysFor(x, warmMs, provider.config.affinityMaxWaitMs, nowMs, sinceMs)) return warmMs;
  }
  const lane = reserve(x, provider, lanes, tokens, nowMs);
  if (lane !== undefined) return enter(x, provider, candidate, lane, cacheKey, nowMs);
  return earliestRoomMs(x, lanes, tokens, nowMs);
}

/** Keys that have failed this request come last. */
function reserve(
  x: Exchange,
  provider: ProviderRuntime,
  lanes: Lanes,
  tokens: number,
  nowMs: number,
): Lane | undefined {
  const { quotas, random } = x.gateway;
  const choose = STRATEGIES[provider.config.strategy];
  if (x.tried.length > 0) {
    const fresh = lanesOf(lanes.list.filter((lane) => !x.tried.includes(lane)));
    const index = choose(quotas, fresh.range, nowMs, tokens, random, x.lease);
    if (index !== NONE) return fresh.list[index];
  }
  const index = choose(quotas, lanes.range, nowMs, tokens, random, x.lease);
  return index === NONE ? undefined : lanes.list[index];
}

/** Infinity when only the end of another request helps, or nothing. */
function earliestRoomMs(x: Exchange, { list }: Lanes, tokens: number, nowMs: number): number {
  let earliest = Number.POSITIVE_INFINITY;
  for (const { path } of list) {
    earliest = Math.min(earliest, x.gateway.quotas.admissibleAtMs(path, nowMs, tokens));
  }
  return Math.max(earliest, nowMs + 1);
}

/** What the provider will count: the prompt, and the output as far as it reserves any up front. */
function tokensFor(x: Exchange, provider: ProviderRuntime, { model }: Candidate): number {
  const cap = provider.config.preset.reservationCapTokens;
  return tokensUpFront(model, cap, x.promptTokens, x.asked?.maxTokens ?? 0);
}

function enter(
  x: Exchange,
  provider: ProviderRuntime,
  candidate: Candidate,
  lane: Lane,
  cacheKey: string,
  nowMs: number,
): 0 {
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
  const lanes = provider.lanes.get(candidate.model.id);
  lanes?.detector?.sent(lanes.list.indexOf(lane));
  x.gateway.sessions.served(cacheKey, lane.key.orgBucket, nowMs);
  return 0;
}

/** What the client is told about the choice, in headers, while they can still be sent. */
function announce(x: Exchange): void {
  x.reply.announce({
    provider: x.provider?.config.name ?? '',
    model: x.candidate?.model.upstream ?? '',
    key: x.lane?.key.config.name ?? '',
    attempts: x.attempts,
    waitedMs: x.waitedMs,
  });
}
