/** FETCH. x.attempt -> x.answer: the headers of the upstream's answer; no body byte is read yet. */
import { GatewayError } from '../errors.ts';
import type { Exchange } from '../exchange.ts';
import type { KeyRuntime, ProviderRuntime } from '../gateway.ts';
import type { Attempt } from '../translate/pair.ts';
import { TransportError } from '../transports/types.ts';

/** Client headers that mean something to a provider of the Messages protocol. */
const FORWARDED = ['anthropic-version', 'anthropic-beta'] as const;

/** Returns the fault when there is no answer. Throws CLIENT_GONE. */
export async function fetchUpstream(x: Exchange): Promise<TransportError | null> {
  const { provider, lane } = x;
  if (provider === null || lane === null) throw new Error('fetchUpstream before selectKey');
  const attempt = x.attempt as Attempt;
  if (x.aborted) throw new GatewayError('CLIENT_GONE', 'The client hung up');
  x.answer = null;
  if (x.sentAt === 0) x.sentAt = performance.now();
  x.call = x.gateway.transport.send({
    origin: provider.origin,
    method: 'POST',
    path: pathOf(x, provider, attempt.path),
    headers: headersOf(x, lane.key),
    body: attempt.payload,
  });
  try {
    x.answer = await x.call.answer;
    countAttempt(x, String(x.answer.status));
    return null;
  } catch (thrown) {
    if (x.aborted) throw new GatewayError('CLIENT_GONE', 'The client hung up');
    countAttempt(x, 'none');
    if (thrown instanceof TransportError) return thrown;
    throw thrown;
  }
}

/** `status` is `none` where no answer came. */
function countAttempt(x: Exchange, status: string): void {
  const provider = x.provider?.config.name ?? '';
  const key = x.lane?.key.config.name ?? '';
  const model = x.route?.modelId ?? 'other';
  x.gateway.metrics.upstreamRequests.labels(provider, key, model, status).add();
}

/** All that a query says to a provider of the Messages protocol (WIRE.md §B.1). Whatever else is in
 *  it stays here: some clients put their credentials there. */
const BETA = /[?&]beta=true(?:&|$)/;

/** `/v1` stands once, whether the endpoint ends in it or not. */
function pathOf(x: Exchange, { basePath, config }: ProviderRuntime, path: string): string {
  if (config.protocol === 'openai') return basePath + path;
  const query = BETA.test(x.request.url ?? '') ? '?beta=true' : '';
  return basePath.replace(/\/v1$/, '') + path + query;
}

function headersOf(x: Exchange, key: KeyRuntime): Readonly<Record<string, string>> {
  let headers = x.asked?.stream === true ? key.streamHeaders : key.headers;
  if (x.provider?.config.protocol !== 'anthropic') return headers;
  for (const name of FORWARDED) {
    const value = x.request.headers[name];
    if (typeof value === 'string') headers = { ...headers, [name]: value };
  }
  return headers;
}
