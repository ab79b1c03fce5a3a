/**
 * Is this body a Messages request?
 *
 * Bytes -> UTF-8 -> JSON -> one walk that checks every field anyone reads. Must stay true: the
 * result is the parsed object itself, unchanged; whatever the bytes are, the only thing thrown is
 * INVALID_REQUEST, and its text names the field by a dotted path (SURFACE §2).
 */
import { GatewayError } from '../../errors.ts';
import {
  MAX_JSON_VALUES,
  MAX_MESSAGES,
  MAX_MODEL_NAME_CHARS,
  MAX_PARSED_DEPTH,
  MAX_STOP_SEQUENCES,
  MAX_TOOLS,
  SMALL_JSON_BYTES,
} from '../../limits.ts';
import type { MessagesRequest } from '../../wire/anthropic-request.ts';
import { brokenBound } from '../json-size.ts';
import {
  checkContent,
  checkFormat,
  checkThinking,
  checkTool,
  checkToolChoice,
} from './check-blocks.ts';
import {
  asObject,
  type Fields,
  isObject,
  join,
  kindOf,
  optionalBoolean,
  optionalList,
  optionalNumber,
  optionalObject,
  optionalText,
  reject,
  requireText,
} from './checks.ts';
import type { KnownTools, ToolSet } from './known-tools.ts';
import { type LongTexts, MIN_BYTES_FOR_LONG_TEXTS, NO_TEXTS, takeOutTexts } from './long-texts.ts';
import { TOOLS_MARK } from './marks.ts';

const UTF8 = new TextDecoder('utf-8', { fatal: true });

/** A request whose long texts are kept apart, as bytes. */
export interface ReadMessages {
  readonly request: MessagesRequest;
  readonly longTexts: LongTexts;
  /** The tools of the request, which `request` lacks then; null: it has all there are. */
  readonly tools: ToolSet | null;
}

/** Reads the body of `POST /v1/messages`, which `longTexts` needs unchanged. `isUtf8`: all of it is
 *  known to be. Throws INVALID_REQUEST and nothing else. */
export function readMessages(
  bytes: Buffer,
  isUtf8: boolean,
  known: KnownTools | null = null,
): ReadMessages {
  if (!isUtf8 || bytes.length < MIN_BYTES_FOR_LONG_TEXTS) {
    return { request: parseMessages(bytes), longTexts: NO_TEXTS, tools: null };
  }
  const { rest, texts, tools } = takeOutTexts(bytes, undefined, known);
  if (tools === null) return { request: parseMessages(rest), longTexts: texts, tools };
  const request = besideTools(rest, tools);
  return request === null ? readMessages(bytes, isUtf8) : { request, longTexts: texts, tools };
}

/** The request but for its tools, or null where it is not known to be one: they are another
 *  field's, or something is wrong, which is told of the whole body. */
function besideTools(rest: Buffer, tools: ToolSet): MessagesRequest | null {
  try {
    const body = parseJson(rest, tools.bytes.length);
    if (!isObject(body) || body.tools !== TOOLS_MARK) return null;
    return checked({ ...body, tools: undefined });
  } catch (thrown) {
    if (thrown instanceof GatewayError) return null;
    throw thrown;
  }
}

/** The same, whole. Throws INVALID_REQUEST and nothing else. */
export function parseMessages(bytes: Buffer): MessagesRequest {
  const body = parseJson(bytes);
  if (!isObject(body)) throw refused(`the body must be a JSON object, got ${kindOf(body)}`);
  return checked(body);
}

function checked(body: Fields): MessagesRequest {
  checkModel(body);
  checkMessages(body);
  checkPrompt(body);
  checkParameters(body);
  refuseThread(body);
  return body as unknown as MessagesRequest; // every field of the type was checked above
}

/** A thread's earlier messages would be kept by the server, and any of several providers may serve
 *  a turn. To leave the field out would lose them silently; on this code the SDK (its tool runner
 *  uses threads by default) sends the whole conversation instead. */
function refuseThread(body: Fields): void {
  if (body.thread === undefined || body.thread === null) return;
  throw new GatewayError(
    'INVALID_REQUEST',
    'thread: conversations are not kept here; send the full conversation without `thread`',
    { errorCode: 'thread_unsupported_request' },
  );
}

/** Reads the body of `POST /v1/messages/count_tokens`: the same fields, and none of those that it
 *  lacks (`max_tokens`, `metadata`, `stream`: WIRE.md §A.6) is needed by the other either. */
export function parseCountTokens(bytes: Buffer): MessagesRequest {
  return parseMessages(bytes);
}

function refused(message: string): GatewayError {
  return new GatewayError('INVALID_REQUEST', message);
}

