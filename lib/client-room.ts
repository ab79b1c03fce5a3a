/**
 * A client's own limits: is there room for one more of its requests?
 *
 * Those of a client without room wait in a line of its own, so that nobody else waits behind them;
 * only then do they take their turn for a key. Must stay true: a request takes from its client
 * once, however many attempts it needs, in the second in which its first attempt starts; what it
 * took ends once, with the request.
 */
import type { ClientRuntime } from './clients.ts';
import { GatewayError } from './errors.ts';
import type { Exchange } from './exchange.ts';
import type { ProviderRuntime } from './gateway.ts';
import { type Candidate, type ModelRoute, tokensUpFront } from './model-table.ts';
import { noClientRoom } from './refusals.ts';
import { classOf, sessionOf } from './sessions.ts';

/** Takes what the request needs from its client's limits, at once or after a wait; nothing when it
 *  has taken it before, or comes from nobody in particular. Throws CLIENT_GONE, or NO_ROOM naming
 *  the limit. */
export async function takeClientRoom(x: Exchange): Promise<void> {
  const { client, gateway } = x;
  if (client === null || x.clientLease.held) return;
  const { waiting, config, nowMs } = gateway;
  const tokens = tokensWanted(x);
  const line = lineOf(client);
  if (!waiting.isWanted(line) && take(x, client, tokens, nowMs())) return;
  const deadlineMs = x.startedMs + config.limits.queue.maxWaitMs;
  let refused = refuseEarly(x, client, tokens, deadlineMs, nowMs());
  if (refused !== null) throw refused;
  const wait = waiting.wait(x, {
    line,
    session: sessionOf(x.request.headers),
    class: classOf(x.request.headers, false),
    deadlineMs,
    tryNow(now) {
      if (take(x, client, tokens, now)) return 0;
      refused = refuseEarly(x, client, tokens, deadlineMs, now);
      if (refused !== null) return 0;
      return Math.max(now + 1, gateway.quotas.admissibleAtMs(client.path, now, tokens));
    },
  });
  if (wait === null) throw noClientRoom(x, client, tokens, nowMs());
  const end = await wait;
  if (refused !== null) throw refused;
  if (end === 'gone') throw new GatewayError('CLIENT_GONE', 'The client hung up');
  if (end === 'expired') throw noClientRoom(x, client, tokens, nowMs());
}

/** After a wait for a key: what was taken from the client is counted as of now, when the request
 *  starts. False: there is no room for it now (its own second has left the window meanwhile), and
 *  it holds nothing any more. */
export function startsInTime(x: Exchange, nowMs: number): boolean {
  const { client, clientLease, gateway } = x;
  if (client === null || x.attempts > 0) return true;
  const { tokens } = clientLease;
  gateway.quotas.cancel(client.path, clientLease, nowMs);
  return take(x, client, tokens, nowMs);
}

/** The request is over. One that never went out gives everything back; of another, its start
 *  counts, and `used` tokens. */
export function leaveClientRoom(x: Exchange, nowMs: number, used: number): void {
  const { client, clientLease, gateway } = x;
  if (client === null || !clientLease.held) return;
  if (x.sentAt === 0) gateway.quotas.cancel(client.path, clientLease, nowMs);
  else gateway.quotas.settle(client.path, clientLease, nowMs, used);
  gateway.waiting.onRelease();
}

function take(x: Exchange, client: ClientRuntime, tokens: number, nowMs: number): boolean {
  return x.gateway.quotas.tryReserve(client.path, nowMs, tokens, x.clientLease);
}

/** No model has a blank in its name, so no other line is called so. */
function lineOf({ config }: ClientRuntime): string {
  return `client ${config.name}`;
}

/** What the provider that is asked first would count. */
function tokensWanted(x: Exchange): number {
  const [{ provider, model }] = (x.route as ModelRoute).candidates as readonly [Candidate];
  const { preset } = (x.gateway.providers[provider] as ProviderRuntime).config;
  return tokensUpFront(model, preset.reservationCapTokens, x.promptTokens, x.asked?.maxTokens ?? 0);
}

/** The refusal of a request whose client has no room in time; null: it may wait. */
function refuseEarly(
  x: Exchange,
  client: ClientRuntime,
  tokens: number,
  deadlineMs: number,
  nowMs: number,
): GatewayError | null {
  const { quotas } = x.gateway;
  const block = quotas.blockedBy(client.path, nowMs, tokens);
  if (block === undefined || block.untilMs <= deadlineMs) return null;
  if (block.limit === 'concurrency' && !quotas.neverFits(client.path, tokens)) return null;
  return noClientRoom(x, client, tokens, nowMs);
}
