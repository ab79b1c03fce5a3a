/**
 * What does the provider read as the result of a tool call?
 *
 * A string, always: strict providers take no parts in a tool message. Pictures follow in a user
 * message of their own (WIRE.md §G).
 */
import type { ToolResultBlock } from '../../wire/anthropic-request.ts';
import type { ChatPart } from '../../wire/openai-request.ts';
import { joinTexts, type Reader, renderContent } from './content.ts';

/** Stands where a call was never answered: a call without a result is refused by every provider. */
export const NO_RESULT = '[no result]';

export interface RenderedResult {
  readonly text: string;
  /** Pictures of the result, with a line that says whose they are; empty when there is none. */
  readonly images: readonly ChatPart[];
}

/** @param callId the call's id as the provider sees it */
export function renderResult(
  block: ToolResultBlock,
  callId: string,
  reader: Reader,
): RenderedResult {
  const parts = renderContent(block.content ?? '', reader);
  const images = parts.filter((part) => part.type !== 'text');
  const told = joinTexts(parts.map(pointedAt), '\n');
  const text = told === '' ? '(no output)' : told;
  return {
    text: block.is_error === true ? asError(text) : text,
    images: images.length === 0 ? [] : [caption(callId), ...images],
  };
}

function pointedAt(part: ChatPart): ChatPart {
  return part.type === 'text' ? part : { type: 'text', text: '[image: see the next user message]' };
}

function caption(callId: string): ChatPart {
  return { type: 'text', text: `[image from the result of tool call ${callId}]` };
}

/** OpenAI has no flag for a failed call; the word is what models were trained on. */
function asError(text: string): string {
  return /^\s*error\b/i.test(text) ? text : `Error: ${text}`;
}
