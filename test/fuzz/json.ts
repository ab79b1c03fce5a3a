/** Request bodies, as the endpoints read, rewrite and translate them. */
import assert from 'node:assert/strict';
import { GatewayError } from '../../lib/errors.ts';
import { MAX_JSON_DEPTH, MAX_WANTED_MEMBERS } from '../../lib/limits.ts';
import type { Preset } from '../../lib/providers/types.ts';
import { chatCompletions } from '../../lib/routes/chat-completions.ts';
import { messages } from '../../lib/routes/messages.ts';
import { passthrough } from '../../lib/routes/passthrough.ts';
import { MIN_BYTES_FOR_LONG_TEXTS } from '../../lib/translate/anthropic-openai/long-texts.ts';
import { scanObject } from '../../lib/translate/json-splice.ts';
import type { ClientRequest } from '../../lib/translate/pair.ts';
import { contextOf } from '../support/contexts.ts';
import { fuzzWhenStarted } from './main.ts';
import type { FuzzTarget } from './target.ts';

const PRESETS: readonly Preset['name'][] = ['cerebras', 'zhipu', 'generic'];
const UPSTREAM_MODEL = 'upstream-model';
const TOLD = new Set(['INVALID_REQUEST', 'PROMPT_TOO_LONG']);
const DEEP = '['.repeat(MAX_JSON_DEPTH + 2) + ']'.repeat(MAX_JSON_DEPTH + 2);

const TOOL_TURN = `{"model":"claude-sonnet-4-5","max_tokens":32000,"stream":true,"thinking":
{"type":"enabled","budget_tokens":2000},"system":[{"type":"text","text":"Be brief.",
"cache_control":{"type":"ephemeral"}}],"tools":[{"name":"Read","description":"d","input_schema":
{"$schema":"x","type":"object","properties":{"path":{"type":"string","minLength":1}},"required":
["path"],"additionalProperties":false}},{"type":"web_search_20250305","name":"web_search"}],
"messages":[{"role":"user","content":"Hi"},{"role":"assistant","content":[{"type":"thinking",
"thinking":"hm","signature":"cdp1.00000000"},{"type":"text","text":"Let me see"},{"type":"tool_use",
"id":"toolu_1","name":"Read","input":{"path":"a"}}]},{"role":"user","content":[{"type":
"tool_result","tool_use_id":"toolu_1","is_error":false,"content":[{"type":"text","text":"x"},
{"type":"image","source":{"type":"base64","media_type":"image/png","data":"QUJD"}}]}]}]}`;

/** Large enough for its texts to be taken out. */
const LONG_TURN = TOOL_TURN.replaceAll(/"(Hi|Let me see|x|QUJD|Be brief\.)"/g, (text) => {
  return `"${text.slice(1, -1)} ${'\\"words\\" of it\\n'.repeat(150)}"`;
});

const CHAT = `{"model":"glm-4.6","stream":true,"stream_options":{"include_usage":false},"max_tokens":
1e2,"messages":[{"role":"user","content":"a \\u0022 b \\ud83d\\ude00"}],"temperature":1.0,"n":1}`;

const EMBEDDING = '{"input":["a","b"],"model":"m","model":"glm-4.6","__proto__":{"model":"x"}}';

