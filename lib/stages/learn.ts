/** LEARN. What an answer's headers and status teach about the key; a refusal becomes a verdict. */
import type { Exchange } from '../exchange.ts';
import type { Lane, ProviderRuntime } from '../gateway.ts';
import { MAX_ERROR_BODY_BYTES, MAX_ERROR_BODY_MS } from '../limits.ts';
import { classify, type Verdict } from '../quotas/cooldown-rules.ts';
import { readRateHeaders } from '../quotas/rate-headers.ts';
import type { RateReading } from '../quotas/rate-reading.ts';
import { collectBody } from '../transports/collect.ts';
import { type Answer, type Call, TransportError } from '../transports/types.ts';

/** Null: the provider answers (2xx). The body of a refusal is read here, bounded. */
export function learn(x: Exchange): Promise<Verdict | TransportError> | null {
  const answer = x.answer as Answer;
  const lane = x.lane as Lane;
  const { quotas, breakers } = x.gateway;
  learnHeaders(x, answer, lane);
  if (answer.status < 500) {
    breakers.answered(lane.key.bucket);
    breakers.answered((x.provider as ProviderRuntime).bucket);
  }
  if (answer.status >= 200 && answer.status < 300) {
    quotas.answered(lane.path, x.lease);
    return null;
  }
  return readRefusal(x, answer);
}

async function readRefusal(x: Exchange, answer: Answer): Promise<Verdict | TransportError> {
  const body = await x.untilGone(
    collectBody(answer, x.call as Call, MAX_ERROR_BODY_BYTES, MAX_ERROR_BODY_MS),
  );
  if (body instanceof TransportError) return body;
  const rules = x.provider?.errorRules ?? [];
  const text = body.bytes.toString('utf8');
  return classify(rules, answer.status, answer.headers, text, x.gateway.nowMs());
}

function learnHeaders(x: Exchange, answer: Answer, lane: Lane): void {
  const type = x.provider?.config.rateLimiting.type;
  if (type !== 'headers' && type !== 'per_key_cerebras_headers') return;
  const nowMs = x.gateway.nowMs();
  const readings = readRateHeaders(answer.headers, nowMs);
  if (readings.length === 0) return;
  const { quotas } = x.gateway;
  quotas.learn(lane.orgModelBucket, nowMs, readings);
  const twin = findTwin(x, lane, readings);
  if (twin !== null) quotas.learn(twin.orgModelBucket, nowMs, readings);
}

/** Another key, of another org by the configuration, that turns out to draw on the same quota. */
function findTwin(x: Exchange, lane: Lane, readings: readonly RateReading[]): Lane | null {
  const lanes = x.provider?.lanes.get(x.candidate?.model.id ?? '');
  const reading = readings.find(({ quota, remaining }) => {
    return quota.startsWith('requests') && remaining !== undefined;
  });
  if (lanes?.detector == null || reading?.remaining === undefined) return null;
  const found = lanes.detector.look(
    lanes.list.indexOf(lane),
    reading.limit ?? 0,
    reading.remaining,
  );
  const twin = lanes.list[found];
  if (twin === undefined || twin.key.orgBucket === lane.key.orgBucket) return null;
  const keys = [lane.key.config.name, twin.key.config.name];
  x.gateway.log.warn('keys share one quota: give them the same org', {
    provider: x.provider?.config.name,
    keys,
    model: x.route?.modelId,
  });
  return twin;
}
