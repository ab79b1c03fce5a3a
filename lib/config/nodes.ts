/**
 * The vocabulary of the schema table: what kinds of values there are, and which TypeScript type
 * each gives. Adding a key to the configuration is one line in `schema.ts` made of these.
 */

/** The least number above 0: `min` of a number that must be positive. */
export const ABOVE_ZERO = Number.MIN_VALUE;

/** A node that gives a `T` once a value was read with it. The type exists for the compiler only. */
export type Schema<T> = SchemaNode & { readonly gives?: T };

export type TypeOf<S> = S extends { readonly gives?: infer T } ? T : never;

/** A string that may be empty because its variable is: the caller decides what that means. */
export interface Secret {
  readonly text: string;
  /** The variables it was made of. */
  readonly names: readonly string[];
}

interface Common {
  /** One sentence for people; it becomes the description in config.schema.json. */
  readonly doc: string;
  readonly default?: unknown;
}

export interface ObjectNode extends Common {
  readonly kind: 'object';
  readonly keys: Readonly<Record<string, SchemaNode>>;
  /** Words from elsewhere for keys of this object: `host` -> `bind_address`. */
  readonly hints: Readonly<Record<string, string>>;
}

export interface NumberNode extends Common {
  readonly kind: 'number';
  readonly min: number;
  readonly max: number;
  readonly whole: boolean;
  /** Words that may stand instead of the number. */
  readonly words: readonly string[];
}

export interface WordNode extends Common {
  readonly kind: 'word';
  readonly words: readonly string[];
  /** Words of an older guide and what they are read as, with a warning. */
  readonly former: Readonly<Record<string, string>>;
}

export interface QuantityNode extends Common {
  readonly kind: 'duration' | 'size';
  /** Milliseconds or bytes. */
  readonly min: number;
  readonly max: number;
}

export interface ListNode extends Common {
  readonly kind: 'list';
  readonly of: SchemaNode;
}

/** A list of objects with a `name`, or a mapping from name to object. */
export interface NamedNode extends Common {
  readonly kind: 'named';
  readonly of: ObjectNode;
}

/** A mapping with free keys, in the order of the file. */
export interface MapNode extends Common {
  readonly kind: 'map';
  readonly of: SchemaNode;
}

/** A scalar in the short form, a mapping in the long one. */
export interface EitherNode extends Common {
  readonly kind: 'either';
  readonly scalar: SchemaNode;
  readonly map: ObjectNode;
}

/** A scalar, or a list of such; read as a list. */
export interface SeveralNode extends Common {
  readonly kind: 'several';
  readonly of: SchemaNode;
}

export interface StringNode extends Common {
  readonly kind: 'string';
  /** The text is a secret or may hold one: no message may quote it. */
  readonly sensitive: boolean;
}

export interface BooleanNode extends Common {
  readonly kind: 'boolean';
}

export interface PlainNode extends Common {
  /** `legacy` is accepted whatever it holds, `reserved` is refused whatever it holds. */
  readonly kind: 'secret' | 'legacy' | 'reserved';
}

export type SchemaNode =
  | ObjectNode
  | NumberNode
  | WordNode
  | QuantityNode
  | ListNode
  | NamedNode
  | MapNode
  | EitherNode
  | SeveralNode
  | StringNode
  | BooleanNode
  | PlainNode;

type Keys = Readonly<Record<string, SchemaNode>>;
type ObjectOf<K extends Keys> = { readonly [P in keyof K]: TypeOf<K[P]> };
type MapEntries<T> = readonly { readonly key: string; readonly value: T }[];

/** A mapping with known keys. A missing one is read as an empty one. */
export function object<const K extends Keys>(
  doc: string,
  keys: K,
  hints: Readonly<Record<string, string>> = {},
): ObjectNode & { readonly gives?: ObjectOf<K> } {
  return { kind: 'object', doc, keys, hints };
}

interface NumberOptions<D, W extends string = never> {
  readonly min?: number;
  readonly max: number;
  readonly default?: D;
  readonly words?: readonly W[];
}

export function integer<D extends number | undefined = undefined, W extends string = never>(
  doc: string,
  options: NumberOptions<D, W>,
): Schema<number | W | D> {
  return { kind: 'number', doc, whole: true, min: 0, words: [], ...options };
}

export function decimal<D extends number | undefined = undefined>(
  doc: string,
  options: NumberOptions<D>,
): Schema<number | D> {
  return { kind: 'number', doc, whole: false, min: 0, words: [], ...options };
}

export function boolean<D extends boolean | undefined = undefined>(
  doc: string,
  fallback?: D,
): Schema<boolean | D> {
  return { kind: 'boolean', doc, ...given(fallback) };
}

export function string<D extends string | undefined = undefined>(
  doc: string,
  fallback?: D,
): Schema<string | D> {
  return { kind: 'string', doc, sensitive: false, ...given(fallback) };
}

/** A string that no message and no output may quote. */
export function sensitive(doc: string): Schema<string | undefined> {
  return { kind: 'string', doc, sensitive: true };
}

/** A key of a provider: an unset variable in it is not an error. */
export function secret(doc: string): Schema<Secret | undefined> {
  return { kind: 'secret', doc };
}

export function word<W extends string, D extends W | undefined = undefined>(
  doc: string,
  words: readonly W[],
  options: { readonly default?: D; readonly former?: Readonly<Record<string, W>> } = {},
): Schema<W | D> {
  return { kind: 'word', doc, words, former: {}, ...options };
}

/** Milliseconds. */
export function duration(
  doc: string,
  options: { readonly min: number; readonly max: number; readonly default: number },
): Schema<number> {
  return { kind: 'duration', doc, ...options };
}

/** Bytes. */
export function size(
  doc: string,
  options: { readonly min: number; readonly max: number; readonly default: number },
): Schema<number> {
  return { kind: 'size', doc, ...options };
}

export function list<T, D extends readonly T[] | undefined = undefined>(
  doc: string,
  of: Schema<T>,
  fallback?: D,
): Schema<readonly NonNullable<T>[] | D> {
  return { kind: 'list', doc, of, ...given(fallback) };
}

export function named<T>(
  doc: string,
  of: ObjectNode & { readonly gives?: T },
): Schema<readonly T[] | undefined> {
  return { kind: 'named', doc, of };
}

export function map<T>(doc: string, of: Schema<T>): Schema<MapEntries<NonNullable<T>>> {
  return { kind: 'map', doc, of, default: [] };
}

export function either<S, M>(
  doc: string,
  scalar: Schema<S>,
  long: ObjectNode & { readonly gives?: M },
): Schema<NonNullable<S> | M> {
  return { kind: 'either', doc, scalar, map: long };
}

export function several<T>(
  doc: string,
  of: Schema<T>,
): Schema<readonly NonNullable<T>[] | undefined> {
  return { kind: 'several', doc, of };
}

export function legacy(doc: string): Schema<undefined> {
  return { kind: 'legacy', doc };
}

export function reserved(doc: string): Schema<undefined> {
  return { kind: 'reserved', doc };
}

function given<D>(fallback: D | undefined): { readonly default?: D } {
  return fallback === undefined ? {} : { default: fallback };
}
