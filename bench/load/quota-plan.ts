/**
 * Which requests make up the quota scenario? Turns of coding sessions, drawn from a seed.
 *
 * Every session asks as often and, on average, as much as any other, at a pace that does not care
 * for answers (open loop): together three times what the quota allows. Must stay true: the same
 * options give the same requests; every request can be told by its answer.
 */
import { parseMessages } from '../../lib/translate/anthropic-openai/parse.ts';
import { toChatCompletion } from '../../lib/translate/anthropic-openai/request.ts';
import { CONTEXT, TURN } from '../surroundings.ts';

export const QUOTA_MODEL = 'gpt-oss-120b';

export interface QuotaOptions {
  readonly orgs: number;
  readonly requestsPerMinute: number;
  readonly tokensPerMinute: number;
  readonly clients: number;
  /** For this long requests arrive. */
  readonly seconds: number;
  /** Offered tokens in units of what the quota allows meanwhile. */
  readonly overload: number;
  /** Size of the Anthropic bodies. */
  readonly bytes: { readonly least: number; readonly most: number };
  readonly seed: number;
  /** From the proxy to the provider, one way. */
  readonly distanceMs: number;
  /** Go on until the last one is served; else everybody hangs up at the end of `seconds`. */
  readonly drain: boolean;
}

export interface PlannedRequest {
  /** What the answer must begin with. */
  readonly marker: string;
  readonly session: number;
  /** From the start of the run. */
  readonly atMs: number;
  readonly stream: boolean;
  readonly bytes: number;
  readonly outputTokens: number;
  /** What the provider will have counted in the end: prompt and answer. */
  readonly tokens: number;
}

/** The provider's answers come at about the speed of Cerebras. */
export const FIRST_TOKEN_MS = 300;
export const TOKENS_PER_SECOND = 1_000;

export const secretOf = (org: number): string => `quota-secret-${org + 1}`;
export const orgName = (org: number): string => `org-${org + 1}`;

/** At least 100 tokens of an answer, at most 800, as a turn of a coding agent has. */
const OUTPUT_TOKENS = { least: 100, most: 800 };
const MAX_TOKENS = 32_000;
/** The simulator's rule. */
const BYTES_PER_TOKEN = 4;
/** A turn comes up to this share of the session's period early or late. */
const JITTER = 0.3;

/** In order of arrival. */
export function planRequests(options: QuotaOptions): PlannedRequest[] {
  const { orgs, tokensPerMinute, clients, seconds, overload, bytes, seed } = options;
  const random = randomFrom(seed);
  const minutes = Math.max(1, seconds / 60);
  const drawn: Omit<PlannedRequest, 'atMs'>[] = [];
  for (let left = overload * orgs * tokensPerMinute * minutes; left > 0; ) {
    const request = {
      marker: `turn-${drawn.length}`,
      session: drawn.length % clients,
      stream: random() < 0.5,
      bytes: between(bytes, random()),
      outputTokens: between(OUTPUT_TOKENS, random()),
    };
    const tokens = promptTokens(request) + request.outputTokens;
    drawn.push({ ...request, tokens });
    left -= tokens;
  }
  const periodMs = (seconds * 1_000) / Math.ceil(drawn.length / clients);
  const phases = Array.from({ length: clients }, random);
  return drawn
    .map((request, at) => {
      const turn = Math.floor(at / clients) + (phases[request.session] ?? 0);
      const atMs = Math.max(0, (turn + JITTER * (random() - 0.5)) * periodMs);
      return { ...request, atMs: Math.min(atMs, seconds * 1_000 - 1) };
    })
    .sort((a, b) => a.atMs - b.atMs);
}

const between = ({ least, most }: { least: number; most: number }, share: number): number =>
  Math.round(least + share * (most - least));

type Sized = Pick<PlannedRequest, 'marker' | 'session' | 'stream' | 'bytes' | 'outputTokens'>;

function promptTokens(request: Sized): number {
  return Math.ceil(Buffer.byteLength(openaiBody(request)) / BYTES_PER_TOKEN);
}

interface Turn {
  readonly tools: readonly unknown[];
  readonly messages: readonly unknown[];
}

const turn = JSON.parse(TURN.toString()) as Turn;
const SMALL_TOOLS = turn.tools.slice(2, 4);
/** A body that is larger than this has all tools of the captured turn. */
const WITH_TOOLS_BYTES = 44_000;
const LINE = 'export const next = (at: number): string => lines[at] ?? "the end"; // ok\n';
const LINE_BYTES = JSON.stringify(LINE).length - '""'.length;

/** What Claude Code sends: a captured turn, with as much of its tools and as much more conversation
 *  as make the size. */
export function anthropicBody(request: Sized): string {
  const { bytes, stream, session } = request;
  const tools = bytes > WITH_TOOLS_BYTES ? turn.tools : SMALL_TOOLS;
  const build = (code: string) => {
    const said = `session ${session}\n${code}\n${scriptOf(request)}`;
    const messages = [...turn.messages.slice(0, 1), { role: 'user', content: said }];
    return JSON.stringify({
      ...{ ...turn, model: QUOTA_MODEL, max_tokens: MAX_TOKENS, stream },
      ...{ tools, messages, system: 'You are a careful programmer.' },
    });
  };
  const missing = Math.max(0, bytes - Buffer.byteLength(build('')));
  return build(LINE.repeat(Math.ceil(missing / LINE_BYTES)));
}

/** The same turn as an OpenAI client would send it. */
export function openaiBody(request: Sized): string {
  const parsed = parseMessages(Buffer.from(anthropicBody(request)));
  const model = { ...CONTEXT.model, id: QUOTA_MODEL, upstream: QUOTA_MODEL };
  return toChatCompletion(parsed, { ...CONTEXT, model }).body;
}

/** Directions to the simulator (simulator/script.ts). */
function scriptOf({ marker, outputTokens }: Sized): string {
  return `demo: tokens ${outputTokens}\ndemo: think so\ndemo: say ${marker}`;
}

/** Mulberry32: small, seeded, good enough to draw sizes. */
function randomFrom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
