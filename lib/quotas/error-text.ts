/**
 * What did the provider say went wrong? Reads the body of a refusal, whatever its shape.
 *
 * Known shapes: `{error:{message,type,code}}` (OpenAI, Zhipu, Anthropic), the same without
 * `error` around it (Cerebras), `{error:text}`, `{detail:text}`, `{detail:[{msg}]}` (FastAPI),
 * `{errors:[…]}`, a list of any of these, HTML pages and plain text. Must stay true: no body
 * throws, and none is looked at beyond a bound.
 */
import { MAX_ERROR_BODY_BYTES, MAX_PROVIDER_TEXT_CHARS } from '../limits.ts';

type Json = Readonly<Record<string, unknown>>;

export interface ErrorText {
  /** For people; one line, bounded; empty where the body says nothing. */
  readonly message: string;
  /** The body's own code, else its type, else the number in front, as in `[1313][Your account …]`;
   *  empty where there is none. */
  readonly code: string;
  /** Everything that may stand for a code in a rule. */
  readonly codes: readonly string[];
  /** A status (400 to 599) that the body names; 0 = none. */
  readonly status: number;
  /** The body up to the bound that rules look at, message first. */
  readonly searched: string;
}

const MAX_SEARCHED_CHARS = 8_192;
const MAX_CODE_CHARS = 64;
const MAX_SHAPE_DEPTH = 4;

export function readErrorText(bodyText: string): ErrorText {
  const body = bodyText.slice(0, MAX_ERROR_BODY_BYTES).trim();
  const parsed = parse(body);
  const fields = isObject(parsed) ? [innerOf(parsed), parsed] : [];
  const message = oneLine(fields.map(messageOf).find((text) => text !== '') ?? plainText(body));
  const own = fields.flatMap((object) => [object.code, object.error_code, object.status]);
  const named = [
    ...own,
    ...fields.map((object) => object.type),
    // Further on, or beside a code, it is an index: `messages[1001].content is illegal`.
    own.some((code) => codeOf(code) !== '') ? '' : /^\[(\d{3,4})\]/.exec(message)?.[1],
  ];
  const codes = [...new Set(named.map(codeOf).filter((code) => code !== ''))];
  return {
    message,
    code: codes[0] ?? '',
    codes,
    status: statusOf(fields),
    searched: `${message}\n${body}`.slice(0, MAX_SEARCHED_CHARS),
  };
}

function parse(body: string): unknown {
  if (!/^[[{]/.test(body)) return undefined;
  try {
    const parsed: unknown = JSON.parse(body);
    return Array.isArray(parsed) ? parsed[0] : parsed;
  } catch {
    return undefined;
  }
}

/** The object that tells about the error: under `error`, in `errors`, or the body itself. */
function innerOf(body: Json): Json {
  let inner = body;
  for (let depth = 0; depth < MAX_SHAPE_DEPTH; depth++) {
    const list = Array.isArray(inner.errors) ? inner.errors[0] : undefined;
    const next = inner.error ?? list;
    if (!isObject(next)) return inner;
    inner = next;
  }
  return inner;
}

function messageOf(object: Json): string {
  const { message, msg, detail, error, error_description, title } = object;
  for (const value of [message, msg, detail, error, error_description, title]) {
    if (typeof value === 'string' && value !== '') return value;
    const first = Array.isArray(value) ? value[0] : value;
    if (!isObject(first)) continue;
    const nested = first.message ?? first.msg ?? first.text;
    if (typeof nested === 'string' && nested !== '') return nested;
  }
  return '';
}

/** A page's title, or the text itself. JSON without a known field is shown as it is. */
function plainText(body: string): string {
  if (!/^<(?:!doctype|html|head|\?xml)/i.test(body)) return body;
  const title = /<title[^>]{0,200}>([^<]{1,300})/i.exec(body.slice(0, MAX_SEARCHED_CHARS))?.[1];
  return `an HTML page${title === undefined ? '' : `: ${title}`}`;
}

function oneLine(text: string): string {
  const head = text.slice(0, 2 * MAX_PROVIDER_TEXT_CHARS);
  const line = head.replace(/[\s\p{Cc}]+/gu, ' ').trim();
  return line.slice(0, MAX_PROVIDER_TEXT_CHARS);
}

function codeOf(value: unknown): string {
  if (typeof value === 'number' && Number.isFinite(value)) return String(value);
  return typeof value === 'string' ? value.slice(0, MAX_CODE_CHARS) : '';
}

function statusOf(fields: readonly Json[]): number {
  for (const object of fields) {
    for (const value of [object.status_code, object.status, object.code]) {
      if (typeof value === 'number' && value >= 400 && value < 600) return Math.floor(value);
    }
  }
  return 0;
}

function isObject(value: unknown): value is Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
