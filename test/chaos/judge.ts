/**
 * Is what a client got one complete answer or one well-formed error? Content is compared with what
 * the plan says, so that nothing can be missing, doubled or another's.
 */
import { answerOf, type Turn } from './plan.ts';

/** What came over the wire; status 0: the connection died before an answer. */
export interface Got {
  readonly status: number;
  readonly text: string;
  /** Whether the body came to its proper end. */
  readonly complete: boolean;
}

export type Judgement = 'answer' | 'error' | 'broken-off' | { readonly wrong: string };

export function judge(turn: Turn, { status, text, complete }: Got): Judgement {
  if (status === 0) return { wrong: 'no answer' };
  if (!complete) return { wrong: `${status}, without its end` };
  if (status !== 200) return isError(turn, text) ? 'error' : wrong('not an error', text);
  if (!turn.stream) return judgeJson(turn, text);
  return turn.dialect === 'anthropic' ? judgeMessages(turn, text) : judgeChunks(turn, text);
}

function wrong(what: string, text: string): Judgement {
  return { wrong: `${what}: ${text.length > 600 ? `${text.slice(0, 600)}...` : text}` };
}

function isError({ dialect }: Turn, text: string): boolean {
  const { type, error } = objectOf(text) as { type?: unknown; error?: Record<string, unknown> };
  if (typeof error?.message !== 'string' || typeof error.type !== 'string') return false;
  return dialect === 'openai' || type === 'error';
}

function objectOf(text: string): object {
  try {
    return (JSON.parse(text) ?? {}) as object;
  } catch {
    return {};
  }
}

interface Whole {
  readonly content?: readonly { readonly type: string; readonly text?: string }[];
  readonly choices?: readonly { readonly message?: { readonly content?: string } }[];
}

function judgeJson(turn: Turn, text: string): Judgement {
  const { content, choices } = objectOf(text) as Whole;
  const said =
    turn.dialect === 'anthropic'
      ? content?.map((block) => block.text ?? '').join('')
      : choices?.[0]?.message?.content;
  return said === answerOf(turn) ? 'answer' : wrong('another answer', text);
}

interface Event {
  readonly type?: string;
  readonly index?: number;
  readonly delta?: { readonly type?: string; readonly text?: string };
  readonly error?: { readonly message?: unknown };
  readonly choices?: readonly { readonly delta?: { readonly content?: string | null } }[];
}

/** The data of each frame; undefined where one is not whole. */
function eventsOf(text: string): Event[] | undefined {
  if (!text.endsWith('\n\n')) return undefined;
  const frames = text.slice(0, -2).split('\n\n');
  const datas = frames
    .filter((frame) => !frame.startsWith(':'))
    .map((frame) => /(?:^|\n)data: ([^\n]*)$/.exec(frame)?.[1]);
  if (datas.some((data) => data === undefined)) return undefined;
  return datas.map((data) => (data === '[DONE]' ? { type: 'done' } : objectOf(data as string)));
}

/** `end` ends a good stream, an error a broken one; exactly one of them, and last. */
function ending(events: readonly Event[], end: string): 'answer' | 'broken-off' | undefined {
  const ends = events.filter(({ type, error }) => type === end || error !== undefined);
  if (ends.length !== 1 || events.at(-1) !== ends[0]) return undefined;
  return ends[0]?.error === undefined ? 'answer' : 'broken-off';
}

/** A broken stream may have shown a part. */
function compare(turn: Turn, said: string, how: 'answer' | 'broken-off', text: string): Judgement {
  const whole = answerOf(turn);
  const fits = how === 'answer' ? said === whole : whole.startsWith(said);
  return fits ? how : wrong('another answer', text);
}

function judgeMessages(turn: Turn, text: string): Judgement {
  const events = eventsOf(text)?.filter(({ type }) => type !== 'ping');
  const how = events === undefined ? undefined : ending(events, 'message_stop');
  if (events === undefined || how === undefined) return wrong('not a stream', text);
  const starts = events.filter(({ type }) => type === 'message_start').length;
  if (starts > 1 || (starts === 0 && how === 'answer')) return wrong('starts', text);
  let open = -1;
  let next = 0;
  for (const { type, index } of events) {
    if (type === 'content_block_start') {
      if (open !== -1 || index !== next) return wrong('blocks', text);
      open = next++;
    } else if (type === 'content_block_stop') {
      if (open === -1 || index !== open) return wrong('blocks', text);
      open = -1;
    } else if (type === 'content_block_delta' && index !== open) return wrong('blocks', text);
  }
  if (open !== -1 && how === 'answer') return wrong('a block is open', text);
  const texts = events.filter(({ delta }) => delta?.type === 'text_delta');
  return compare(turn, texts.map(({ delta }) => delta?.text ?? '').join(''), how, text);
}

function judgeChunks(turn: Turn, text: string): Judgement {
  const events = eventsOf(text);
  const how = events === undefined ? undefined : ending(events, 'done');
  if (events === undefined || how === undefined) return wrong('not a stream', text);
  const said = events.map(({ choices }) => choices?.[0]?.delta?.content ?? '').join('');
  return compare(turn, said, how, text);
}
