/**
 * What would the real one refuse in this body? Shared checks, and the table of the two dialects.
 *
 * Must stay true: never throws, whatever was parsed; the first fault found is told, as they do.
 */

import type { Complaint } from './refusals.ts';
import { type Fields, fields, isFields, list } from './request.ts';
import { cerebrasFault } from './strictness-cerebras.ts';
import { zhipuFault } from './strictness-zhipu.ts';
import type { SimulatorDialect } from './types.ts';

export interface ModelAbilities {
  readonly vision: boolean;
}

/** The fault of a chat request, or undefined. */
export function findFault(
  dialect: SimulatorDialect,
  body: unknown,
  model: ModelAbilities,
): Complaint | undefined {
  if (!isFields(body)) return { param: 'body', code: '1210', message: 'body: not a JSON object' };
  return (
    missingFault(body) ??
    pairingFault(list(body.messages)) ??
    (dialect === 'cerebras' ? cerebrasFault(body, model.vision) : zhipuFault(body, model.vision))
  );
}

function missingFault(body: Fields): Complaint | undefined {
  const { model, messages } = body;
  if (typeof model !== 'string' || model === '') {
    return { param: 'model', code: '1213', message: 'model: field required' };
  }
  if (!Array.isArray(messages)) {
    return { param: 'messages', code: '1213', message: 'messages: field required' };
  }
  if (messages.length > 0) return undefined;
  return { param: 'messages', code: '1214', message: 'messages: must not be empty' };
}

/** Every call is answered by a tool message before anything else is said, and only calls are. */
function pairingFault(messages: readonly unknown[]): Complaint | undefined {
  const open = new Set<unknown>();
  const fault = (at: number, what: string): Complaint => ({
    param: 'messages',
    code: '1214',
    message: `messages.${at}: ${what}`,
  });
  for (const [at, value] of messages.entries()) {
    const message = fields(value);
    const { role, tool_call_id: id } = message;
    if (role === 'tool') {
      if (!open.delete(id))
        return fault(at, `tool_call_id ${String(id)} answers no open tool call`);
      continue;
    }
    if (open.size > 0) return fault(at, 'tool calls before it are not answered');
    if (role !== 'assistant') continue;
    for (const call of list(message.tool_calls)) open.add(fields(call).id);
  }
  return open.size > 0 ? fault(messages.length - 1, 'tool calls are not answered') : undefined;
}
