/**
 * What does Cerebras refuse? Any property it does not know, anywhere (WIRE.md §E.5).
 *
 * A shape says which properties an object may have; `shapeFault` walks a value along it.
 */
import type { Complaint } from './refusals.ts';
import { type Fields, fields, isFields, list } from './request.ts';

const TOP = new Set([
  'model',
  'messages',
  'max_completion_tokens',
  'max_tokens',
  'min_completion_tokens',
  'min_tokens',
  'temperature',
  'top_p',
  'stop',
  'seed',
  'stream',
  'stream_options',
  'tools',
  'tool_choice',
  'parallel_tool_calls',
  'response_format',
  'reasoning_effort',
  'reasoning_format',
  'clear_thinking',
  'disable_reasoning',
  'logprobs',
  'top_logprobs',
  'logit_bias',
  'frequency_penalty',
  'presence_penalty',
  'n',
  'prediction',
  'prompt_cache_key',
  'service_tier',
  'user',
  'model_parameters',
]);

const SPOKEN = new Set(['role', 'content', 'name']);
const MESSAGES: Readonly<Record<string, ReadonlySet<string>>> = {
  system: SPOKEN,
  developer: SPOKEN,
  user: SPOKEN,
  assistant: new Set(['role', 'content', 'name', 'reasoning', 'tool_calls']),
  tool: new Set(['role', 'content', 'name', 'tool_call_id']),
};
const PARTS: Readonly<Record<string, ReadonlySet<string>>> = {
  text: new Set(['type', 'text']),
  image_url: new Set(['type', 'image_url']),
  image: new Set(['type', 'image']),
};
const CALL = new Set(['id', 'type', 'function', 'index']);
const CALLED = new Set(['name', 'arguments']);
const TOOL = new Set(['type', 'function']);
const FUNCTION = new Set(['name', 'description', 'parameters', 'strict']);
const STREAM_OPTIONS = new Set(['include_usage']);
const RESPONSE_FORMAT = new Set(['type', 'json_schema']);
const EFFORTS = new Set<unknown>(['none', 'low', 'medium', 'high']);
const TOOL_NAME = /^[A-Za-z0-9_-]{1,64}$/;

const MAX_STOPS = 4;
const MAX_TEMPERATURE = 1.5;
const MAX_CACHE_KEY_CHARS = 1_024;

/** Schema keywords refused by name (FIELD-NOTES 16). */
const REFUSED_KEYWORDS = [
  'pattern',
  'format',
  'minItems',
  'maxItems',
  'minLength',
  'maxLength',
  'minProperties',
  'maxProperties',
];

type Found = Complaint | undefined;

const refuse = (param: string, message: string): Complaint => ({ param, code: '1210', message });
const invalid = (message: string): Complaint => refuse('validation_error', message);

export function cerebrasFault(body: Fields, vision: boolean): Found {
  return (
    unknownIn(body, TOP, '') ??
    unknownIn(fields(body.stream_options), STREAM_OPTIONS, 'stream_options.') ??
    firstOf(list(body.messages), (message, at) => messageFault(message, at, vision)) ??
    firstOf(list(body.tools), toolFault) ??
    toolsFault(body) ??
    valueFault(body)
  );
}

function unknownIn(value: Fields, known: ReadonlySet<string>, path: string): Found {
  for (const name of Object.keys(value)) {
    if (known.has(name)) continue;
    return invalid(`${path}${name}: property '${path}${name}' is unsupported`);
  }
  return undefined;
}

function firstOf(all: readonly unknown[], check: (one: unknown, at: number) => Found): Found {
  for (const [at, one] of all.entries()) {
    const found = check(one, at);
    if (found !== undefined) return found;
  }
  return undefined;
}

function messageFault(value: unknown, at: number, vision: boolean): Found {
  const message = fields(value);
  const role = String(message.role);
  const known = Object.hasOwn(MESSAGES, role) ? MESSAGES[role] : undefined;
  if (known === undefined) return invalid(`messages.${at}.role: '${role}' is not a role`);
  const path = `messages.${at}.${role}.`;
  return (
    unknownIn(message, known, path) ??
    contentFault(message, role, path, vision) ??
    callsFault(message, role, path)
  );
}

function contentFault(message: Fields, role: string, path: string, vision: boolean): Found {
  const { content } = message;
  if (typeof content === 'string') return undefined;
  const empty = content === undefined || content === null;
  if (empty && role === 'assistant' && list(message.tool_calls).length > 0) return undefined;
  if (empty) return invalid(`${path}content: field required`);
  if (!Array.isArray(content))
    return invalid(`${path}content: must be a string or a list of parts`);
  return firstOf(content, (part, at) => {
    const type = String(fields(part).type);
    const known = Object.hasOwn(PARTS, type) ? PARTS[type] : undefined;
    const here = `${path}content.${at}.`;
    if (known === undefined) return invalid(`${here}type: '${type}' is unsupported`);
    if (type !== 'text' && (role !== 'user' || !vision)) {
      return invalid(`${here}type: images are not supported here`);
    }
    return unknownIn(fields(part), known, here);
  });
}

