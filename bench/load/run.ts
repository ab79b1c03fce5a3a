/** The load benches of one run: which parts, over which processes, in which order. */

import { latencySection } from './latency.ts';
import { memorySection } from './memory.ts';
import { pacedSection } from './paced.ts';
import { Processes } from './processes.ts';
import type { TransportName } from './proxy-config.ts';
import type { Extent } from './rounds.ts';
import { jsonSection, sseSection } from './saturated.ts';
import type { Bench, Section } from './section.ts';
import { variantsOf } from './variants.ts';

export const PARTS = ['json', 'sse', 'paced', 'latency', 'memory'] as const;
export type Part = (typeof PARTS)[number];

export const TRANSPORTS: readonly TransportName[] = ['native', 'http', 'fetch'];

export interface LoadOptions {
  readonly parts: readonly Part[];
  readonly transports: readonly TransportName[];
  readonly extent: Extent;
  /** Content deltas of a saturated stream. */
  readonly events: number;
  /** Streams of the memory part, as a share of the usual number. */
  readonly memoryScale?: number;
  readonly told: (line: string) => void;
}

/** Runs the parts; whatever happens, every process is ended. */
export async function runLoad(options: LoadOptions): Promise<Section[]> {
  const processes = new Processes();
  try {
    const upstreams = await processes.upstreams(options.events);
    const client = await processes.client();
    const start = () =>
      Promise.all(options.transports.map((transport) => processes.proxy(transport, upstreams)));
    const variants = variantsOf(upstreams, await start());
    const bench: Bench = { client, variants, extent: options.extent };
    const sections: Section[] = [];
    for (const part of options.parts) {
      options.told(part);
      const proxies = part === 'memory' ? await start() : [];
      sections.push(
        part === 'memory'
          ? await memorySection(client, proxies, options.memoryScale)
          : await runPart(part, bench, options.events),
      );
    }
    return sections;
  } finally {
    await processes.stop();
  }
}

function runPart(part: Exclude<Part, 'memory'>, bench: Bench, events: number): Promise<Section> {
  switch (part) {
    case 'json':
      return jsonSection(bench);
    case 'sse':
      return sseSection(bench, events);
    case 'paced':
      return pacedSection(bench);
    case 'latency':
      return latencySection(bench);
    default: {
      const never: never = part;
      throw new TypeError(`unknown part ${String(never)}`);
    }
  }
}
