/**
 * Is a message's content, a tool, a wish what its types say, at every depth?
 *
 * Known blocks have their fields of the right type; blocks that nobody knows are let through,
 * because clients are ahead of us. Must stay true: after this walk a block may be read by its type
 * alone.
 */
import { MAX_JSON_DEPTH } from '../../limits.ts';
import {
  asObject,
  checkFree,
  type Fields,
  join,
  kindOf,
  optionalBoolean,
  optionalNumber,
  optionalText,
  reject,
  requireText,
} from './checks.ts';

/** A string or an array of blocks (WIRE.md §A.2); `depthLeft` bounds blocks inside of blocks. */
export function checkContent(value: unknown, path: string, depthLeft = MAX_JSON_DEPTH): void {
  if (typeof value === 'string') return;
  if (Array.isArray(value)) checkBlocks(value, path, depthLeft);
  else reject(path, `must be a string or an array of blocks, got ${kindOf(value)}`);
}

function checkBlocks(blocks: readonly unknown[], path: string, depthLeft: number): void {
  if (depthLeft <= 0) reject(path, `is nested deeper than ${MAX_JSON_DEPTH} levels`);
  for (let index = 0; index < blocks.length; index++) {
    const at = join(path, index);
    checkBlock(asObject(blocks[index], at), at, depthLeft);
  }
}

function checkBlock(block: Fields, path: string, depthLeft: number): void {
  switch (requireText(block, 'type', path)) {
    case 'text':
      requireText(block, 'text', path);
      break;
    case 'image':
      checkSource(block, path, depthLeft);
      break;
    case 'document':
      optionalText(block, 'title', path);
      optionalText(block, 'context', path);
      checkSource(block, path, depthLeft);
      break;
    case 'search_result':
      checkSearchResult(block, path, depthLeft);
      break;
    case 'thinking':
      requireText(block, 'thinking', path);
      break;
    case 'compaction':
      optionalText(block, 'content', path);
      break;
    case 'tool_use':
      checkToolUse(block, path);
      break;
    case 'tool_result':
      checkToolResult(block, path, depthLeft);
      break;
    case 'tool_reference':
      requireText(block, 'tool_name', path);
      break;
    default:
      checkFree(block, path);
  }
}

function checkSearchResult(block: Fields, path: string, depthLeft: number): void {
  requireText(block, 'title', path);
  requireText(block, 'source', path);
  const at = join(path, 'content');
  const { content } = block;
  if (!Array.isArray(content)) reject(at, `must be an array, got ${kindOf(content)}`);
  checkBlocks(content, at, depthLeft - 1);
}

function checkToolUse(block: Fields, path: string): void {
  requireText(block, 'id', path);
  requireText(block, 'name', path);
  checkFree(block.input, join(path, 'input'));
}

function checkToolResult(block: Fields, path: string, depthLeft: number): void {
  requireText(block, 'tool_use_id', path);
  optionalBoolean(block, 'is_error', path);
  const { content } = block;
  if (content === undefined || content === null) return;
  checkContent(content, join(path, 'content'), depthLeft - 1);
}

function checkSource(block: Fields, path: string, depthLeft: number): void {
  const at = join(path, 'source');
  const source = asObject(block.source, at);
  switch (requireText(source, 'type', at)) {
    case 'base64':
      requireText(source, 'media_type', at);
      requireText(source, 'data', at);
      break;
    case 'text':
      requireText(source, 'data', at);
      break;
    case 'url':
      requireText(source, 'url', at);
      break;
    case 'file':
      requireText(source, 'file_id', at);
      break;
    case 'content':
      checkContent(source.content, join(at, 'content'), depthLeft - 1);
  }
}

/** Tools of the client need no more than a name; typed ones, which run at Anthropic, not even
 *  that. */
export function checkTool(tool: Fields, path: string): void {
  optionalText(tool, 'type', path);
  optionalText(tool, 'description', path);
  const { input_schema: schema, type, name } = tool;
  const typed = typeof type === 'string' && type !== 'custom';
  if (!typed || (name !== undefined && name !== null)) {
    if (requireText(tool, 'name', path) === '') reject(join(path, 'name'), 'must not be empty');
  }
  if (schema === undefined || schema === null) return;
  const at = join(path, 'input_schema');
  checkFree(asObject(schema, at), at);
}

/** The union of WIRE.md §A.2; an unknown choice is refused, since guessing would run or bar a
 *  tool. */
export function checkToolChoice(choice: Fields, path: string): void {
  const type = requireText(choice, 'type', path);
  if (!['auto', 'any', 'tool', 'none'].includes(type)) {
    reject(join(path, 'type'), 'must be auto, any, tool or none');
  }
  if (type === 'tool') requireText(choice, 'name', path);
  optionalBoolean(choice, 'disable_parallel_tool_use', path);
}

/** An unknown kind of thinking is no wish at all. */
export function checkThinking(thinking: Fields, path: string): void {
  requireText(thinking, 'type', path);
  optionalNumber(thinking, 'budget_tokens', path);
}

/** `output_config.format`, or the older `output_format`. */
export function checkFormat(format: Fields, path: string): void {
  if (requireText(format, 'type', path) !== 'json_schema') return;
  const at = join(path, 'schema');
  checkFree(asObject(format.schema, at), at);
}
