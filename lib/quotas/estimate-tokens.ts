/**
 * About how many tokens is this?
 *
 * No tokenizer is bundled (they are megabytes, and none fits all models): characters are classed
 * and each class has a price, fitted to byte-level BPE vocabularies of 100 to 200 thousand entries
 * (WIRE.md §H). Reports of the provider then correct it per model (`Calibration`). Erring high is
 * the harmless direction: too low makes agents compact too late. Any value is walked without a
 * throw.
 */

import { MAX_JSON_DEPTH, MAX_KNOWN_TOOLS, MAX_TOOLS_MARK_CHARS } from '../limits.ts';
import { readJson } from './json-text.ts';
import { KnownTexts } from './known-texts.ts';

/** Prices in tokens. A word is a run of letters of one case, first capital included. */
const WORD = 1;
const WORD_CHARS = 7;
const FURTHER_LETTER = 0.22;
const FURTHER_CAPITAL = 0.45; // from the third of a run
const JOINED_WORD = 0.95; // the second part of camelCase, and what follows a digit
const DIGIT = 0.48;
const MARK = 0.66;
const SAME_MARK = 0.2; // the second of `==`, `----`
const SPACES = 0.45; // a run of two and more blanks, and each line end
const WIDE = 0.75; // CJK, kana, Hangul
const OTHER = 0.42; // accented, Cyrillic, Greek, halves of emoji
const SAFETY = 1.05;
/** Letters and digits without a break are no words from here on, but base64, hex or a hash. */
const LONGEST_NAME = 24;
const LONGEST_SEGMENT = 16; // of a path: longer ones before a `/` are base64 too
const RANDOM_CHAR = 0.66;

const PLUS = 43;
const SLASH = 47;
const TABLE_CHARS = 128;
const LOWER = 1;
const UPPER = 2;
const DIGITS = 3;
const BLANK = 4;
const LINE_END = 5;
const PUNCTUATION = 6;

const CLASSES = Uint8Array.from({ length: TABLE_CHARS }, (_, code) => {
  const char = String.fromCharCode(code);
  if (/[a-z]/.test(char)) return LOWER;
  if (/[A-Z]/.test(char)) return UPPER;
  if (/[0-9]/.test(char)) return DIGITS;
  if (char === ' ' || char === '\t') return BLANK;
  return char === '\n' || char === '\r' ? LINE_END : PUNCTUATION;
});

/** A text up to this long is walked whole; of a longer one this much, or an eighth, in blocks
 *  spread evenly over it, and never more than the last: the walk would cost more than parsing the
 *  request. Against a whole walk that is within 1.5 % for captured requests and those of many
 *  files, 5 % for one file. */
const WALKED_CHARS = 512;
const BLOCK_CHARS = 256;
const LOOKED_AT = 0.125;
const MOST_WALKED_CHARS = 65_536;
/** After this much of one request a block of each text has to do: a body of 10 MB, walked, would
 *  stall everybody else for longer than it takes to parse it. */
const WALKED_OF_REQUEST_CHARS = 262_144;

/** Texts of a request that stand as JSON in `bytes`, their insides from `start` to `end`. */
export interface TextsApart {
  readonly bytes: Buffer;
  rangeOf(text: string): { readonly start: number; readonly end: number } | undefined;
  /** Characters, or bytes of such a text. */
  lengthOf(text: string): number;
}

/** Of the request that is being estimated; nothing comes in between. */
let walkedChars = 0;
let apart: TextsApart | undefined;

/** Tokens of a text; fractions are kept so that many short texts add up well. */
export function estimateText(text: string): number {
  const range = apart?.rangeOf(text);
  if (apart === undefined || range === undefined)
    return estimateOf(text, undefined, 0, text.length);
  return estimateApart(apart.bytes, range.start, range.end - range.start);
}

/** Estimates of those that are apart, but for what was hardly looked at. */
const knownTexts = new KnownTexts();

function estimateApart(bytes: Buffer, start: number, length: number): number {
  const known = knownTexts.get(bytes, start, length);
  if (known !== undefined) return known;
  const isLooked = walkedChars < WALKED_OF_REQUEST_CHARS;
  const tokens = estimateOf('', bytes, start, length);
  if (isLooked) knownTexts.set(bytes, start, length, tokens);
  return tokens;
}

/** Of a text, or of `length` bytes of JSON from `start` on. */
function estimateOf(
  text: string,
  bytes: Buffer | undefined,
  start: number,
  length: number,
): number {
  const [least, share] =
    walkedChars < WALKED_OF_REQUEST_CHARS ? [WALKED_CHARS, LOOKED_AT] : [BLOCK_CHARS, 0];
  if (length <= least) {
    walkedChars += length;
    return walked(text, bytes, start, length) * SAFETY;
  }
  const looked = Math.min(MOST_WALKED_CHARS, Math.max(least, length * share));
  const blocks = Math.ceil(looked / BLOCK_CHARS);
  const step = (length - BLOCK_CHARS) / Math.max(1, blocks - 1);
  walkedChars += blocks * BLOCK_CHARS;
  let tokens = 0;
  for (let block = 0; block < blocks; block++) {
    const from = Math.floor(block * step);
    tokens += walked(text, bytes, start + from, BLOCK_CHARS);
  }
  return tokens * (length / (blocks * BLOCK_CHARS)) * SAFETY;
}

