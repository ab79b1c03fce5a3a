/**
 * What does a block of a user's message, or of a tool's result, become?
 *
 * Text, or a picture for a model that can see. Must stay true: nothing vanishes unsaid; what cannot
 * go along leaves a line that names it, so that the model knows and can tell the user.
 */
import type {
  ContentBlock,
  DocumentBlock,
  ImageSource,
  OtherBlock,
  SearchResultBlock,
  ToolResultBlock,
} from '../../wire/anthropic-request.ts';
import type { ChatPart } from '../../wire/openai-request.ts';
import type { LongTexts } from './long-texts.ts';
import { PARAGRAPH } from './system.ts';
import type { ToolNames } from './tool-names.ts';

/** What the rendering has to know of the model and the request. */
export interface Reader {
  readonly vision: boolean;
  readonly names: ToolNames;
  readonly longTexts: LongTexts;
}

/** Parts in reading order; blank texts are left out (providers refuse empty ones). */
export function renderContent(
  content: string | readonly ContentBlock[],
  reader: Reader,
): readonly ChatPart[] {
  if (typeof content === 'string') return textParts(content);
  return content.flatMap((block) => renderBlock(block, reader));
}

function textParts(text: string): readonly ChatPart[] {
  return text.trim() === '' ? [] : [{ type: 'text', text }];
}

function renderBlock(block: ContentBlock, reader: Reader): readonly ChatPart[] {
  switch (block.type) {
    case 'text':
      return textParts(block.text);
    case 'image':
      return renderImage(block.source, reader);
    case 'document':
      return renderDocument(block, reader);
    case 'search_result':
      return renderSearchResult(block, reader);
    case 'tool_reference':
      return textParts(`Tool loaded: ${reader.names.upstream(block.tool_name)}`);
    case 'compaction':
      return textParts(block.content ?? '');
    case 'tool_result':
      return renderOrphan(block, reader);
    case 'thinking':
    case 'redacted_thinking':
    case 'tool_use':
      return []; // the assistant's own; they mean nothing in another's message
    default:
      return renderOther(block);
  }
}

function renderImage(source: ImageSource, reader: Reader): readonly ChatPart[] {
  if (!reader.vision) return textParts('[image omitted: the model has no vision]');
  switch (source.type) {
    case 'base64':
      return [imagePart(`data:${source.media_type};base64,${source.data}`)];
    case 'url':
      return [imagePart(source.url)];
    case 'file':
      return textParts(`[image omitted: the file ${source.file_id} is not here]`);
    default:
      source satisfies { type: '(other)' };
      return textParts('[image omitted: its source is not known here]');
  }
}

function imagePart(url: string): ChatPart {
  return { type: 'image_url', image_url: { url } };
}

function renderDocument(block: DocumentBlock, reader: Reader): readonly ChatPart[] {
  const { source } = block;
  switch (source.type) {
    case 'text':
      return documentParts(block, textParts(source.data));
    case 'content':
      return documentParts(block, renderContent(source.content, reader));
    case 'base64':
      return omitted(block, `${source.media_type}, about ${sizeOf(source.data, reader)}`);
    case 'url':
      return omitted(block, source.url);
    case 'file':
      return omitted(block, `file ${source.file_id}`);
    default:
      source satisfies { type: '(other)' };
      return omitted(block, 'its source is not known here');
  }
}

function documentParts(block: DocumentBlock, inside: readonly ChatPart[]): readonly ChatPart[] {
  const title = block.title ? ` title=${JSON.stringify(block.title)}` : '';
  const context = textParts(block.context ?? '');
  return asParts(enclosed(`<document${title}>`, lines([...context, ...inside]), '</document>'));
}

function omitted(block: DocumentBlock, what: string): readonly ChatPart[] {
  return textParts(`[document omitted: ${block.title ? `${block.title}, ` : ''}${what}]`);
}

/** Size of what base64 text stands for, in whole KB. */
function sizeOf(base64: string, { longTexts }: Reader): string {
  return `${Math.ceil((longTexts.lengthOf(base64) * 3) / 4 / 1024)} KB`;
}

function renderSearchResult(block: SearchResultBlock, reader: Reader): readonly ChatPart[] {
  const [title, source] = [JSON.stringify(block.title), JSON.stringify(block.source)];
  const inside = lines(renderContent(block.content, reader));
  const open = `<search_result title=${title} source=${source}>`;
  return asParts(enclosed(open, inside, '</search_result>'));
}

/** Texts as the lines of one, unless there is a picture among them. */
function lines(parts: readonly ChatPart[]): string | readonly ChatPart[] {
  return parts.every((part) => part.type === 'text') ? joinTexts(parts, '\n') : parts;
}

function asParts(content: string | readonly ChatPart[]): readonly ChatPart[] {
  return typeof content === 'string' ? textParts(content) : content;
}

/** Content between two marks, each on a line or in a part of its own. */
export function enclosed(
  open: string,
  inside: string | readonly ChatPart[],
  close: string,
): string | readonly ChatPart[] {
  if (typeof inside === 'string') return `${open}\n${inside}\n${close}`;
  return [...textParts(open), ...inside, ...textParts(close)];
}

/** A result whose call is not in the conversation: strict providers refuse it as a tool message. */
function renderOrphan(block: ToolResultBlock, reader: Reader): readonly ChatPart[] {
  const inside = renderContent(block.content ?? '', reader);
  return [...textParts(`[result of the earlier tool call ${block.tool_use_id}]`), ...inside];
}

/** Fields that say nothing to a model. */
const NOISE = new Set(['cache_control', 'signature', 'encrypted_content']);

/** Calls and results of tools that ran at Anthropic are left out in pairs: what the model made
 *  of them stands in the text behind them. Any other unknown block is shown as it is. */
function renderOther(block: OtherBlock): readonly ChatPart[] {
  if (isServerToolBlock(block)) return [];
  return textParts(JSON.stringify(block, (key, value) => (NOISE.has(key) ? undefined : value)));
}

function isServerToolBlock(block: OtherBlock): boolean {
  const type: string = block.type;
  return type.endsWith('_tool_use') || type.endsWith('_tool_result');
}

/** The texts of the parts, pictures left out. */
export function joinTexts(parts: readonly ChatPart[], separator: string): string {
  const only = parts.length === 1 ? parts[0] : undefined;
  if (only?.type === 'text') return only.text;
  return parts.flatMap((part) => (part.type === 'text' ? [part.text] : [])).join(separator);
}

/** A user message's content: one string where there is no picture (text models of Zhipu take no
 *  other), else parts, with neighbouring texts as one. Undefined: nothing is left to say. */
export function userContent(parts: readonly ChatPart[]): string | readonly ChatPart[] | undefined {
  if (parts.length === 0) return undefined;
  if (parts.every((part) => part.type === 'text')) return joinTexts(parts, PARAGRAPH);
  const merged: ChatPart[] = [];
  for (const part of parts) {
    const last = merged.at(-1);
    if (part.type === 'text' && last?.type === 'text') {
      merged[merged.length - 1] = { type: 'text', text: last.text + PARAGRAPH + part.text };
    } else merged.push(part);
  }
  return merged;
}
