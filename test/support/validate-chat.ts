/**
 * What would a strict provider say of a chat completions body?
 *
 * Errors are what somebody refuses with a 400; warnings are what works but should not be there. The
 * rules are WIRE.md §D for everybody, §E.5 for Cerebras, §F.3 for Zhipu.
 */

export type Strictness = 'plain' | 'cerebras' | 'zhipu';

export interface Finding {
  readonly level: 'error' | 'warn';
  readonly text: string;
}

type Fields = Readonly<Record<string, unknown>>;
type Report = (level: Finding['level'], text: string) => void;

const COMMON = [
  'model',
  'messages',
  'stream',
  'stream_options',
  'tools',
  'tool_choice',
  'temperature',
  'top_p',
  'stop',
  'response_format',
];

const TOP: Readonly<Record<Strictness, ReadonlySet<string>>> = {
  plain: new Set([
    ...COMMON,
    'max_tokens',
    'max_completion_tokens',
    'parallel_tool_calls',
    'seed',
    'user',
    'prompt_cache_key',
    'reasoning_effort',
  ]),
  cerebras: new Set([
    ...COMMON,
    'max_completion_tokens',
    'parallel_tool_calls',
    'seed',
    'user',
    'prompt_cache_key',
    'reasoning_effort',
    'reasoning_format',
    'clear_thinking',
    'service_tier',
  ]),
  zhipu: new Set([
    ...COMMON,
    'max_tokens',
    'tool_stream',
    'thinking',
    'reasoning_effort',
    'user_id',
    'request_id',
    'do_sample',
  ]),
};

const MESSAGE: Readonly<Record<string, readonly string[]>> = {
  system: ['role', 'content'],
  user: ['role', 'content'],
  assistant: ['role', 'content', 'tool_calls'],
  tool: ['role', 'content', 'tool_call_id'],
};

const REASONING: Readonly<Record<Strictness, readonly string[]>> = {
  plain: [],
  cerebras: ['reasoning'],
  zhipu: ['reasoning_content'],
};

/** Keywords that Cerebras names when it refuses a tool ("Unsupported JSON schema fields"). */
const CEREBRAS_KEYWORDS = [
  'pattern',
  'format',
  'minItems',
  'maxItems',
  'minLength',
  'maxLength',
  'minProperties',
  'maxProperties',
];

/** @param vision whether the model takes pictures; text models of Zhipu take strings only */
export function validateChat(body: unknown, strictness: Strictness, vision: boolean): Finding[] {
  const findings: Finding[] = [];
  const report: Report = (level, text) => findings.push({ level, text });
  if (!isFields(body)) return [{ level: 'error', text: 'body is not a JSON object' }];
  checkTop(body, strictness, report);
  checkLeaks(body, report);
  checkTools(body, strictness, report);
  const messages = Array.isArray(body.messages) ? body.messages : [];
  if (messages.length === 0) report('error', 'messages missing');
  messages.forEach((message, index) => {
    checkMessage(message, `messages[${index}]`, strictness, vision, report);
  });
  checkPairs(messages, report);
  checkRoles(messages, strictness, report);
  return findings;
}

