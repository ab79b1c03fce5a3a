/** What is a peer? A program that is put between the same client and the same upstreams. */
import type { Size } from '../load/bodies.ts';
import type { Target, UpstreamName, UpstreamUrls } from '../load/messages.ts';
import type { Processes } from '../load/processes.ts';

/** Bytes as they came, or Anthropic in front of an OpenAI upstream. */
export type Way = 'passed through' | 'translated';

export interface Peer {
  /** Unique; what PEERS= names. */
  readonly name: string;
  /** Puts it into `folder`, which is kept between runs. Throws with the reason when it cannot. */
  install?(folder: string): void;
  start(x: Start): Promise<RunningPeer>;
}

export interface Start {
  readonly processes: Processes;
  readonly upstreams: UpstreamUrls;
  /** The Node of all Node programs. */
  readonly node: string;
  /** Processors for it, as taskset(1) takes them; undefined where that is not possible. */
  readonly cores: string | undefined;
  /** Where it was installed. */
  readonly folder: string;
}

export interface RunningPeer {
  readonly pid: number;
  readonly ways: readonly Way[];
  target(way: Way, upstream: UpstreamName, size: Size, stream: boolean): Target;
}
