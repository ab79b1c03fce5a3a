/**
 * What happens in a run of chaos? Everything that is left to chance follows from the seed and the
 * name of a turn, so that client and provider agree without a word, and a seed can be played again.
 */
import { seeded } from '../support/seeded.ts';

/** What the provider does with one attempt; `good` and all up to `trickle` end in an answer. */
export const UPSTREAM_ACTS = [
  'good',
  'gzip',
  'hints',
  'close-after',
  'trickle',
  'late',
  'reset',
  'close',
  'status-429',
  'status-500',
  'status-503',
  'silent',
  'nonsense',
  'huge-head',
  'short',
  'cut',
  'cut-reset',
  'stall',
] as const;
export type UpstreamAct = (typeof UPSTREAM_ACTS)[number];

/** What the client does; from `abort-sending` on it leaves before it has its answer. */
export const CLIENT_ACTS = [
  'good',
  'slow-reader',
  'slow-sender',
  'gzip',
  'expect',
  'pipelined',
  'abort-sending',
  'abort-sent',
  'abort-headers',
  'abort-middle',
] as const;
export type ClientAct = (typeof CLIENT_ACTS)[number];

export interface Turn {
  readonly id: string;
  readonly dialect: 'anthropic' | 'openai';
  readonly stream: boolean;
  /** The answer, a word a delta. */
  readonly words: readonly string[];
  /** Whether the provider reasons before it answers. */
  readonly thinks: boolean;
  /** By attempt; those behind the last are good. */
  readonly acts: readonly UpstreamAct[];
  readonly client: ClientAct;
  /** Bytes of text around the name in the prompt. */
  readonly promptBytes: number;
}

const WORDS = [
  'plain',
  'ünïcode',
  '"quoted"',
  'back\\slash',
  'line\nbreak',
  '漢字',
  '😀',
  '\u2028',
];
const MAX_WORDS = 24;
const MAX_ACTS = 2;
/** Half of all turns go well on either side: the others have to live beside them. */
const GOOD_SHARE = 0.5;
const LARGE_SHARE = 0.05;
const LARGE_PROMPT_BYTES = 400_000;
const SMALL_PROMPT_BYTES = 4_000;

/** The turn with this name. */
export function turnOf(seed: number, id: string): Turn {
  const random = seeded(hashOf(`${seed} ${id}`));
  const below = (count: number) => Math.floor(random() * count);
  const pick = <T>(from: readonly T[]) => from[below(from.length)] as T;
  const act = () => (random() < GOOD_SHARE ? 'good' : pick(UPSTREAM_ACTS));
  return {
    id,
    dialect: random() < 0.5 ? 'anthropic' : 'openai',
    stream: random() < 0.6,
    words: Array.from({ length: 1 + below(MAX_WORDS) }, (_, at) => `${pick(WORDS)}${at}`),
    thinks: random() < 0.3,
    acts: Array.from({ length: 1 + below(MAX_ACTS) }, act),
    client: random() < GOOD_SHARE ? 'good' : pick(CLIENT_ACTS),
    promptBytes: below(random() < LARGE_SHARE ? LARGE_PROMPT_BYTES : SMALL_PROMPT_BYTES),
  };
}

/** The whole answer that the turn should get. */
export function answerOf({ words }: Turn): string {
  return words.join(' ');
}

/** FNV-1a, 32 bits. */
function hashOf(text: string): number {
  let hash = 0x811c9dc5;
  for (let at = 0; at < text.length; at++) {
    hash = Math.imul(hash ^ text.charCodeAt(at), 0x01000193);
  }
  return hash;
}
