/** GET …/models and …/models/{id}: what can be asked for, in the words of either dialect. */
import { answerJson, type LocalCall } from '../answer.ts';
import { GatewayError } from '../errors.ts';
import type { Gateway } from '../gateway.ts';
import type { ModelTable } from '../model-table.ts';
import type { Route } from './types.ts';

/** Anthropic wants a date and OpenAI a number; a mapping has no birthday, so it is this
 *  project's. */
const CREATED_S = 1_763_856_000;
const CREATED_AT = new Date(CREATED_S * 1_000).toISOString().replace('.000Z', 'Z');

export const anthropicModels: Route = {
  kind: 'local',
  answer(call) {
    const { models } = call.client ?? call.gateway;
    const data = [...models.ids.map(anthropicModel), ...tierAliases(call.gateway, models)];
    return answerJson(call, () => ({
      data,
      has_more: false,
      first_id: data[0]?.id ?? null,
      last_id: data.at(-1)?.id ?? null,
    }));
  },
};

export const anthropicModelById: Route = {
  kind: 'local',
  answer: (call) => answerJson(call, () => anthropicModel(known(call))),
};

export const openaiModels: Route = {
  kind: 'local',
  answer(call) {
    const { models } = call.client ?? call.gateway;
    return answerJson(call, () => ({
      object: 'list',
      data: models.ids.map((id) => openaiModel(id, call.gateway)),
    }));
  },
};

export const openaiModelById: Route = {
  kind: 'local',
  answer: (call) => answerJson(call, () => openaiModel(known(call), call.gateway)),
};

function anthropicModel(id: string): { id: string } & Record<string, unknown> {
  return { type: 'model', id, display_name: id, created_at: CREATED_AT };
}

/** Claude Code's model discovery keeps only ids that hold `claude` (CLIENTS.md, WIRE.md §B.1), so
 *  the tiers are offered under such names too. */
function tierAliases({ config, models }: Gateway, usable: ModelTable) {
  const tiers = ['opus', 'sonnet', 'haiku'] as const;
  return tiers
    .filter((tier) =>
      models.ids.some((id) => id.toLowerCase() === config.tiers[tier].toLowerCase()),
    )
    .filter((tier) => models === usable || usable.look(`claude-${tier}`) !== undefined)
    .map((tier) => ({
      ...anthropicModel(`claude-${tier}`),
      display_name: `Claude ${tier} (${config.tiers[tier]})`,
    }));
}

function openaiModel(id: string, gateway: Gateway): Record<string, unknown> {
  const first = gateway.models.find(id).candidates[0]?.provider ?? 0;
  const owner = gateway.config.providers[first]?.name ?? 'cooldown-proxy';
  return { id, object: 'model', created: CREATED_S, owned_by: owner };
}

/** The id of the path, when it can be asked for: a listed model, or any name that maps to one. */
function known(call: LocalCall): string {
  const id = decoded(call.rest);
  (call.client ?? call.gateway).models.find(id);
  return id;
}

function decoded(rest: string): string {
  try {
    return decodeURIComponent(rest);
  } catch {
    throw new GatewayError('NOT_FOUND', 'The model id in the path is not valid percent-encoding');
  }
}
