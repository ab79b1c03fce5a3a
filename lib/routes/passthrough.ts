/** POST {openai}/…: embeddings, responses and any other path with a JSON `model`, passed
 *  through. */
import { GatewayError } from '../errors.ts';
import type { Endpoint } from '../exchange.ts';
import { estimateBytes } from '../quotas/estimate-tokens.ts';
import { RawPassthrough } from '../translate/openai-openai/raw-stream.ts';
import { type RawRequest, readModelRequest, rewrite } from '../translate/openai-openai/request.ts';
import { relayJson } from '../translate/openai-openai/response.ts';
import type { Attempt, ClientRequest } from '../translate/pair.ts';
import type { TranslationContext } from '../translate/translator.ts';

export const passthrough: Endpoint = {
  dialect: 'openai',
  read(bytes, rest) {
    if (!isPlain(rest)) throw new GatewayError('NOT_FOUND', 'There is no such path here');
    return readRaw(readModelRequest(bytes), `/${rest}`);
  },
};

/** Nothing that a server could take for a way out of the provider's endpoint (`..`, `//`, escapes):
 *  the key goes with it. No path of the API holds such. */
function isPlain(path: string): boolean {
  return /^[\w.~:@-]+(?:\/[\w.~:@-]+)*$/.test(path) && !/(?:^|\/)\.{1,2}(?:\/|$)/.test(path);
}

function readRaw(raw: RawRequest, path: string): ClientRequest {
  return {
    model: raw.model,
    stream: raw.stream,
    maxTokens: raw.maxTokens ?? 0,
    thinkingDisabled: true,
    estimateTokens: () => estimateBytes(raw.bytes.length),
    speaks: (upstream) => upstream === 'openai', // the other pair of dialects is not built
    attempt: (_upstream, context) => attempt(raw, path, context),
  };
}

function attempt(raw: RawRequest, path: string, context: TranslationContext): Attempt {
  return {
    path,
    payload: rewrite(raw, context.model.upstream, false),
    maxTokens: raw.maxTokens ?? 0,
    wholeFrames: false,
    stream: () => new RawPassthrough(context),
    json: (bytes) => relayJson(bytes, context),
  };
}
