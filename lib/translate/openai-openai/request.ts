/**
 * Which model does this OpenAI request want, and what do the bytes become for a provider?
 *
 * Must stay true: nothing is parsed into objects but the few members named here; every byte that is
 * not the value of `model` or inside `stream_options` reaches the provider as the client wrote it
 * (number formats, key order, unknown fields: SURFACE §2).
 */
import { GatewayError } from '../../errors.ts';
import { MAX_JSON_DEPTH, MAX_JSON_VALUES, MAX_MODEL_NAME_CHARS } from '../../limits.ts';
import type { JsonValue } from '../json-scanner.ts';
import {
  type Edit,
  lastMember,
  numberOf,
  type ObjectScan,
  replaceAll,
  scanObject,
  splice,
  stringOf,
} from '../json-splice.ts';

export interface RawRequest {
  /** The body as it came. */
  readonly bytes: Buffer;
  readonly scan: ObjectScan;
  readonly model: string;
  readonly stream: boolean;
  /** Output tokens asked for, of the field that counts; undefined: none named. */
  readonly maxTokens: number | undefined;
  /** The client asked for the usage chunk itself (`stream_options.include_usage`). */
  readonly includeUsage: boolean;
  /** There is a `messages` array that is not empty. */
  readonly hasMessages: boolean;
}

const WANTED = [
  'model',
  'stream',
  'stream_options',
  'messages',
  'max_completion_tokens',
  'max_tokens',
  'max_output_tokens',
] as const;

/** Reads the body of a chat completion. Throws INVALID_REQUEST with the field in `param`. */
export function readChatRequest(bytes: Buffer): RawRequest {
  const request = readModelRequest(bytes);
  if (request.hasMessages) return request;
  const messages = lastMember(request.scan, 'messages');
  throw refused(
    messages?.kind === 'array' ? '"messages" is empty' : '"messages" must be an array',
    'messages',
  );
}

/** Reads the body of any other OpenAI path with a `model`: embeddings, completions, responses.
 *  Throws INVALID_REQUEST. */
export function readModelRequest(bytes: Buffer): RawRequest {
  const scan = scanObject(bytes, WANTED, 0, bytes.length, MAX_JSON_VALUES);
  if (!scan.ok) throw refused(whyRefused(scan.reason, scan.at));
  return {
    bytes,
    scan,
    model: modelOf(bytes, scan),
    stream: streamOf(scan),
    maxTokens: maxTokensOf(bytes, scan),
    includeUsage: asksForUsage(bytes, lastMember(scan, 'stream_options')),
    hasMessages: holdsElements(bytes, lastMember(scan, 'messages')),
  };
}

/**
 * The body for a provider: every `model` is `upstreamModel`; with `addUsage`, and only when it
 * streams, `stream_options.include_usage` is true, other stream options stay. Where nothing
 * changes, the very bytes that came.
 */
export function rewrite(request: RawRequest, upstreamModel: string, addUsage: boolean): Buffer {
  const { bytes, scan, model } = request;
  const edits =
    model === upstreamModel && isPlain(scan, 'model')
      ? []
      : replaceAll(bytes, scan, 'model', JSON.stringify(upstreamModel));
  if (addUsage && request.stream) edits.push(...usageEdits(bytes, scan));
  return splice(
    bytes,
    edits.sort((a, b) => a.start - b.start),
  );
}

function modelOf(bytes: Buffer, scan: ObjectScan): string {
  const member = lastMember(scan, 'model');
  if (member === undefined) throw refused('"model" is missing', 'model');
  const model = stringOf(bytes, member);
  if (model === undefined || model === '') {
    throw refused('"model" must be a string that is not empty', 'model');
  }
  if (model.length > MAX_MODEL_NAME_CHARS) {
    throw refused(`"model" is longer than ${MAX_MODEL_NAME_CHARS} characters`, 'model');
  }
  if (model.includes('\ufffd')) throw refused('"model" is not valid text', 'model');
  return model;
}

function streamOf(scan: ObjectScan): boolean {
  const kind = lastMember(scan, 'stream')?.kind ?? 'null';
  if (kind === 'true') return true;
  if (kind === 'false' || kind === 'null') return false;
  throw refused('"stream" must be true or false', 'stream');
}

/** The newer names first (WIRE.md §D). What is no sensible number is the provider's to refuse. */
function maxTokensOf(bytes: Buffer, scan: ObjectScan): number | undefined {
  for (const key of ['max_completion_tokens', 'max_tokens', 'max_output_tokens']) {
    const tokens = numberOf(bytes, lastMember(scan, key));
    if (tokens !== undefined && Number.isFinite(tokens) && tokens >= 0) return tokens;
  }
  return undefined;
}

function holdsElements(bytes: Buffer, value: JsonValue | undefined): boolean {
  if (value?.kind !== 'array') return false;
  let at = value.start + 1;
  while ((bytes[at] ?? 0) <= 0x20) at++;
  return at < value.end - 1;
}

function asksForUsage(bytes: Buffer, options: JsonValue | undefined): boolean {
  if (options?.kind !== 'object') return false;
  const scan = scanObject(bytes, ['include_usage'], options.start, options.end);
  return lastMember(scan, 'include_usage')?.kind === 'true';
}

/** True when there is one occurrence only, so that the one that counts is the one everybody reads.
 *  */
function isPlain(scan: ObjectScan, key: string): boolean {
  return scan.ok && scan.members.filter((member) => member.key === key).length === 1;
}

function usageEdits(bytes: Buffer, scan: ObjectScan): Edit[] {
  if (!scan.ok) return [];
  const options = scan.members.filter(({ key }) => key === 'stream_options');
  if (options.length === 0) {
    const text = ',"stream_options":{"include_usage":true}';
    return [{ start: scan.close, end: scan.close, text }];
  }
  return options.flatMap((value) => optionEdits(bytes, value));
}

/** A value that is neither an object nor null is the provider's to refuse. */
function optionEdits(bytes: Buffer, { kind, start, end }: JsonValue): Edit[] {
  if (kind === 'null') return [{ start, end, text: '{"include_usage":true}' }];
  if (kind !== 'object') return [];
  const scan = scanObject(bytes, ['include_usage'], start, end);
  if (!scan.ok) return [];
  if (scan.members.length > 0) return replaceAll(bytes, scan, 'include_usage', 'true');
  const text = scan.empty ? '"include_usage":true' : ',"include_usage":true';
  return [{ start: scan.close, end: scan.close, text }];
}

type Refusal = Extract<ObjectScan, { ok: false }>['reason'];

function whyRefused(reason: Refusal, at: number): string {
  switch (reason) {
    case 'syntax':
      return `The body is not valid JSON (at byte ${at})`;
    case 'not-object':
      return 'The body must be a JSON object';
    case 'too-deep':
      return `The body is nested deeper than ${MAX_JSON_DEPTH} levels`;
    case 'too-many':
      return 'The body repeats its members too often';
    case 'too-large':
      return `The body has more than ${MAX_JSON_VALUES} values`;
    default: {
      const never: never = reason;
      return never;
    }
  }
}

function refused(message: string, param?: string): GatewayError {
  return new GatewayError('INVALID_REQUEST', message, param === undefined ? {} : { param });
}
