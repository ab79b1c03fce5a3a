/**
 * What do the `choices` of a chunk or an answer say? Read, never changed.
 *
 * Must stay true: nothing a provider puts there can throw; what is not known counts as content, so
 * that an unknown kind of output is never held back.
 */
type Json = Readonly<Record<string, unknown>>;

export interface ChoicesSaid {
  /** Anything of the model came: text, reasoning, a call, a refusal. */
  readonly content: boolean;
  /** Text, a refusal or a tool call came. */
  readonly answer: boolean;
  /** The last `finish_reason`, or null. */
  readonly finishReason: string | null;
}

/** Keys of a delta or message that hold what the client asked for, not how it came about. */
const ANSWER_KEYS = [
  'content',
  'tool_calls',
  'function_call',
  'refusal',
  'audio',
  'images',
] as const;

/** Reads parsed `choices` of chat chunks, chat answers and legacy completions (WIRE.md §D). */
export function readChoices(choices: unknown): ChoicesSaid {
  let content = false;
  let answer = false;
  let finishReason: string | null = null;
  for (const choice of Array.isArray(choices) ? choices.map(record) : []) {
    const said = record(choice.delta ?? choice.message);
    const text = isSomething(choice.text);
    content ||= text || Object.keys(said).some((key) => key !== 'role' && isSomething(said[key]));
    answer ||= text || ANSWER_KEYS.some((key) => isSomething(said[key]));
    if (typeof choice.finish_reason === 'string') finishReason = choice.finish_reason;
  }
  return { content, answer, finishReason };
}

/** Not null, '', [] or {}. */
function isSomething(value: unknown): boolean {
  if (typeof value === 'string') return value !== '';
  if (typeof value === 'object' && value !== null) return Object.keys(value).length > 0;
  return value !== undefined && value !== null;
}

function record(value: unknown): Json {
  return typeof value === 'object' && value !== null ? (value as Json) : {};
}
