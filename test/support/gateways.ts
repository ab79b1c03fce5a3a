/** A gateway without a server, for tests that look at what a configuration compiles to. */
import { compileGateway, type Gateway } from '../../lib/gateway.ts';
import { makeLog } from '../../lib/telemetry/log.ts';
import { makeMetrics } from '../../lib/telemetry/metrics.ts';
import { makeTransport } from '../../lib/transports/index.ts';
import { good } from './configs.ts';

/** Where the clock of these gateways stands. */
export const NOW_MS = Date.UTC(2026, 0, 1, 12);

/** `nowMs`: its clock, where it is to move; `before`: the gateway that it takes the place of. */
export function compiled(yaml: string, nowMs = () => NOW_MS, before?: Gateway): Gateway {
  const metrics = makeMetrics('1.2.3');
  metrics.close();
  const redact = (text: string) => text;
  const services = {
    version: '1.2.3',
    log: makeLog({ level: 'silent', format: 'json', write: () => {}, redact, now: nowMs }),
    metrics,
    transport: makeTransport('auto'),
    redact,
    nowMs,
    random: () => 0,
    startedMs: NOW_MS,
  };
  return compileGateway(good(yaml), services, before);
}
