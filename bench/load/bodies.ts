/**
 * What do the clients of the load benches send? The same turn as an Anthropic and as an OpenAI
 * client would write it, in two sizes.
 *
 * Must stay true: a body has exactly the bytes it says; the large one is a captured Claude Code
 * turn with more text in its conversation; `model` comes first, as both kinds of client write it.
 */
import { parseMessages } from '../../lib/translate/anthropic-openai/parse.ts';
import { toChatCompletion } from '../../lib/translate/anthropic-openai/request.ts';
import { CONTEXT, TURN } from '../surroundings.ts';

export type Size = '1 KB' | '50 KB' | '100 KB' | '400 KB';
export const BYTES: Readonly<Record<Size, number>> = {
  '1 KB': 1_024,
  '50 KB': 51_200,
  '100 KB': 102_400,
  '400 KB': 409_600,
};
/** From here on the captured turn fits in, in either dialect. */
const LARGE_BYTES = 51_200;

/** Endpoints of the proxy; a direct request takes the OpenAI body. */
export type Endpoint = 'openai' | 'anthropic';

const MAX_TOKENS = 1_024;

type Json = Readonly<Record<string, unknown>>;
interface Conversation extends Json {
  readonly messages: readonly Json[];
}

export function bodyFor(endpoint: Endpoint, size: Size, model: string, stream: boolean): string {
  return bodyOf(endpoint, BYTES[size], model, stream);
}

/** The same with any number of bytes. Throws a RangeError below what the smallest takes. */
export function bodyOf(endpoint: Endpoint, bytes: number, model: string, stream: boolean): string {
  const source = bytes < LARGE_BYTES ? small(endpoint) : large(endpoint);
  return padded({ ...source, model, max_tokens: MAX_TOKENS, stream }, bytes);
}

function small(endpoint: Endpoint): Conversation {
  const said = { role: 'user', content: [{ type: 'text', text: 'What does this do?' }] };
  const system = 'You are a careful programmer. Answer in one word.';
  return endpoint === 'anthropic'
    ? { model: '', system, messages: [said] }
    : { model: '', messages: [{ role: 'system', content: system }, said] };
}

function large(endpoint: Endpoint): Conversation {
  const turn = JSON.parse(TURN.toString()) as Conversation;
  if (endpoint === 'anthropic') return turn;
  return JSON.parse(toChatCompletion(parseMessages(TURN), CONTEXT).body) as Conversation;
}

const LINE = 'export const next = (at: number): string => "line\\n".repeat(at); // é\n';

/** Adds turns of text, then one last text that makes the size exact. */
function padded(source: Conversation, bytes: number): string {
  const messages = [...source.messages];
  const build = (last: string) =>
    JSON.stringify({ ...source, messages: [...messages, { role: 'user', content: last }] });
  const size = (text: string) => Buffer.byteLength(text);
  const turn = [
    { role: 'assistant', content: LINE.repeat(12) },
    { role: 'user', content: LINE.repeat(60) },
  ];
  const turnBytes = size(JSON.stringify(turn));
  for (let left = bytes - size(build('')); left > turnBytes; left -= turnBytes) {
    messages.push(...turn);
  }
  const missing = bytes - size(build(''));
  if (missing < 0) throw new RangeError(`a body of ${bytes} bytes is too small for its turn`);
  return build('x'.repeat(missing));
}
