/**
 * PUNISH. A failed attempt -> who rests, and whether the request may go on. Nothing was shown yet.
 *
 * Must stay true: a caller's own mistake punishes nobody; a rest is never shortened; whoever rests
 * does so before the reservation of the attempt is back, which is before the next one is made.
 */
import { GatewayError } from '../errors.ts';
import type { Exchange } from '../exchange.ts';
import type { Lane, ProviderRuntime } from '../gateway.ts';
import { FIRST_BACKOFF_MS, MAX_FAULTS_AT_PROVIDER } from '../limits.ts';
import type { Bucket } from '../quotas/bucket.ts';
import { classify, type Verdict } from '../quotas/cooldown-rules.ts';
import { readErrorText } from '../quotas/error-text.ts';
import { BREAKER } from '../refusals.ts';
import type { Again, UpstreamFault } from '../translate/translator.ts';
import { TransportError } from '../transports/types.ts';

export type AttemptFault = Verdict | Again | UpstreamFault | TransportError;

/** Returns when another attempt may be made. Throws CLIENT_GONE, or what the request itself is
 *  refused with. */
export async function punish(x: Exchange, fault: AttemptFault): Promise<void> {
  const { quotas } = x.gateway;
  const lane = x.lane as Lane;
  const nowMs = x.gateway.nowMs();
  if ('kind' in fault && fault.kind === 'again') {
    const { promptTokens, outputTokens, cachedTokens } = fault.usage;
    const used = promptTokens + outputTokens;
    quotas.settle(lane.path, x.lease, nowMs, used, used - cachedTokens);
    x.gateway.waiting.onRelease();
    return;
  }
  const verdict = verdictOf(x, fault, nowMs);
  x.verdict = verdict;
  x.call?.abort();
  if (!x.aborted && verdict.action !== 'give-up') apply(x, verdict, lane, nowMs);
  quotas.settle(lane.path, x.lease, nowMs, 0);
  x.gateway.waiting.onRelease();
  if (x.aborted) throw new GatewayError('CLIENT_GONE', 'The client hung up');
  if (verdict.action === 'give-up') {
    if (shrinks(x, verdict)) return;
    throw refusal(x, verdict);
  }
  logFault(x, verdict, lane);
  const again = x.candidate !== null && !x.avoid.includes(x.candidate.provider);
  if (isFault(verdict) && again) await backOff(x);
}

/** What the client is told in full; the log gets the code alone, since a provider may quote the
 *  prompt that it does not like. */
function refusal(x: Exchange, verdict: Verdict): GatewayError {
  const code = verdict.code === '' ? '' : `, ${verdict.code}`;
  return new GatewayError(verdict.answer, x.gateway.redact(refusalText(x, verdict)), {
    logged: `provider "${providerName(x)}" refused the request (${verdict.reason}${code})`,
  });
}

/** The one wording that makes Claude Code compact its conversation (WIRE.md §B.5); the numbers are
 *  the provider's where its text has them, and the first is always the larger. */
function refusalText(x: Exchange, verdict: Verdict): string {
  if (verdict.answer !== 'PROMPT_TOO_LONG') return verdict.message;
  const window = x.candidate?.model.contextWindow ?? 0;
  const maximum = verdict.maxTokens ?? (window > 0 ? window : Math.max(1, x.promptTokens - 1));
  const tokens = Math.max(verdict.promptTokens ?? x.promptTokens, maximum + 1);
  return `prompt is too long: ${tokens} tokens > ${maximum} maximum`;
}

function verdictOf(x: Exchange, fault: Exclude<AttemptFault, Again>, nowMs: number): Verdict {
  if (fault instanceof TransportError) return networkVerdict(x, fault);
  if ('action' in fault) return fault;
  if (fault.kind === 'error') {
    const rules = x.provider?.errorRules ?? [];
    const status = fault.status === 0 ? 502 : fault.status;
    return classify(rules, status, x.answer?.headers ?? {}, fault.text, nowMs);
  }
  return retry('UPSTREAM_FAILED', 'nonsense', `provider "${providerName(x)}": ${nonsense(fault)}`);
}

/** Not what was answered: it may be a piece of a completion, and belongs into no message or log. */
function nonsense({ kind, text }: UpstreamFault): string {
  if (kind === 'cut') return 'the answer ended too early';
  const page = /^\s*</.test(text) ? `: ${readErrorText(text).message}` : '';
  return `the answer is not what its protocol says${page}`;
}

function networkVerdict(x: Exchange, { fault, message }: TransportError): Verdict {
  const late = fault === 'connect-timeout' || fault === 'first-byte-timeout';
  const answer = late || fault === 'idle-timeout' ? 'UPSTREAM_TIMEOUT' : 'UPSTREAM_FAILED';
  return retry(answer, 'network', `provider "${providerName(x)}": ${message}`);
}

function retry(answer: Verdict['answer'], reason: string, message: string): Verdict {
  return { scope: 'request', action: 'retry', untilMs: 0, answer, reason, message, code: '' };
}

function providerName(x: Exchange): string {
  return x.provider?.config.name ?? '';
}

