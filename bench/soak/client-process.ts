/** The process of a soak's clients: opens what it is told, and says what it saw when it is asked. */
import { type Seen, Streams, type StreamTarget } from './streams.ts';

export type SoakCommand =
  | { readonly kind: 'open'; readonly targets: readonly StreamTarget[] }
  | { readonly kind: 'look' }
  | { readonly kind: 'close' };

let all: Streams[] = [];

process.once('disconnect', () => process.exit());
process.on('message', (command: SoakCommand) => {
  void obey(command).then((seen) => process.send?.(seen));
});
process.send?.('ready');

/** What each group saw, in the order in which they were opened. */
async function obey(command: SoakCommand): Promise<Seen[]> {
  switch (command.kind) {
    case 'open':
      all = command.targets.map((target) => new Streams(target));
      await Promise.all(all.map((streams) => streams.open()));
      break;
    case 'look':
      break;
    case 'close':
      for (const streams of all) streams.close();
      break;
    default: {
      const never: never = command;
      throw new TypeError(`unknown command ${String(never)}`);
    }
  }
  return all.map((streams) => streams.look());
}
