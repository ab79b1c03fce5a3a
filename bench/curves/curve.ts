/** What is a curve? One cost, at several sizes of one thing, and what each measurement needs. */

import type { UpstreamUrls } from '../load/messages.ts';
import type { Client, Processes } from '../load/processes.ts';
import type { TransportName } from '../load/proxy-config.ts';

export interface GrowthBench {
  readonly processes: Processes;
  readonly upstreams: UpstreamUrls;
  readonly client: Client;
  readonly transport: TransportName;
  readonly rounds: number;
  /** Length of one measurement. */
  readonly seconds: number;
  readonly told: (line: string) => void;
}

export interface Line {
  readonly name: string;
  /** x, and the cost of each round. */
  readonly points: readonly { readonly x: number; readonly rounds: readonly number[] }[];
}

export interface Curve {
  readonly name: string;
  /** `CPU µs per request`, `ns per selection`. */
  readonly cost: string;
  readonly x: string;
  /** Where x begins at 0; else it goes by decades. */
  readonly linearX?: boolean;
  readonly logY?: boolean;
  measure(x: GrowthBench): Promise<Line[]>;
}
