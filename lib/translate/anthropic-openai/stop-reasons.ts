/** Why did the answer end? OpenAI's `finish_reason` (and its dialects) in Anthropic's words. */
import type { StopReason } from '../../wire/anthropic-response.ts';

/** Ends that are failures: they come with status 200 and often without content (WIRE.md §F.3). */
const BROKEN = new Set(['network_error', 'error', 'abort', 'insufficient_system_resource']);

export function isBrokenEnd(finish: string): boolean {
  return BROKEN.has(finish);
}

export interface Ending {
  /** The last `finish_reason`; '' when the provider gave none. */
  readonly finish: string;
  /** A tool_use block was given out. */
  readonly calledTool: boolean;
  /** The arguments of the last tool call are incomplete. */
  readonly cutInTool: boolean;
  /** A stop sequence of the client was found in the text. */
  readonly stopSequence: string | null;
}

/** A tool call that was given out decides, not the provider's word: some say `stop` beside calls,
 *  or `tool_calls` without any (WIRE.md §D). */
export function stopReasonOf(ending: Ending): StopReason {
  if (ending.finish === 'length' && (ending.cutInTool || !ending.calledTool)) return 'max_tokens';
  if (ending.calledTool) return 'tool_use';
  if (ending.stopSequence !== null) return 'stop_sequence';
  switch (ending.finish) {
    case 'content_filter':
    case 'sensitive':
      return 'refusal';
    case 'model_context_window_exceeded':
      return 'model_context_window_exceeded';
    default:
      return 'end_turn';
  }
}
