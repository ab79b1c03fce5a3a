/** MAP MODEL. The asked name -> x.route, the providers that serve it and speak a language we
 *  can. */
import { GatewayError } from '../errors.ts';
import type { Exchange } from '../exchange.ts';
import type { Candidate, ModelRoute } from '../model-table.ts';
import type { ClientRequest } from '../translate/pair.ts';

/** Throws MODEL_NOT_FOUND, FORBIDDEN where the client may not use it, or INVALID_REQUEST where no
 *  provider of the model speaks a built pair. */
export function mapModel(x: Exchange): void {
  const asked = x.asked as ClientRequest;
  const { models } = x.client ?? x.gateway;
  const route = models.find(asked.model);
  x.route = spokenPart(x, asked, route);
  x.estimatedTokens = asked.estimateTokens();
  x.promptTokens = x.gateway.calibrations.corrected(route.modelId, x.estimatedTokens);
}

/** The route without the candidates that this kind of request cannot reach. */
function spokenPart(x: Exchange, asked: ClientRequest, route: ModelRoute): ModelRoute {
  for (const candidate of route.candidates) {
    if (speaks(x, asked, candidate)) continue;
    const candidates = route.candidates.filter((each) => speaks(x, asked, each));
    if (candidates.length === 0) throw notBuilt(x, candidate);
    return { modelId: route.modelId, candidates };
  }
  return route;
}

function speaks(x: Exchange, asked: ClientRequest, candidate: Candidate): boolean {
  const provider = x.gateway.config.providers[candidate.provider];
  return provider !== undefined && asked.speaks(provider.protocol);
}

function notBuilt(x: Exchange, candidate: Candidate): GatewayError {
  const provider = x.gateway.config.providers[candidate.provider];
  return new GatewayError(
    'INVALID_REQUEST',
    `Model ${JSON.stringify(candidate.model.id)} is served by provider "${provider?.name}", ` +
      `which speaks the ${provider?.protocol} protocol; ` +
      'it cannot be reached from this endpoint yet',
    { param: 'model' },
  );
}
