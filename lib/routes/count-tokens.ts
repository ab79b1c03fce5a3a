/** POST {anthropic}/v1/messages/count_tokens: answered here, costs no quota, never waits. */
import { answerJson } from '../answer.ts';
import { asGatewayError } from '../errors.ts';
import type { Gateway } from '../gateway.ts';
import { estimateMessages } from '../quotas/estimate-tokens.ts';
import { readRequestBody } from '../stages/read-body.ts';
import { parseCountTokens } from '../translate/anthropic-openai/parse.ts';
import type { Route } from './types.ts';

export const countTokens: Route = {
  kind: 'local',
  answer: (call) =>
    answerJson(call, async () => {
      const { config, calibrations } = call.gateway;
      const bytes = await readRequestBody(call.request, config.server.maxBodyBytes);
      const request = parseCountTokens(bytes);
      const modelId = modelIdOf(call.gateway, request.model);
      return { input_tokens: calibrations.corrected(modelId, estimateMessages(request)) };
    }),
};

/** A model that nobody serves is counted too, uncorrected: a client that is refused a count asks a
 *  provider instead, which costs quota (WIRE.md §B.1). */
function modelIdOf({ models }: Gateway, asked: string): string {
  try {
    return models.find(asked).modelId;
  } catch (thrown) {
    if (asGatewayError(thrown).code !== 'MODEL_NOT_FOUND') throw thrown;
    return '';
  }
}
