/**
 * How is one value of a request body checked?
 *
 * Every check reads a field of an object that came from JSON.parse and either returns it, typed, or
 * throws INVALID_REQUEST with the dotted path. Must stay true: nothing is copied, and a path is put
 * together only when something is wrong, because bodies have up to a hundred thousand fields.
 */
import { GatewayError } from '../../errors.ts';
import { MAX_JSON_DEPTH, MAX_SHOWN_PATH_CHARS } from '../../limits.ts';

/** An object as it came from JSON.parse. `__proto__` is a field like any other in it. */
export type Fields = Readonly<Record<string, unknown>>;

/** Throws INVALID_REQUEST: `messages.3.content.0.text: must be a string, got number`. */
export function reject(path: string, reason: string): never {
  const shown =
    path.length > MAX_SHOWN_PATH_CHARS ? `${path.slice(0, MAX_SHOWN_PATH_CHARS)}…` : path;
  throw new GatewayError('INVALID_REQUEST', `${shown}: ${reason}`);
}

/** The word for a value's type in an error text. */
export function kindOf(value: unknown): string {
  if (value === undefined) return 'nothing';
  if (value === null) return 'null';
  return Array.isArray(value) ? 'array' : typeof value;
}

/** The path of a field, or of the body itself where the owner is the body. */
export function join(path: string, key: string | number): string {
  return path === '' ? String(key) : `${path}.${key}`;
}

export function isObject(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

export function asObject(value: unknown, path: string): Fields {
  if (!isObject(value)) reject(path, `must be an object, got ${kindOf(value)}`);
  return value;
}

export function requireText(owner: Fields, key: string, path: string): string {
  const value = owner[key];
  if (typeof value === 'string') return value;
  return reject(join(path, key), `must be a string, got ${kindOf(value)}`);
}

/** Absent and null are the same: clients send null for what they leave out. */
export function optionalText(owner: Fields, key: string, path: string): void {
  const value = owner[key];
  if (value !== undefined && value !== null) requireText(owner, key, path);
}

export function optionalBoolean(owner: Fields, key: string, path: string): void {
  const value = owner[key];
  if (value === undefined || value === null || typeof value === 'boolean') return;
  reject(join(path, key), `must be a boolean, got ${kindOf(value)}`);
}

/** A finite number: JSON.parse reads 1e400 as Infinity, which no JSON can carry on. */
export function optionalNumber(owner: Fields, key: string, path: string): void {
  const value = owner[key];
  if (value === undefined || value === null) return;
  if (typeof value !== 'number') reject(join(path, key), `must be a number, got ${kindOf(value)}`);
  if (!Number.isFinite(value)) reject(join(path, key), 'is out of range');
}

export function optionalObject(owner: Fields, key: string, path: string): Fields | undefined {
  const value = owner[key];
  return value === undefined || value === null ? undefined : asObject(value, join(path, key));
}

export function optionalList(
  owner: Fields,
  key: string,
  path: string,
): readonly unknown[] | undefined {
  const value = owner[key];
  if (value === undefined || value === null) return undefined;
  if (!Array.isArray(value)) reject(join(path, key), `must be an array, got ${kindOf(value)}`);
  return value;
}

/**
 * Free JSON that is stringified again later: bounded in depth, numbers finite. JSON.parse takes any
 * depth but JSON.stringify recurses. Only such JSON is walked: what nobody reads may be of any
 * depth, since nothing recurses into it.
 */
export function checkFree(value: unknown, path: string): void {
  const fault = faultIn(value, MAX_JSON_DEPTH);
  if (fault === undefined) return;
  const [reason = '', ...keys] = fault.reverse();
  reject([path, ...keys.reverse()].join('.'), reason);
}

/** The keys that lead to a fault and, last, its name; undefined where all is well. */
function faultIn(value: unknown, depthLeft: number): string[] | undefined {
  if (typeof value === 'number') return Number.isFinite(value) ? undefined : ['is out of range'];
  if (typeof value !== 'object' || value === null) return undefined;
  if (depthLeft === 0) return [`is nested deeper than ${MAX_JSON_DEPTH} levels`];
  // Arrays may be long, and `for in` turns every index into text.
  if (Array.isArray(value)) return faultAmong(value, depthLeft - 1);
  const owner = value as Fields;
  for (const key in owner) {
    const fault = faultIn(owner[key], depthLeft - 1);
    if (fault !== undefined) return [key, ...fault];
  }
  return undefined;
}

function faultAmong(items: readonly unknown[], depthLeft: number): string[] | undefined {
  for (let index = 0; index < items.length; index++) {
    const fault = faultIn(items[index], depthLeft);
    if (fault !== undefined) return [String(index), ...fault];
  }
  return undefined;
}
