/**
 * What does Zhipu (Z.ai) refuse? Values out of its documented ranges (WIRE.md §F.3); unknown
 * properties are passed over. 1210: a parameter is wrong; 1213: one is missing; 1214: one is not
 * legal.
 */
import type { Complaint } from './refusals.ts';
import { type Fields, fields, list } from './request.ts';

const ROLES = new Set<unknown>(['system', 'user', 'assistant', 'tool']);
const TOOL_NAME = /^[A-Za-z0-9_-]{1,64}$/;
const FORMATS = new Set<unknown>(['text', 'json_object']);
const NEWEST_EFFORTS = new Set<unknown>(['low', 'high', 'max']);

const MAX_OUTPUT_TOKENS = 131_072;
const MAX_TOOLS = 128;

type Found = Complaint | undefined;

const wrong = (message: string, code = '1210'): Complaint => ({ param: '', code, message });

export function zhipuFault(body: Fields, vision: boolean): Found {
  return (
    valueFault(body) ??
    thinkingFault(body) ??
    messagesFault(list(body.messages), vision) ??
    toolsFault(list(body.tools))
  );
}

function valueFault(body: Fields): Found {
  const { max_tokens: maxTokens, tool_choice: choice, stop, user_id: userId } = body;
  if (outside(body.temperature, 0, 1)) return wrong('temperature: must be in [0, 1]');
  if (outside(body.top_p, 0.01, 1)) return wrong('top_p: must be in [0.01, 1]');
  if (maxTokens !== undefined && !Number.isInteger(maxTokens)) return wrong('max_tokens: integer');
  if (outside(maxTokens, 1, MAX_OUTPUT_TOKENS)) {
    return wrong(`max_tokens: must be in [1, ${MAX_OUTPUT_TOKENS}]`);
  }
  if (choice !== undefined && choice !== 'auto')
    return wrong('tool_choice: only auto is supported');
  if (list(stop).length > 1) return wrong('stop: only one stop word is supported');
  const format = fields(body.response_format).type;
  if (format !== undefined && !FORMATS.has(format)) {
    return wrong('response_format: only text and json_object are supported');
  }
  if (typeof userId === 'string' && outside(userId.length, 6, 128)) {
    return wrong('user_id: 6 to 128 characters');
  }
  return undefined;
}

function outside(value: unknown, least: number, most: number): boolean {
  if (value === undefined || value === null) return false;
  return typeof value !== 'number' || value < least || value > most;
}

/** From 5.3 on thinking cannot be switched off and knows three efforts. */
function thinkingFault(body: Fields): Found {
  const version = Number(/^glm-(\d+(?:\.\d+)?)/.exec(String(body.model))?.[1] ?? 0);
  if (version < 5.3) return undefined;
  const effort = body.reasoning_effort;
  if (fields(body.thinking).type === 'disabled') {
    return wrong('thinking: cannot be disabled for this model');
  }
  if (effort === undefined || NEWEST_EFFORTS.has(effort)) return undefined;
  return wrong('reasoning_effort: only low, high and max are supported');
}

function messagesFault(messages: readonly unknown[], vision: boolean): Found {
  const illegal = wrong(
    'The messages parameter is illegal. Please check the documentation.',
    '1214',
  );
  let asked = false;
  for (const value of messages) {
    const { role, content, tool_calls: calls } = fields(value);
    if (!ROLES.has(role)) return illegal;
    if (role === 'user' || role === 'tool') asked = true;
    const parts = Array.isArray(content);
    if (parts && !vision) return wrong('messages: this model takes string content only');
    const silent = content === undefined || content === null;
    if (silent && (role !== 'assistant' || list(calls).length === 0)) return illegal;
  }
  return asked ? undefined : illegal;
}

function toolsFault(tools: readonly unknown[]): Found {
  if (tools.length > MAX_TOOLS) return wrong(`tools: at most ${MAX_TOOLS}`);
  for (const [at, value] of tools.entries()) {
    const { name, description, parameters } = fields(fields(value).function);
    if (typeof name !== 'string' || !TOOL_NAME.test(name)) return wrong(`tools[${at}]: bad name`);
    if (typeof description !== 'string' || description === '') {
      return wrong(`tools[${at}].function.description: required`, '1213');
    }
    if (typeof parameters !== 'object' || parameters === null) {
      return wrong(`tools[${at}].function.parameters: required`, '1213');
    }
  }
  return undefined;
}