const WORDS = [
  ...['"model"', '"messages"', '"role"', '"content"', '"type"', '"text"', '"tool_use"', '"id"'],
  ...['"tool_result"', '"tool_use_id"', '"input"', '"name"', '"user"', '"assistant"', '"system"'],
  ...['"image"', '"document"', '"source"', '"base64"', '"thinking"', '"signature"', '"tools"'],
  ...['"input_schema"', '"properties"', '"anyOf"', '"$ref"', '"tool_choice"', '"any"', '"stream"'],
  ...['"stream_options"', '"include_usage"', '"max_tokens"', '"max_completion_tokens"', '"url"'],
  ...['"stop_sequences"', '"metadata"', '"user_id"', '"output_config"', '"format"', '"schema"'],
  ...['"__proto__"', '"constructor"', '"prototype"', '"toString"', '"hasOwnProperty"', '"length"'],
  ...['\\u006dodel', '\\ud800', '\\udc00', '\\u0000', '\\"', '\\\\', '\\', '"', '\u2028', '\ufeff'],
  ...[
    '{',
    '}',
    '[',
    ']',
    ':',
    ',',
    '[]',
    '{}',
    'null',
    'true',
    'false',
    '-',
    '1e',
    '""',
    ' ',
    '\n',
  ],
  ...['{"a":', '[[[[[[[[', ']]]]]]]]', DEEP, '"model":"x",', '{"type":"text","text":""},', '\t'],
];

type Body = Record<string, unknown>;

/** The body as any other program would read it; undefined where it is no object of sane depth. */
function parsed(bytes: Buffer): Body | undefined {
  try {
    const text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
    const value: unknown = JSON.parse(text);
    const isObject = typeof value === 'object' && value !== null && !Array.isArray(value);
    return isObject && depthOf(value) <= MAX_JSON_DEPTH ? (value as Body) : undefined;
  } catch {
    return undefined;
  }
}

/** Levels of containers, without recursion: the depth is what is in question. */
function depthOf(root: unknown): number {
  let level: unknown[] = [root];
  for (let depth = 0; ; depth++) {
    level = level.filter((value) => typeof value === 'object' && value !== null);
    if (level.length === 0) return depth;
    level = level.flatMap((value) => Object.values(value as object));
  }
}

/** Brackets that are opened, at most: those within strings count too. */
function depthOfText(bytes: Buffer): number {
  let opened = 0;
  for (const byte of bytes) if (byte === 0x5b || byte === 0x7b) opened += 1;
  return opened;
}

/** There is room for more members of a wanted name than are read. */
function mayRepeat(bytes: Buffer): boolean {
  let quotes = 0;
  for (const byte of bytes) if (byte === 0x22) quotes += 1;
  return quotes > 2 * MAX_WANTED_MEMBERS;
}

/** Reads; only what a client may be told is thrown on the way. */
function read(make: () => ClientRequest): ClientRequest | string {
  try {
    return make();
  } catch (thrown) {
    return refusal(thrown);
  }
}

function refusal(thrown: unknown): string {
  if (!(thrown instanceof GatewayError)) throw thrown;
  assert.ok(TOLD.has(thrown.code), `told as ${thrown.code}: ${thrown.message}`);
  assert.ok(thrown.message.length < 1_000, 'the message is bounded');
  return thrown.message.replace(/\d+/g, '0').slice(0, 80);
}

/** The translation for a provider of chat completions is JSON and leaves the request alone. */
function checkMessages(bytes: Buffer): string {
  const request = read(() => messages.read(bytes, ''));
  if (typeof request === 'string') return request;
  assert.ok(Number.isFinite(request.estimateTokens()) && request.estimateTokens() >= 0);
  // Between the quotes of a long text nothing is checked: it is the provider's to judge.
  if (bytes.length >= MIN_BYTES_FOR_LONG_TEXTS && parsed(bytes) === undefined) return 'lenient';
  let word = 'ok';
  for (const preset of PRESETS) {
    const context = { ...contextOf({ preset, vision: true }), injectPrompt: 'Think.' };
    word += translated(request, context);
  }
  return word + spliced(bytes, request);
}

function translated(request: ClientRequest, context: ReturnType<typeof contextOf>): string {
  try {
    const { payload } = request.attempt('openai', context);
    const body = JSON.parse(String(payload)) as Body;
    assert.equal(body.model, context.model.upstream);
    assert.ok(Array.isArray(body.messages), 'there are messages');
    return Object.keys(body).join();
  } catch (thrown) {
    return refusal(thrown);
  }
}

