/** GET /metrics: the Prometheus exposition. Gauges of quotas and keys are read when asked for. */
import { type LocalCall, send } from '../answer.ts';
import { EXPOSITION_TYPE } from '../telemetry/registry.ts';
import type { Route } from './types.ts';

export const metrics: Route = {
  kind: 'local',
  answer(call) {
    const { render, renderAll } = call.gateway.metrics;
    return renderAll === undefined
      ? reply(call, render())
      : renderAll().then((text) => reply(call, text));
  },
};

function reply(call: LocalCall, text: string): void {
  send(call, 200, text, { 'content-type': EXPOSITION_TYPE });
}