function isFields(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function checkTop(body: Fields, strictness: Strictness, report: Report): void {
  for (const key of Object.keys(body)) {
    if (!TOP[strictness].has(key)) report('error', `unknown top-level field ${key}`);
  }
  if (typeof body.model !== 'string' || body.model === '') report('error', 'model missing');
  if (/\[1m\]$/i.test(String(body.model))) report('error', 'model carries the suffix [1m]');
  for (const key of ['max_tokens', 'max_completion_tokens']) {
    const limit = body[key];
    if (limit !== undefined && (!Number.isInteger(limit) || (limit as number) < 1)) {
      report('error', `${key} is no positive integer`);
    }
  }
  checkRanges(body, strictness, report);
  const options = isFields(body.stream_options) ? body.stream_options : undefined;
  if (body.stream === true && options?.include_usage !== true) {
    report('warn', 'stream without usage');
  }
  if (body.stream !== true && options !== undefined) report('error', 'stream_options, no stream');
  if (body.stream !== true && body.tool_stream) report('error', 'tool_stream, no stream');
}

function checkRanges(body: Fields, strictness: Strictness, report: Report): void {
  const zhipu = strictness === 'zhipu';
  const maxTemperature = { plain: 2, cerebras: 1.5, zhipu: 1 }[strictness];
  const within = (key: string, low: number, high: number): void => {
    const value = body[key];
    if (value === undefined) return;
    if (typeof value !== 'number' || !(value >= low && value <= high)) {
      report('error', `${key} is not in ${low}..${high}`);
    }
  };
  within('temperature', 0, maxTemperature);
  within('top_p', zhipu ? 0.01 : 0, 1);
  if (zhipu) within('max_tokens', 1, 131_072);
  const stops = Array.isArray(body.stop) ? body.stop.length : 0;
  if (stops > (zhipu ? 1 : 4)) report('error', 'too many stop strings');
  if (body.user_id !== undefined && !/^.{6,128}$/.test(String(body.user_id))) {
    report('error', 'user_id has not 6 to 128 characters');
  }
}

/** Words of the Messages API that must never be seen upstream. */
function checkLeaks(body: Fields, report: Report): void {
  const text = JSON.stringify(body);
  const words = ['cache_control', 'defer_loading', 'signature', 'tool_use_id', 'input_schema'];
  for (const word of words) {
    if (text.includes(`"${word}":`)) report('error', `field ${word} reached the provider`);
  }
  for (const type of ['tool_reference', 'redacted_thinking', 'tool_use', 'tool_result']) {
    if (text.includes(`"type":"${type}"`)) report('error', `block ${type} reached the provider`);
  }
  if (text.includes('"DeferredToolPlaceholder"')) report('warn', 'placeholder tool is offered');
  if (text.includes('x-anthropic-billing-header')) report('warn', 'billing line is in the prompt');
}

function checkTools(body: Fields, strictness: Strictness, report: Report): void {
  const { tools, tool_choice: choice } = body;
  if (tools === undefined) {
    if (choice !== undefined && choice !== 'none') report('error', 'tool_choice without tools');
    if (body.parallel_tool_calls !== undefined) report('error', 'parallel_tool_calls, no tools');
    return;
  }
  if (!Array.isArray(tools) || tools.length === 0) {
    report('error', 'tools is no array with something in it');
    return;
  }
  const names = new Set<unknown>();
  for (const tool of tools) names.add(checkTool(tool, names, strictness, report));
  if (isFields(choice) && !names.has((choice.function as Fields | undefined)?.name)) {
    report('error', 'tool_choice names a tool that is not there');
  }
  if (strictness === 'zhipu' && choice !== undefined && choice !== 'auto') {
    report('error', 'tool_choice is not auto');
  }
  if (strictness === 'zhipu' && tools.length > 128) report('error', 'more than 128 tools');
  if (strictness === 'cerebras' && body.response_format !== undefined) {
    report('error', 'response_format beside tools');
  }
}

/** Checks one tool, gives its name. */
function checkTool(
  tool: unknown,
  names: ReadonlySet<unknown>,
  strictness: Strictness,
  report: Report,
): unknown {
  const made = isFields(tool) && isFields(tool.function) ? tool.function : {};
  const { name, description, parameters } = made;
  const at = `tool ${String(name)}`;
  if (!/^[a-zA-Z0-9_-]{1,64}$/.test(String(name))) report('error', `${at}: bad name`);
  if (names.has(name)) report('error', `${at}: twice`);
  onlyFields(tool, ['type', 'function'], at, report);
  onlyFields(made, ['name', 'description', 'parameters'], at, report);
  if (!isFields(parameters) || parameters.type !== 'object') {
    report('error', `${at}: parameters are no object type`);
  }
  if (strictness === 'zhipu' && (typeof description !== 'string' || description === '')) {
    report('error', `${at}: no description`);
  }
  if (strictness === 'cerebras') checkKeywords(parameters, at, report);
  return name;
}

function checkKeywords(schema: unknown, at: string, report: Report): void {
  if (Array.isArray(schema)) for (const item of schema) checkKeywords(item, at, report);
  if (!isFields(schema)) return;
  for (const [key, value] of Object.entries(schema)) {
    if (['enum', 'const', 'default', 'examples', 'required'].includes(key)) continue;
    if (CEREBRAS_KEYWORDS.includes(key)) report('error', `${at}: schema keyword ${key}`);
    const named = ['properties', 'patternProperties', '$defs', 'definitions'].includes(key);
    checkKeywords(named && isFields(value) ? Object.values(value) : value, at, report);
  }
}

function onlyFields(value: unknown, known: readonly string[], at: string, report: Report): void {
  for (const key of Object.keys(isFields(value) ? value : {})) {
    if (!known.includes(key)) report('error', `${at}: unknown field ${key}`);
  }
}

function checkMessage(
  message: unknown,
  at: string,
  strictness: Strictness,
  vision: boolean,
  report: Report,
): void {
  const role = isFields(message) ? String(message.role) : '';
  const known = MESSAGE[role];
  if (known === undefined || !isFields(message)) {
    report('error', `${at}: bad role ${role}`);
    return;
  }
  const extra = role === 'assistant' ? REASONING[strictness] : [];
  onlyFields(message, [...known, ...extra], at, report);
  const { content } = message;
  if (role === 'assistant') checkAssistant(message, at, strictness, report);
  else if (typeof content === 'string') {
    if (content.trim() === '') report('error', `${at}: empty content`);
  } else if (role === 'user' && vision) checkParts(content, at, report);
  else report('error', `${at}: content is no string`);
}

function checkAssistant(message: Fields, at: string, strictness: Strictness, report: Report): void {
  const { content, tool_calls: calls } = message;
  const nothing = content === null || content === undefined || content === '';
  if (!nothing && typeof content !== 'string') report('error', `${at}: content is no string`);
  if (nothing && calls === undefined) report('error', `${at}: neither content nor tool_calls`);
  if (strictness === 'zhipu' && content === null) report('error', `${at}: content is null`);
  if (calls === undefined) return;
  if (!Array.isArray(calls) || calls.length === 0) report('error', `${at}: empty tool_calls`);
  else for (const call of calls) checkCall(call, at, report);
}

function checkCall(call: unknown, at: string, report: Report): void {
  const made = isFields(call) && isFields(call.function) ? call.function : {};
  onlyFields(call, ['id', 'type', 'function'], at, report);
  onlyFields(made, ['name', 'arguments'], at, report);
  if (!isFields(call) || typeof call.id !== 'string' || call.id === '' || call.id.length > 40) {
    report('error', `${at}: bad call id`);
  }
  if (!/^[a-zA-Z0-9_-]{1,64}$/.test(String(made.name))) report('error', `${at}: bad call name`);
  if (!isFields(parsed(made.arguments))) report('error', `${at}: arguments are no object`);
}

function parsed(text: unknown): unknown {
  try {
    return JSON.parse(String(text));
  } catch {
    return undefined;
  }
}

function checkParts(content: unknown, at: string, report: Report): void {
  if (!Array.isArray(content) || content.length === 0) {
    report('error', `${at}: no content`);
    return;
  }
  for (const part of content) {
    const type = isFields(part) ? String(part.type) : '';
    if (type !== 'text' && type !== 'image_url') report('error', `${at}: part of type ${type}`);
    onlyFields(part, ['type', type], at, report);
    if (isFields(part) && typeof part.text === 'string' && part.text.trim() === '') {
      report('error', `${at}: empty text part`);
    }
  }
}

/** Every call is answered once, right behind it; ids are unique in the whole conversation. */
function checkPairs(messages: readonly unknown[], report: Report): void {
  const seen = new Set<string>();
  let open = new Set<string>();
  const close = (where: string): void => {
    if (open.size > 0) report('error', `${where} before results of ${[...open].join(', ')}`);
  };
  messages.forEach((message, index) => {
    if (!isFields(message)) return;
    const at = `messages[${index}]`;
    if (message.role === 'tool') {
      if (!open.delete(String(message.tool_call_id))) report('error', `${at}: answers no call`);
      return;
    }
    close(at);
    open = new Set();
    for (const call of Array.isArray(message.tool_calls) ? message.tool_calls : []) {
      const id = String((call as Fields).id);
      if (seen.has(id)) report('error', `${at}: call id ${id} twice`);
      seen.add(id);
      open.add(id);
    }
  });
  close('the end comes');
}

function checkRoles(messages: readonly unknown[], strictness: Strictness, report: Report): void {
  const roles = messages.map((message) => (isFields(message) ? message.role : undefined));
  if (roles.slice(1).includes('system')) report('warn', 'system message in the conversation');
  if (roles.includes('user')) return;
  report(strictness === 'zhipu' ? 'error' : 'warn', 'no user message');
}
