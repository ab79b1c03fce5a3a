/** The table of routes (SURFACE §2). A new endpoint is one file beside this one and its lines
 *  here. */
import type { Config } from '../config/types.ts';
import type { Endpoint } from '../exchange.ts';
import type { RouteSpec } from '../router.ts';
import { chatCompletions } from './chat-completions.ts';
import { countTokens } from './count-tokens.ts';
import { health } from './health.ts';
import { hello } from './hello.ts';
import { messages } from './messages.ts';
import { metrics } from './metrics.ts';
import { anthropicModelById, anthropicModels, openaiModelById, openaiModels } from './models.ts';
import { passthrough } from './passthrough.ts';
import type { Route } from './types.ts';

export type { Route } from './types.ts';

type Spec = RouteSpec<Route>;

/** Every route of a configuration, exact ones and prefixes. */
export function routesOf({ server, monitoring }: Config): Spec[] {
  return [
    ...anthropicRoutes(server.anthropicEndpoint),
    ...openaiRoutes(server.openaiEndpoint),
    get(monitoring.healthEndpoint, health),
    ...(monitoring.metricsEnabled ? [get(monitoring.prometheusEndpoint, metrics)] : []),
  ];
}

/** With and without `/v1`: some SDKs count it to the base URL (CLIENTS.md §5). */
function anthropicRoutes(base: string): Spec[] {
  const api = [base, `${base}/v1`].flatMap((root) => [
    post(`${root}/messages`, proxied(messages)),
    post(`${root}/messages/count_tokens`, countTokens),
    get(`${root}/models`, anthropicModels),
    get(`${root}/models/*`, anthropicModelById),
  ]);
  return [get(base, hello), get(`${base}/`, hello), get(`${base}/api/hello`, hello), ...api];
}

function openaiRoutes(base: string): Spec[] {
  return [`${base}/v1`, base].flatMap((root) => [
    post(`${root}/chat/completions`, proxied(chatCompletions)),
    get(`${root}/models`, openaiModels),
    get(`${root}/models/*`, openaiModelById),
    post(`${root}/*`, proxied(passthrough)),
  ]);
}

function proxied(endpoint: Endpoint): Route {
  return { kind: 'proxied', endpoint };
}

function get(path: string, handler: Route): Spec {
  return { method: 'GET', path, handler };
}

function post(path: string, handler: Route): Spec {
  return { method: 'POST', path, handler };
}
