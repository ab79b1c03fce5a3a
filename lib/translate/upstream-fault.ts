/**
 * Is this an answer, or an error that came with status 200?
 *
 * Must stay true: an answer of any OpenAI or Anthropic endpoint is never taken for an error
 * (`error: null` is none); the fault's text is the provider's own, cut, for the error table.
 */
import { MAX_ERROR_BODY_BYTES } from '../limits.ts';
import type { UpstreamFault } from './translator.ts';

type Json = Readonly<Record<string, unknown>>;

/** Statuses of Anthropic's error types (WIRE.md §A.5): in a stream nothing else tells them. */
const STATUS_OF_TYPE: ReadonlyMap<unknown, number> = new Map([
  ['invalid_request_error', 400],
  ['authentication_error', 401],
  ['billing_error', 402],
  ['permission_error', 403],
  ['not_found_error', 404],
  ['request_too_large', 413],
  ['rate_limit_error', 429],
  ['api_error', 500],
  ['timeout_error', 504],
  ['overloaded_error', 529],
]);

export function fault(kind: UpstreamFault['kind'], text: string, status = 0): UpstreamFault {
  return { kind, status, text: text.slice(0, MAX_ERROR_BODY_BYTES) };
}

/**
 * The error that a JSON text is, or null. Known shapes (WIRE.md §D, §E.4, §F.4, §A.5):
 * `{error:{…}}`, `{error:"…"}`, `{type:"error",…}`, flat `{message,type,param,code}` and
 * `{code,msg,success}`. Status: what it names (`statusNamedIn`), else what an Anthropic type stands
 * for, else 0. A `/responses` object that reports its own failure is an answer.
 */
export function errorIn(text: string): UpstreamFault | null {
  const body = parseObject(text);
  if (body === undefined || body.object === 'response') return null;
  const { error } = body;
  const wrapped = isObject(error) || (typeof error === 'string' && error !== '');
  if (!wrapped && body.type !== 'error' && !isFlatError(body)) return null;
  const said = isObject(error) ? error : undefined;
  const status = statusNamedIn(body, said) || (STATUS_OF_TYPE.get(said?.type) ?? 0);
  return fault('error', text, status);
}

/** A whole body that should have been events: its error, or nonsense. */
export function bodyFault(text: string): UpstreamFault {
  return errorIn(text) ?? fault('nonsense', text);
}

function isFlatError(body: Json): boolean {
  const text = typeof body.message === 'string' ? body.message : body.msg;
  if (typeof text !== 'string' || 'choices' in body || 'data' in body) return false;
  return 'code' in body || 'type' in body || body.success === false;
}

const STATUS_FIELDS = ['status_code', 'status', 'http_status', 'code'] as const;
const STATUS = /^[45]\d\d$/;

/** The HTTP status that the first of these objects names which names one, as a number or as text;
 *  else 0. A provider's own codes have four digits. */
export function statusNamedIn(...said: readonly (Json | undefined)[]): number {
  for (const object of said) {
    for (const field of STATUS_FIELDS) {
      const value = object?.[field];
      if (typeof value !== 'number' && typeof value !== 'string') continue;
      if (STATUS.test(String(value))) return Number(value);
    }
  }
  return 0;
}

function isObject(value: unknown): value is Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function parseObject(text: string): Json | undefined {
  try {
    const parsed: unknown = JSON.parse(text);
    return isObject(parsed) ? parsed : undefined;
  } catch {
    return undefined;
  }
}
