/** The process of all upstreams: `upstream-process.ts EVENTS` tells where they listen. */
import { startSimulator } from '../../lib/simulator/simulator.ts';
import { startFloodUpstream } from './flood-upstream.ts';
import type { UpstreamUrls } from './messages.ts';
import { startStampedUpstream } from './stamped-upstream.ts';

/** Bytes of a JSON answer. */
const ANSWER_BYTES = 1_024;
const EVENTS_PER_SECOND = 100;
/** 10 minutes of paced streaming: longer than a run. */
const PACED_EVENTS = 60_000;
const SLOW_EVENTS = 600;

process.once('disconnect', () => process.exit());

/** Nobody is limited or refused, nothing is remembered. */
const OPEN = { models: ['*'], strict: false, logEntries: 0 } as const;
const events = Number(process.argv[2]);
const fast = await startSimulator({ ...OPEN, fixed: { bytes: ANSWER_BYTES, events } });
const paced = await startSimulator({
  ...OPEN,
  fixed: { events: PACED_EVENTS },
  tokensPerSecond: EVENTS_PER_SECOND,
});
const stamped = await startStampedUpstream();
const flood = await startFloodUpstream();
const slow = await startSimulator({
  ...OPEN,
  fixed: { events: SLOW_EVENTS },
  tokensPerSecond: 1,
});
const urls: UpstreamUrls = {
  fast: fast.url,
  paced: paced.url,
  stamped: stamped.url,
  flood: flood.url,
  slow: slow.url,
};
process.send?.(urls);