/** @param apart bytes of JSON that are not among `bytes`: each may be a value */
function parseJson(bytes: Buffer, apart = 0): unknown {
  if (bytes.length === 0) throw refused('the body is empty, a JSON object was expected');
  if (bytes.length + apart > SMALL_JSON_BYTES) checkBounds(bytes, MAX_JSON_VALUES - apart);
  try {
    return JSON.parse(decode(bytes));
  } catch (thrown) {
    if (thrown instanceof GatewayError) throw thrown;
    // The engine's own text quotes the body, and prompts belong into no message and no log.
    const position = /at position \d+/.exec(String(thrown))?.[0];
    throw refused(`the body is not valid JSON${position === undefined ? '' : ` ${position}`}`);
  }
}

function checkBounds(bytes: Buffer, mostValues: number): void {
  const broken = brokenBound(bytes, mostValues, MAX_PARSED_DEPTH);
  if (broken === 'many') throw refused(`the body has more than ${MAX_JSON_VALUES} values`);
  if (broken === 'deep') throw refused(`the body is nested deeper than ${MAX_PARSED_DEPTH} levels`);
}

function decode(bytes: Buffer): string {
  try {
    return UTF8.decode(bytes);
  } catch {
    throw refused('the body is not valid UTF-8');
  }
}

function checkModel(body: Fields): void {
  const model = requireText(body, 'model', '');
  if (model === '') reject('model', 'must not be empty');
  if (model.length > MAX_MODEL_NAME_CHARS) {
    reject('model', `must have at most ${MAX_MODEL_NAME_CHARS} characters`);
  }
}

function checkMessages(body: Fields): void {
  const { messages } = body;
  if (!Array.isArray(messages)) reject('messages', `must be an array, got ${kindOf(messages)}`);
  if (messages.length === 0) reject('messages', 'must not be empty');
  if (messages.length > MAX_MESSAGES) reject('messages', `must have at most ${MAX_MESSAGES} items`);
  for (let index = 0; index < messages.length; index++) {
    const path = `messages.${index}`;
    const message = asObject(messages[index], path);
    checkRole(requireText(message, 'role', path), path);
    checkContent(message.content, `${path}.content`);
  }
}

function checkRole(role: string, path: string): void {
  if (role === 'user' || role === 'assistant' || role === 'system') return;
  reject(join(path, 'role'), 'must be user, assistant or system');
}

function checkPrompt(body: Fields): void {
  const { system } = body;
  if (system !== undefined && system !== null) checkContent(system, 'system');
  const tools = optionalList(body, 'tools', '') ?? [];
  if (tools.length > MAX_TOOLS) reject('tools', `must have at most ${MAX_TOOLS} items`);
  for (let index = 0; index < tools.length; index++) {
    const path = `tools.${index}`;
    checkTool(asObject(tools[index], path), path);
  }
  const choice = optionalObject(body, 'tool_choice', '');
  if (choice !== undefined) checkToolChoice(choice, 'tool_choice');
}

function checkParameters(body: Fields): void {
  checkMaxTokens(body.max_tokens);
  optionalBoolean(body, 'stream', '');
  for (const key of ['temperature', 'top_p', 'top_k']) optionalNumber(body, key, '');
  checkStopSequences(optionalList(body, 'stop_sequences', '') ?? []);
  const metadata = optionalObject(body, 'metadata', '');
  if (metadata !== undefined) optionalText(metadata, 'user_id', 'metadata');
  const thinking = optionalObject(body, 'thinking', '');
  if (thinking !== undefined) checkThinking(thinking, 'thinking');
  const format = optionalObject(body, 'output_format', '');
  if (format !== undefined) checkFormat(format, 'output_format');
  const output = optionalObject(body, 'output_config', '');
  if (output !== undefined) checkOutputConfig(output);
}

function checkOutputConfig(output: Fields): void {
  optionalText(output, 'effort', 'output_config');
  const format = optionalObject(output, 'format', 'output_config');
  if (format !== undefined) checkFormat(format, 'output_config.format');
}

function checkMaxTokens(value: unknown): void {
  if (value === undefined || value === null) return;
  if (typeof value !== 'number') reject('max_tokens', `must be an integer, got ${kindOf(value)}`);
  if (!Number.isSafeInteger(value) || value < 0) {
    reject('max_tokens', 'must be an integer from 0 on, in range');
  }
}

function checkStopSequences(sequences: readonly unknown[]): void {
  if (sequences.length > MAX_STOP_SEQUENCES) {
    reject('stop_sequences', `must have at most ${MAX_STOP_SEQUENCES} items`);
  }
  for (let index = 0; index < sequences.length; index++) {
    const value = sequences[index];
    if (typeof value === 'string') continue;
    reject(`stop_sequences.${index}`, `must be a string, got ${kindOf(value)}`);
  }
}