/** Puts the scope of a verdict to rest. */
function apply(x: Exchange, verdict: Verdict, lane: Lane, nowMs: number): void {
  const { quotas } = x.gateway;
  const lowers = verdict.action === 'lower-concurrency';
  const bucket = lowers ? lane.keyModelBucket : bucketOf(x, verdict, lane);
  switch (verdict.action) {
    case 'retry':
    case 'give-up':
      goOn(x, verdict, lane);
      trip(x, verdict, lane, nowMs);
      return;
    case 'lower-concurrency':
      quotas.lowerConcurrency(bucket, nowMs);
      rest(x, verdict, lane, bucket, nowMs);
      break;
    case 'disable':
      quotas.disable(bucket);
      break;
    case 'cool':
      rest(x, verdict, lane, bucket, nowMs);
      break;
    default: {
      const never: never = verdict.action;
      throw new Error(`unknown action ${String(never)}`);
    }
  }
  x.gateway.verdicts.set(bucket, verdict); // for texts and /health: why it rests
  x.gateway.metrics.cooldowns.labels(providerName(x), lane.key.config.name, verdict.reason).add();
}

/** To the end that was named, or earlier where the quota refills all the time; else doubling. */
function rest(x: Exchange, verdict: Verdict, lane: Lane, bucket: Bucket, nowMs: number): void {
  const { quotas } = x.gateway;
  const { untilMs, quota, atReset } = verdict;
  if (untilMs === 0) quotas.rest(bucket, nowMs);
  else if (atReset !== true || quota === undefined) quotas.cool(bucket, nowMs, untilMs);
  else {
    const { tokens } = x.lease;
    const probeMs = quotas.probeAtMs(lane.orgModelBucket, nowMs, quota, untilMs, tokens);
    quotas.cool(bucket, nowMs, probeMs);
  }
}

/** Nothing is at fault that lasts: the request goes on, here or without this provider. A model that
 *  is not there, and a request that no key here would take, need no second try. */
function goOn(x: Exchange, { scope, answer }: Verdict, lane: Lane): void {
  x.faultsAtProvider += 1;
  x.tried.push(lane);
  const lanes = x.provider?.lanes.get(x.candidate?.model.id ?? '')?.list ?? [];
  const spent = answer === 'NO_ROOM' && lanes.every((one) => x.tried.includes(one));
  if (scope !== 'model' && !spent && x.faultsAtProvider < MAX_FAULTS_AT_PROVIDER) return;
  x.avoid.push(x.candidate?.provider ?? -1);
}

/** A fault may be over in a moment. */
function isFault({ action, answer }: Verdict): boolean {
  return action === 'retry' && (answer === 'UPSTREAM_FAILED' || answer === 'UPSTREAM_TIMEOUT');
}

/** Faults in a row open the circuit of the key, and of the provider. What a provider says on
 *  purpose (a missing model, a request too large) is no fault. */
function trip(x: Exchange, verdict: Verdict, lane: Lane, nowMs: number): void {
  const { breakers, metrics, verdicts } = x.gateway;
  const { bucket: providerBucket, config } = x.provider as ProviderRuntime;
  if (!isFault(verdict)) return;
  for (const bucket of [lane.key.bucket, providerBucket]) {
    if (breakers.fault(bucket, nowMs) === 0) continue;
    verdicts.set(bucket, { ...verdict, reason: BREAKER });
    metrics.cooldowns.labels(config.name, lane.key.config.name, BREAKER).add();
  }
}

function bucketOf(x: Exchange, verdict: Verdict, lane: Lane): Bucket {
  switch (verdict.scope) {
    case 'org':
      return lane.key.orgBucket;
    case 'key-model':
      // A quota is the org's: its other keys would only be told the same.
      return verdict.quota === undefined ? lane.keyModelBucket : lane.orgModelBucket;
    case 'model':
      return lane.modelBucket;
    case 'provider':
      return (x.provider as ProviderRuntime).bucket;
    case 'key':
    case 'request':
      return lane.key.bucket;
    default: {
      const never: never = verdict.scope;
      return never;
    }
  }
}

/**
 * A prompt that fits, with an answer that does not: the provider's own numbers say how much room is
 * left, so the request goes out once more with a smaller maximum (FIELD-NOTES F9).
 */
function shrinks(x: Exchange, verdict: Verdict): boolean {
  const { promptTokens, maxTokens } = verdict;
  const sent = x.attempt?.maxTokens ?? 0;
  if (verdict.answer !== 'PROMPT_TOO_LONG' || x.maxOutputTokens > 0 || sent === 0) return false;
  if (promptTokens === undefined || maxTokens === undefined) return false;
  const room = maxTokens - (promptTokens - sent) - MARGIN_TOKENS;
  if (room < MIN_OUTPUT_TOKENS || room >= sent) return false;
  x.maxOutputTokens = room;
  x.rewrittenFor = null;
  return true;
}

const MARGIN_TOKENS = 64;
/** An answer shorter than this is of no use to a coding agent: better to let it compact. */
const MIN_OUTPUT_TOKENS = 4_096;

function logFault(x: Exchange, verdict: Verdict, lane: Lane): void {
  const fields = {
    request_id: x.id,
    provider: providerName(x),
    key: lane.key.config.name,
    model: x.route?.modelId,
    reason: verdict.reason,
    scope: verdict.scope,
    until: verdict.untilMs > 0 ? new Date(verdict.untilMs).toISOString() : undefined,
    error: verdict.message,
  };
  if (verdict.action === 'disable') x.gateway.log.error('key disabled', fields);
  else x.gateway.log.warn('attempt failed', fields);
}

/** Waits a moment, doubling with each fault of this request, half of it by chance. */
function backOff(x: Exchange): Promise<void> {
  const ceilingMs = FIRST_BACKOFF_MS * 2 ** (x.faultsAtProvider - 1);
  const waitMs = ceilingMs * (0.5 + x.gateway.random() / 2);
  return new Promise((resolve) => {
    const finish = () => {
      clearTimeout(timer);
      x.onAbort = null;
      resolve();
    };
    const timer = setTimeout(finish, waitMs);
    x.onAbort = finish;
  });
}