/** The same protocol: what parse and replace give, less our own thinking blocks. */
function spliced(bytes: Buffer, request: ClientRequest): string {
  const context = contextOf();
  const model = { ...context.model, upstream: UPSTREAM_MODEL };
  let payload: Buffer;
  try {
    payload = Buffer.from(request.attempt('anthropic', { ...context, model }).payload);
  } catch (thrown) {
    return refusal(thrown);
  }
  const was = parsed(bytes);
  const is = parsed(payload);
  assert.ok(was !== undefined && is !== undefined, 'the rewritten body is JSON');
  assert.equal(is.model, UPSTREAM_MODEL);
  if (bytes.includes('cdp1.')) return 'own';
  assert.deepEqual({ ...is, model: was.model }, was);
  return '';
}

/** What is passed through is the body with another model in it, and with usage asked for. */
function checkChat(bytes: Buffer, endpoint: typeof chatCompletions, rest: string): string {
  const was = parsed(bytes);
  const request = read(() => endpoint.read(bytes, rest));
  if (typeof request === 'string') {
    const fine = was !== undefined && typeof was.model === 'string' && rest !== '';
    const bounded = fine && (was.model as string).length <= 256 && was.model !== '';
    const plain = bounded && !/\ufffd|[\ud800-\udfff]/.test(was.model as string);
    const streams = [undefined, null, true, false].includes(was?.stream as undefined);
    const fits = !mayRepeat(bytes) && depthOfText(bytes) <= MAX_JSON_DEPTH;
    assert.ok(!(plain && streams && fits), `a fine body is refused: ${request}`);
    return request;
  }
  const context = contextOf();
  const model = { ...context.model, upstream: UPSTREAM_MODEL };
  const payload = Buffer.from(request.attempt('openai', { ...context, model }).payload);
  if (was === undefined) return 'lenient'; // strings further in are the provider's to judge
  assert.equal(request.model, was.model);
  const is = parsed(payload);
  assert.ok(is !== undefined, 'the rewritten body is JSON');
  assert.equal(is.model, UPSTREAM_MODEL);
  const streamOptions = was.stream_options;
  if (!('stream_options' in was)) delete is.stream_options;
  assert.deepEqual({ ...withOptions(is, streamOptions), model: was.model }, was);
  return `${Object.keys(was).length} ${request.stream}`;
}

function withOptions(is: Body, streamOptions: unknown): Body {
  return 'stream_options' in is ? { ...is, stream_options: streamOptions } : is;
}

/** The scanner takes what JSON.parse takes. */
function checkScan(bytes: Buffer): string {
  const was = parsed(bytes);
  const scan = scanObject(bytes, ['model', 'messages', 'type']);
  if (!scan.ok) {
    // Of two members with one name JSON.parse forgets the first, however deep it was.
    if (scan.reason === 'too-deep' && depthOfText(bytes) > MAX_JSON_DEPTH) return scan.reason;
    if (scan.reason === 'too-many' && mayRepeat(bytes)) return scan.reason;
    assert.equal(was, undefined, `JSON.parse takes it, the scanner does not: ${scan.reason}`);
    return scan.reason;
  }
  for (const { start, end } of scan.members) assert.ok(start < end && end <= bytes.length);
  return `${scan.members.length}`;
}

export const json: FuzzTarget = {
  name: 'json',
  seeds: [
    TOOL_TURN,
    LONG_TURN,
    CHAT,
    EMBEDDING,
    TOOL_TURN.replaceAll('\n', ''),
    CHAT.replaceAll('\n', ''),
  ],
  words: WORDS,
  maxBytes: 64 * 1024,
  maxCaseMs: 500,
  start: () => ({
    check: (bytes) =>
      [
        checkScan(bytes),
        checkMessages(bytes),
        checkChat(bytes, chatCompletions, ''),
        checkChat(bytes, passthrough, 'embeddings'),
      ].join(' | '),
  }),
};

await fuzzWhenStarted(import.meta.url, json);
