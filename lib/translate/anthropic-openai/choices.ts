/**
 * What stands where in a chunk of a provider's answer? Read, never judged (WIRE.md §D).
 *
 * Must stay true: nothing a provider puts there can throw; `onlySaid` names what an event says only
 * where `Answer` takes nothing else from it.
 */
import type { ChatChoice, ChatChunk, ChatDelta } from '../../wire/openai-response.ts';
import type { UpstreamFault } from '../translator.ts';
import { fault } from '../upstream-fault.ts';
import { TEXT, THINKING, TOOL } from './answer-blocks.ts';
import { errorIn } from './faults.ts';
import { asRecord, textOf } from './loose.ts';
import { isBrokenEnd } from './stop-reasons.ts';

/** The function of a tool call, whose arguments may be put in. */
interface SaidFunction {
  arguments: string;
}

/** One piece of an answer, never ''. */
export type Said =
  | { readonly kind: typeof TEXT | typeof THINKING; text: string }
  | {
      readonly kind: typeof TOOL;
      /** The `tool_calls` of the delta: one, and its function. */
      readonly calls: readonly unknown[];
      readonly function: SaidFunction;
    };

/** The text in it, whatever it is. */
export function textIn(said: Said): string {
  return said.kind === TOOL ? said.function.arguments : said.text;
}

/** The same event with another text. */
export function putText(said: Said, text: string): void {
  if (said.kind === TOOL) said.function.arguments = text;
  else said.text = text;
}

/** The one thing that a chunk says; undefined where it says nothing, more, or how it ends. */
export function onlySaid(value: unknown): Said | undefined {
  const record = asRecord(value);
  if (record === undefined || errorIn(record, '') !== undefined) return undefined;
  const chunk: ChatChunk = record;
  const choice = firstChoice(chunk.choices);
  if (choice === undefined || choiceError(choice, '') !== undefined) return undefined;
  const counts = asRecord(chunk.usage) !== undefined || asRecord(choice.usage) !== undefined;
  const ends = typeof choice.finish_reason === 'string' && choice.finish_reason !== '';
  const delta: ChatDelta | undefined = asRecord(choice.delta);
  if (counts || ends || delta === undefined) return undefined;
  return onlyIn(delta);
}

function onlyIn(delta: ChatDelta): Said | undefined {
  const text = contentOf(delta);
  const thinking = reasoningOf(delta);
  const calls = delta.tool_calls ?? delta.function_call ?? undefined;
  const refuses = typeof delta.refusal === 'string' && delta.refusal !== '';
  const things = Number(text !== '') + Number(thinking !== '') + Number(calls !== undefined);
  if (refuses || things !== 1) return undefined;
  if (calls !== undefined) return onlyCall(calls);
  return text !== '' ? { kind: TEXT, text } : { kind: THINKING, text: thinking };
}

function onlyCall(calls: unknown): Said | undefined {
  if (!Array.isArray(calls) || calls.length !== 1) return undefined;
  const called = asRecord(asRecord(calls[0])?.function);
  if (typeof called?.arguments !== 'string' || called.arguments === '') return undefined;
  return { kind: TOOL, calls, function: called as unknown as SaidFunction };
}

/** The text of a delta. */
export function contentOf({ content }: ChatDelta): string {
  return typeof content === 'string' ? content : textOf(content);
}

/** An error inside the choice, or an end that means one. */
export function choiceError(choice: ChatChoice, raw: string): UpstreamFault | undefined {
  const finish = choice.finish_reason;
  if (typeof finish === 'string' && isBrokenEnd(finish)) return fault('error', raw);
  return choice.error === undefined
    ? undefined
    : errorIn({ error: choice.error, choices: [] }, raw);
}

/** Choice 0; others were never asked for. */
export function firstChoice(choices: unknown): ChatChoice | undefined {
  if (!Array.isArray(choices)) return undefined;
  for (const value of choices) {
    const choice: ChatChoice | undefined = asRecord(value);
    if (choice !== undefined && (choice.index ?? 0) === 0) return choice;
  }
  return undefined;
}

/** The reasoning in a delta, whatever its field is called; fields that repeat it count once. */
export function reasoningOf(delta: ChatDelta): string {
  const { reasoning_content: first, reasoning: second, reasoning_details: details } = delta;
  if (typeof first === 'string' && first !== '') return first;
  if (typeof second === 'string' && second !== '') return second;
  return details === undefined ? textOf(first ?? second) : textOf(details);
}