/** What is walked at once, as UTF-16, and the same as bytes. */
const codes = new Uint16Array(WALKED_CHARS);
const bytesOfCodes = Buffer.from(codes.buffer);
const BYTES_PER_CODE = 2;

/** Whether `utf16le`, which writes 512 characters in the time in which a loop writes thirty, is how
 *  this machine keeps its numbers. */
const IS_LITTLE_ENDIAN = new Uint8Array(Uint16Array.of(1).buffer)[0] === 1;

function walked(text: string, bytes: Buffer | undefined, from: number, length: number): number {
  if (bytes !== undefined) return walk(readJson(bytes, from, from + length, codes));
  if (IS_LITTLE_ENDIAN) {
    const block = length === text.length ? text : text.slice(from, from + length);
    bytesOfCodes.write(block, 0, length * BYTES_PER_CODE, 'utf16le');
  } else {
    for (let at = 0; at < length; at++) codes[at] = text.charCodeAt(from + at);
  }
  return walk(length);
}

/** Tokens of the first `to` of `codes`. */
function walk(to: number): number {
  let tokens = 0;
  let before = BLANK;
  let letters = 0;
  let unbroken = 0;
  for (let at = 0; at < to; at++) {
    const code = codes[at] as number;
    if (code >= TABLE_CHARS) {
      tokens += code >= 0x2e80 && code < 0xd800 ? WIDE : OTHER;
      before = PUNCTUATION;
      unbroken = 0;
      continue;
    }
    const found = CLASSES[code] as number;
    if (found <= DIGITS) unbroken += 1;
    else if (unbroken <= LONGEST_SEGMENT || (code !== PLUS && code !== SLASH)) unbroken = 0;
    if (unbroken > LONGEST_NAME) {
      tokens += RANDOM_CHAR;
      before = found;
      continue;
    }
    switch (found) {
      case LOWER:
        if (before === LOWER || (before === UPPER && letters === 1)) {
          letters += 1;
          if (letters > WORD_CHARS) tokens += FURTHER_LETTER;
        } else {
          letters = 1;
          tokens += before === UPPER || before === DIGITS ? JOINED_WORD : WORD;
        }
        break;
      case UPPER:
        if (before === UPPER) {
          letters += 1;
          if (letters > 2) tokens += FURTHER_CAPITAL;
        } else {
          letters = 1;
          tokens += before === LOWER || before === DIGITS ? JOINED_WORD : WORD;
        }
        break;
      case DIGITS:
        tokens += DIGIT;
        break;
      case BLANK:
        if (before === BLANK) tokens += at < 2 || codes[at - 2] !== 32 ? SPACES : 0;
        break;
      case LINE_END:
        if (before !== LINE_END) tokens += SPACES;
        break;
      default:
        tokens += codes[at - 1] === code ? SAME_MARK : MARK;
    }
    before = found;
  }
  return tokens;
}

/** A request body that is not looked into: bytes of JSON per token, measured over real agent
 *  requests as 4.7 (WIRE.md §H); base64 and CJK need more tokens, so a little less. */
const BYTES_PER_TOKEN = 4;

export function estimateBytes(bytes: number): number {
  return bytes > 0 ? Math.ceil(bytes / BYTES_PER_TOKEN) : 0;
}

/** An image of unknown size, at most (WIRE.md §H). */
const IMAGE_TOKENS = 1_600;
/** A page of a document that is sent as base64 is of about this size, and costs this much. */
const DOCUMENT_BYTES_PER_TOKEN = 30;
const MESSAGE_TOKENS = 4;
const TOOL_TOKENS = 10;
const TOOLS_TOKENS = 40;
/** Quotes, colon and comma around a field or an element. */
const FIELD_TOKENS = 1.5;

/** What is read of a Messages request; every field may be anything. */
export interface EstimatedRequest {
  readonly system?: unknown;
  readonly messages?: unknown;
  readonly tools?: unknown;
}

/** Prompt tokens of a Messages request, a whole number: system, messages, tools with schemas.
 *  `tools`: what `estimateTools` gave for those of the request. */
export function estimateMessages(
  request: EstimatedRequest,
  texts?: TextsApart,
  tools?: number,
): number {
  const { system, messages } = request;
  const tokens = counted(texts, () => {
    let sum = contentTokens(system, 0);
    if (Array.isArray(messages)) {
      for (const message of messages) {
        sum += MESSAGE_TOKENS;
        if (isObject(message)) sum += contentTokens(message.content, 0);
      }
    }
    return sum + (tools ?? toolsTokens(request.tools));
  });
  return Math.ceil(tokens);
}

/** Prompt tokens of the tools of a request alone, unrounded. */
export function estimateTools({ tools }: EstimatedRequest, texts?: TextsApart): number {
  return counted(texts, () => toolsTokens(tools));
}

