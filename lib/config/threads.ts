/**
 * How many worker threads can serve one port here?
 *
 * Each listens on its own with SO_REUSEPORT, and the kernel hands out the connections: Node sets
 * that option from 22.12 on, where the system has it with the meaning of "share them out" (Linux,
 * the BSDs, Solaris, AIX). An older Node ignores it, and the second thread could not listen.
 */
const OLDEST_NODE = [22, 12] as const;
const SHARES_A_PORT = new Set(['linux', 'freebsd', 'dragonfly', 'sunos', 'aix']);

/** Where the program runs. */
export interface Host {
  /** As in `22.12.0`. */
  readonly node: string;
  /** `process.platform` */
  readonly platform: string;
  /** Processors that the program may use. */
  readonly cores: number;
}

/** The threads for what is configured, or why there cannot be so many. `auto`: one a processor,
 *  and one where they cannot share a port. */
export function threadsOn(
  { node, platform, cores }: Host,
  workers: number | 'auto',
): number | { readonly fault: string } {
  if (workers === 1) return 1;
  const [major = 0, minor = 0] = node.split('.').map(Number);
  const isOld = major < OLDEST_NODE[0] || (major === OLDEST_NODE[0] && minor < OLDEST_NODE[1]);
  const fault = isOld
    ? `threads can share a port from Node.js ${OLDEST_NODE.join('.')} on, and this is ${node}`
    : SHARES_A_PORT.has(platform)
      ? ''
      : `threads cannot share a port on ${platform}`;
  if (fault === '') return workers === 'auto' ? Math.max(1, cores) : workers;
  return workers === 'auto' ? 1 : { fault: `${workers} are not possible here: ${fault}; use 1` };
}
