/** How far away is the provider? A way to a local port on which every byte takes its time, so that
 *  what the provider says about a quota is old when it is heard. */
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';

const LOOPBACK = '127.0.0.1';

/** A port that leads to `port`, `delayMs` there and as much back. Lives as long as the process. */
export function farPort(port: number, delayMs: number): Promise<number> {
  const server = createServer((near) => {
    const far = connect(port, LOOPBACK);
    pass(near, far, delayMs);
    pass(far, near, delayMs);
  });
  return new Promise((resolve) => {
    server.listen(0, LOOPBACK, () => resolve((server.address() as AddressInfo).port));
  });
}

/** Timers of one length fire in the order in which they were set. */
function pass(from: Socket, to: Socket, delayMs: number): void {
  from.setNoDelay(true);
  from.on('data', (bytes) => setTimeout(() => to.write(bytes), delayMs));
  from.on('end', () => setTimeout(() => to.end(), delayMs));
  from.on('error', () => to.destroy());
  from.on('close', () => setTimeout(() => to.destroy(), delayMs));
}