/** What `count` gives for one request, whose long texts are in `texts`. */
function counted(texts: TextsApart | undefined, count: () => number): number {
  walkedChars = 0;
  apart = texts;
  const tokens = count();
  walkedChars = 0;
  apart = undefined;
  return tokens;
}

/** Estimates of tool sets seen before: an agent sends the same ones with every turn, and walking
 *  their schemas costs more than all the rest. Bounded: a full one starts anew. */
const knownTools = new Map<string, number>();

function toolsTokens(tools: unknown): number {
  if (!Array.isArray(tools) || tools.length === 0) return 0;
  const key = tools.map(toolMark).join(' ');
  const known = key.length > MAX_TOOLS_MARK_CHARS ? undefined : knownTools.get(key);
  if (known !== undefined) return known;
  let tokens = TOOLS_TOKENS;
  for (const tool of tools) tokens += TOOL_TOKENS + jsonTokens(tool, 0);
  if (knownTools.size >= MAX_KNOWN_TOOLS) knownTools.clear();
  if (key.length <= MAX_TOOLS_MARK_CHARS) knownTools.set(key, tokens);
  return tokens;
}

/** What tells one tool from another well enough for an estimate. */
function toolMark(tool: unknown): string {
  if (!isObject(tool)) return '';
  const { name, description, input_schema: schema } = tool;
  const size = typeof description === 'string' ? lengthOf(description) : 0;
  const properties = isObject(schema) && isObject(schema.properties) ? schema.properties : {};
  return `${typeof name === 'string' ? name : ''}:${size}:${Object.keys(properties).join()}`;
}

function contentTokens(content: unknown, depth: number): number {
  if (typeof content === 'string') return estimateText(content);
  if (!Array.isArray(content) || depth > MAX_JSON_DEPTH) return 0;
  let tokens = 0;
  for (const block of content) {
    if (isObject(block)) tokens += blockTokens(block, depth + 1);
    else if (typeof block === 'string') tokens += estimateText(block);
  }
  return tokens;
}

function blockTokens(block: Readonly<Record<string, unknown>>, depth: number): number {
  switch (block.type) {
    case 'text':
      return textTokens(block.text);
    case 'thinking':
      return textTokens(block.thinking);
    case 'redacted_thinking':
      return 0;
    case 'image':
      return IMAGE_TOKENS;
    case 'document':
      return (
        textTokens(block.title) + textTokens(block.context) + sourceTokens(block.source, depth)
      );
    case 'tool_use':
    case 'server_tool_use':
      return TOOL_TOKENS + textTokens(block.name) + jsonTokens(block.input, depth);
    case 'tool_result':
      return TOOL_TOKENS + contentTokens(block.content, depth);
    default:
      return jsonTokens(block, depth);
  }
}

function sourceTokens(source: unknown, depth: number): number {
  if (!isObject(source)) return 0;
  if (source.type === 'content') return contentTokens(source.content, depth);
  if (source.type === 'text') return textTokens(source.data);
  const bytes = typeof source.data === 'string' ? lengthOf(source.data) : 0;
  return Math.max(IMAGE_TOKENS, bytes / DOCUMENT_BYTES_PER_TOKEN);
}

function lengthOf(text: string): number {
  return apart === undefined ? text.length : apart.lengthOf(text);
}

function textTokens(text: unknown): number {
  return typeof text === 'string' ? estimateText(text) : 0;
}

/** Tokens of a value as compact JSON, without writing it. base64 data counts as an image. */
function jsonTokens(value: unknown, depth: number): number {
  if (typeof value === 'string') return FIELD_TOKENS + estimateText(value);
  if (typeof value !== 'object' || value === null) return FIELD_TOKENS;
  if (depth > MAX_JSON_DEPTH) return 0;
  let tokens = FIELD_TOKENS;
  if (Array.isArray(value)) {
    for (const element of value) tokens += jsonTokens(element, depth + 1);
    return tokens;
  }
  const object = value as Readonly<Record<string, unknown>>;
  if (object.type === 'base64') return IMAGE_TOKENS;
  for (const key in object) {
    tokens += 1 + estimateText(key) + jsonTokens(object[key], depth + 1);
  }
  return tokens;
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

const NEWEST_SHARE = 0.2;
const MIN_FACTOR = 0.7;
const MAX_FACTOR = 1.6;
/** Below this the provider's fixed parts (template, tool preamble) outweigh the text. */
const MIN_OBSERVED_TOKENS = 200;

/** The moving average of reported / estimated tokens of one model (WIRE.md §H). */
export class Calibration {
  /** Multiply an estimate by it; 1 until something was reported. */
  factor = 1;
  #observed = false;

  observe(estimate: number, reported: number): void {
    if (!(estimate >= MIN_OBSERVED_TOKENS) || !(reported > 0)) return;
    const ratio = Math.min(MAX_FACTOR, Math.max(MIN_FACTOR, reported / estimate));
    this.factor = this.#observed ? this.factor + NEWEST_SHARE * (ratio - this.factor) : ratio;
    this.#observed = true;
  }
}