function callsFault(message: Fields, role: string, path: string): Found {
  if (role === 'tool' && typeof message.tool_call_id !== 'string') {
    return invalid(`${path}tool_call_id: field required`);
  }
  return firstOf(list(message.tool_calls), (value, at) => {
    const here = `${path}tool_calls.${at}.`;
    const call = fields(value);
    const called = fields(call.function);
    if (typeof call.id !== 'string' || typeof called.arguments !== 'string') {
      return invalid(`${here}: id and function.arguments must be strings`);
    }
    return unknownIn(call, CALL, here) ?? unknownIn(called, CALLED, `${here}function.`);
  });
}

function toolFault(value: unknown, at: number): Found {
  const tool = fields(value);
  const made = fields(tool.function);
  const { name } = made;
  if (tool.type !== 'function') return refuse('tools', `tools.${at}.type: must be 'function'`);
  if (typeof name !== 'string' || !TOOL_NAME.test(name)) {
    return refuse('tools', `tools.${at}.function.name: does not match ${TOOL_NAME.source}`);
  }
  const keyword = refusedKeyword(made.parameters, 0);
  if (keyword !== undefined) {
    return refuse('tools', `Unsupported JSON schema fields: ${keyword} in ${name}`);
  }
  return (
    unknownIn(tool, TOOL, `tools.${at}.`) ?? unknownIn(made, FUNCTION, `tools.${at}.function.`)
  );
}

const MAX_SCHEMA_DEPTH = 64;

/** Names under `properties` and the like are the user's own, not keywords. */
function refusedKeyword(schema: unknown, depth: number): string | undefined {
  if (!isFields(schema) || depth > MAX_SCHEMA_DEPTH) return undefined;
  for (const keyword of REFUSED_KEYWORDS) if (keyword in schema) return keyword;
  const named = ['properties', '$defs', 'definitions', 'patternProperties'];
  const nested = [
    ...named.flatMap((name) => Object.values(fields(schema[name]))),
    ...['anyOf', 'oneOf', 'allOf', 'prefixItems'].flatMap((name) => list(schema[name])),
    ...['items', 'additionalProperties', 'not'].map((name) => schema[name]),
  ];
  for (const one of nested) {
    const found = refusedKeyword(one, depth + 1);
    if (found !== undefined) return found;
  }
  return undefined;
}

function toolsFault(body: Fields): Found {
  const tools = list(body.tools);
  const stricts = new Set(tools.map((tool) => fields(fields(tool).function).strict === true));
  if (stricts.size > 1) {
    return refuse('tools', "Tools with mixed values for 'strict' are not allowed");
  }
  const format = fields(body.response_format);
  if (tools.length > 0 && format.type !== undefined && format.type !== 'text') {
    return refuse('response_format', "'tools' and 'response_format' cannot be used together");
  }
  const choice = body.tool_choice;
  if (tools.length === 0 && choice !== undefined && choice !== 'none' && choice !== 'auto') {
    return refuse('tool_choice', 'tool_choice: needs tools');
  }
  return unknownIn(format, RESPONSE_FORMAT, 'response_format.');
}

function valueFault(body: Fields): Found {
  const { temperature, stop, prompt_cache_key: cacheKey, reasoning_effort: effort } = body;
  for (const name of ['max_completion_tokens', 'max_tokens']) {
    const value = body[name];
    if (value === undefined || value === null) continue;
    if (!Number.isInteger(value) || Number(value) < 1) {
      return invalid(`${name}: must be a positive integer`);
    }
  }
  if (typeof temperature === 'number' && (temperature < 0 || temperature > MAX_TEMPERATURE)) {
    return invalid(`temperature: must be between 0 and ${MAX_TEMPERATURE}`);
  }
  if (list(stop).length > MAX_STOPS) return invalid(`stop: at most ${MAX_STOPS} sequences`);
  if (effort !== undefined && !EFFORTS.has(effort)) {
    return invalid(`reasoning_effort: '${String(effort)}' is not known`);
  }
  if (typeof cacheKey === 'string' && cacheKey.length > MAX_CACHE_KEY_CHARS) {
    return invalid(`prompt_cache_key: at most ${MAX_CACHE_KEY_CHARS} characters`);
  }
  return undefined;
}
