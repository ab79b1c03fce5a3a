/** SETTLE. Every reservation goes back, what was used is booked, and one line is logged. Always. */
import { leaveClientRoom } from '../client-room.ts';
import { asGatewayError, framesOf, statusOf } from '../errors.ts';
import type { Exchange } from '../exchange.ts';

/** Never throws: it runs in a `finally`, and a failing log must not cost a reservation. */
export function settle(x: Exchange): void {
  const nowMs = x.gateway.nowMs();
  const { log } = x.gateway;
  for (const part of PARTS) {
    try {
      part(x, nowMs);
    } catch (thrown) {
      log.error('settle failed', { request_id: x.id, fault: framesOf(asGatewayError(thrown)) });
    }
  }
}

/** Each for itself: what fails in one is no reason to leave out the next. */
const PARTS = [hangUp, letBodyGo, calibrate, leaveRoom, release, count, logRequest] as const;

/** An upstream whose answer nobody reads to its end; without effect on one that has ended. */
function hangUp(x: Exchange): void {
  if (x.aborted || x.error !== null) x.call?.abort();
}

function letBodyGo(x: Exchange): void {
  x.letBodyGo();
}

/** Before `release`, which forgets whether the request went out. */
function leaveRoom(x: Exchange, nowMs: number): void {
  if (x.client === null) return;
  leaveClientRoom(x, nowMs, x.call !== null && x.lease.held ? usedTokens(x) : 0);
}

/** A request that never went out gives everything back; one that did is booked with what it used, a
 *  broken one with the prompt and the output seen so far (SURFACE §4.9). */
function release(x: Exchange, nowMs: number): void {
  if (x.lane === null || !x.lease.held) return;
  const { quotas } = x.gateway;
  if (x.call === null) quotas.cancel(x.lane.path, x.lease, nowMs);
  else quotas.settle(x.lane.path, x.lease, nowMs, usedTokens(x), uncachedTokens(x));
  x.gateway.waiting.onRelease();
}

function calibrate(x: Exchange): void {
  const { usage, route } = x;
  if (x.lane === null || !x.lease.held) return;
  if (usage?.reported === true && route !== null) {
    x.gateway.calibrations.observe(route.modelId, x.estimatedTokens, usage.promptTokens);
  }
}

function usedTokens(x: Exchange): number {
  const { usage } = x;
  if (usage === null) return x.promptTokens;
  return (usage.reported ? usage.promptTokens : x.promptTokens) + usage.outputTokens;
}

function uncachedTokens(x: Exchange): number {
  return usedTokens(x) - (x.usage?.cachedTokens ?? 0);
}

function statusTold(x: Exchange): number {
  if (x.error?.code === 'CLIENT_GONE') return statusOf('CLIENT_GONE', x.endpoint.dialect);
  return x.reply.status;
}

function count(x: Exchange, nowMs: number): void {
  const { metrics } = x.gateway;
  const { dialect } = x.endpoint;
  const provider = x.provider?.config.name ?? '';
  const model = x.route?.modelId ?? 'other';
  const status = String(statusTold(x));
  metrics.requests.labels(dialect, provider, model, status).add();
  if (x.client !== null) countForClient(x, x.client.config.name, status);
  if (x.error?.code === 'CLIENT_GONE') metrics.clientAborts.labels(provider).add();
  if (x.lane === null) return;
  metrics.requestDuration.labels(provider, model).observe((nowMs - x.startedMs) / 1_000);
  metrics.queueWait.labels(provider, model).observe(x.waitedMs / 1_000);
  if (x.firstByteMs > 0) {
    const firstByteS = (x.firstByteMs - x.startedMs) / 1_000;
    metrics.timeToFirstByte.labels(provider, model).observe(firstByteS);
  }
  if (x.sentAt > 0 && x.attempts === 1) {
    const overheadMs = Math.max(0, x.sentAt - x.readAt - x.waitedMs);
    metrics.proxyOverhead.labels(dialect).observe(overheadMs / 1_000);
  }
  countTokens(x, provider, model);
}

function countForClient(x: Exchange, client: string, status: string): void {
  const { clientRequests, clientTokens } = x.gateway.metrics;
  clientRequests.labels(client, status).add();
  const { usage } = x;
  if (usage === null) return;
  clientTokens.labels(client, 'input').add(usage.promptTokens);
  clientTokens.labels(client, 'output').add(usage.outputTokens);
  clientTokens.labels(client, 'cached').add(usage.cachedTokens);
  clientTokens.labels(client, 'reasoning').add(usage.reasoningTokens);
}

function countTokens(x: Exchange, provider: string, model: string): void {
  const { usage } = x;
  if (usage === null) return;
  const { tokens } = x.gateway.metrics;
  const key = x.lane?.key.config.name ?? '';
  tokens.labels(provider, key, model, 'input').add(usage.promptTokens);
  tokens.labels(provider, key, model, 'output').add(usage.outputTokens);
  tokens.labels(provider, key, model, 'cached').add(usage.cachedTokens);
  tokens.labels(provider, key, model, 'reasoning').add(usage.reasoningTokens);
}

function logRequest(x: Exchange, nowMs: number): void {
  const { log } = x.gateway;
  const { error } = x;
  const isFault = error !== null && statusOf(error.code, 'anthropic') >= 500;
  const write = isFault ? log.error : log.info; // also where the status told was 200
  write('request', {
    request_id: x.id,
    endpoint: x.endpoint.dialect,
    client: x.client?.config.name,
    asked_model: x.asked?.model.slice(0, 256),
    provider: x.provider?.config.name,
    model: x.candidate?.model.upstream,
    key: x.lane?.key.config.name,
    status: statusTold(x),
    attempts: x.attempts,
    wait_ms: Math.round(x.waitedMs),
    ttfb_ms: x.firstByteMs > 0 ? Math.round(x.firstByteMs - x.startedMs) : undefined,
    duration_ms: Math.round(nowMs - x.startedMs),
    input_tokens: x.usage?.promptTokens,
    output_tokens: x.usage?.outputTokens,
    cached_tokens: x.usage?.cachedTokens,
    bytes_in: x.bodyBytes,
    bytes_out: x.reply.bytes,
    stream: x.asked?.stream,
    error: error?.details.logged ?? error?.message,
    fault: framesOf(error),
  });
}
