/** What clients probe before they work: Claude Code warms its connection up with a HEAD. */
import { send } from '../answer.ts';
import type { Route } from './types.ts';

export const hello: Route = {
  kind: 'local',
  answer: (call) => send(call, 200, '{"status":"ok"}\n', {}),
};
