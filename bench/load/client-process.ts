/** The process that loads: does what its parent commands, one thing after the other. */
import autocannon from 'autocannon';
import { flood } from './flood.ts';
import type { ClientAnswer, ClientCommand, ClientMessage, Target } from './messages.ts';
import { OpenStreams } from './open-streams.ts';
import { ping, stamps } from './sequential.ts';

const ANSWER_TIMEOUT_S = 60;
/** How often autocannon looks whether it is done. */
const LOOK_MS = 20;

const tell = (message: ClientMessage) => process.send?.(message);
const streams = new OpenStreams();

process.once('disconnect', () => process.exit());
process.on('message', (command: ClientCommand) => {
  obey(command).then(
    (answer) => tell({ kind: 'answer', answer }),
    (fault: unknown) => tell({ kind: 'failed', reason: String(fault) }),
  );
});
tell({ kind: 'ready' });

async function obey(command: ClientCommand): Promise<ClientAnswer> {
  switch (command.kind) {
    case 'saturate':
      return saturate(command.target, command.connections, command.amount);
    case 'ping':
      return ping(command.target, command.amount, command.withinMs);
    case 'stamps':
      return stamps(command.target, command.amount);
    case 'flood':
      return flood(command);
    case 'open':
      await streams.open(command.target, command.streams);
      return counted();
    case 'hold':
      await streams.hold(command.target, command.amount);
      return counted();
    case 'count':
      return counted();
    case 'close':
      return { ...counted(), faults: streams.close() };
    default: {
      const never: never = command;
      throw new TypeError(`unknown command ${String(never)}`);
    }
  }
}

function counted(): ClientAnswer {
  const { events: count, faults } = streams;
  return { count, faults, seconds: 0, latenciesUs: [], furtherUs: [] };
}

async function saturate(
  target: Target,
  connections: number,
  amount: number,
): Promise<ClientAnswer> {
  const startedMs = performance.now();
  const result = await autocannon({
    ...target,
    method: 'POST',
    connections: Math.min(connections, amount),
    amount,
    timeout: ANSWER_TIMEOUT_S,
    sampleInt: LOOK_MS,
  });
  const seconds = (performance.now() - startedMs) / 1_000;
  const faults = result.non2xx + result.errors + result.timeouts;
  return { count: result['2xx'], faults, seconds, latenciesUs: [], furtherUs: [] };
}
