/** GET /metrics: the Prometheus exposition. Gauges of quotas and keys are read when asked for. */
import { send } from '../answer.ts';
import { EXPOSITION_TYPE } from '../telemetry/registry.ts';
import type { Route } from './types.ts';

export const metrics: Route = {
  kind: 'local',
  answer: (call) =>
    send(call, 200, call.gateway.metrics.render(), { 'content-type': EXPOSITION_TYPE }),
};
