/** POST {anthropic}/v1/messages/count_tokens: answered here, costs no quota, never waits. */

import { answerJson } from '../answer.ts';
import { estimateMessages } from '../quotas/estimate-tokens.ts';
import { readRequestBody } from '../stages/read-body.ts';
import { parseCountTokens } from '../translate/anthropic-openai/parse.ts';
import type { Route } from './types.ts';

export const countTokens: Route = {
  kind: 'local',
  answer: (call) =>
    answerJson(call, 'anthropic', async () => {
      const bytes = await readRequestBody(call.request, call.gateway.config.server.maxBodyBytes);
      const request = parseCountTokens(bytes);
      const { modelId } = call.gateway.models.find(request.model);
      const estimate = estimateMessages(request);
      return { input_tokens: call.gateway.calibrations.corrected(modelId, estimate) };
    }),
};
