/**
 * Walks a tree along the schema: fills in `${…}`, checks types and bounds, puts defaults in.
 *
 * Must stay true: it never stops at a fault. A faulty value is replaced by its default, so that
 * whoever comes next can find further faults; `Places.given` tells him that something was there.
 */
import { type Faults, FILE_START, type Place } from './faults.ts';
import { type Env, interpolate } from './interpolate.ts';
import type {
  EitherNode,
  ListNode,
  MapNode,
  NamedNode,
  ObjectNode,
  Schema,
  SchemaNode,
  Secret,
  SeveralNode,
} from './nodes.ts';
import type { ReadFile } from './read-file.ts';
import { readScalar } from './scalars.ts';
import type { Entry, MapTree, ScalarTree, Tree } from './trees.ts';
import { unknownKey } from './unknown-keys.ts';

/** Where the values of a validated object stand in the file. */
export class Places {
  readonly #of = new WeakMap<object, { readonly at: Place; readonly keys: Map<string, Place> }>();

  add(container: object, at: Place, keys: Map<string, Place>): void {
    this.#of.set(container, { at, keys });
  }

  /** The place of a container, or of one of its keys (or list indexes); where a key was not given,
   *  the place of the container with the path of the key. */
  of(container: object, key?: string | number): Place {
    const found = this.#of.get(container);
    const at = found?.at ?? FILE_START;
    if (key === undefined) return at;
    return found?.keys.get(String(key)) ?? { ...at, path: join(at.path, String(key)) };
  }

  /** Whether the file gives the key, whatever it holds. */
  given(container: object, key: string): boolean {
    return this.#of.get(container)?.keys.has(key) ?? false;
  }
}

export interface Reading {
  readonly faults: Faults;
  readonly places: Places;
  readonly env: Env;
  /** Files that the configuration names. */
  readonly readFile: ReadFile;
}

/** Reads a tree as the schema says. Faults go to `x.faults`; the value is whole in any case. */
export function validate<T>(schema: Schema<T>, tree: Tree, x: Reading): T {
  return read(schema, tree, place(tree, ''), x) as T;
}

const place = (tree: Tree, path: string): Place => ({
  line: tree.line,
  column: tree.column,
  path,
});

const join = (path: string, key: string): string => (path === '' ? key : `${path}.${key}`);

/** `undefined`: there was a fault, and it has been told. */
function read(node: SchemaNode, tree: Tree, at: Place, x: Reading): unknown {
  switch (node.kind) {
    case 'object':
      return readObject(node, tree, at, x);
    case 'list':
      return readList(node, tree, at, x);
    case 'named':
      return readNamed(node, tree, at, x);
    case 'map':
      return readMap(node, tree, at, x);
    case 'either':
      return readEither(node, tree, at, x);
    case 'several':
      return readSeveral(node, tree, at, x);
    case 'legacy':
      x.faults.warn(at, 'this configured another kind of proxy and has no effect');
      return undefined;
    case 'reserved':
      x.faults.error(at, 'reserved for a later version: it does nothing yet, so leave it out');
      return undefined;
    case 'secret':
      return readSecret(tree, at, x);
    case 'number':
    case 'boolean':
    case 'string':
    case 'word':
    case 'duration':
    case 'size':
      return readFilled(node, tree, at, x);
    default:
      return node satisfies never;
  }
}

function readObject(node: ObjectNode, tree: Tree, at: Place, x: Reading): object {
  const entries = tree.kind === 'map' ? tree.entries : new Map<string, Entry>();
  if (tree.kind !== 'map') wrongType('a mapping', tree, at, x);
  for (const { key } of entries.values()) {
    if (Object.hasOwn(node.keys, key.value)) continue;
    x.faults.error({ ...key, path: '' }, unknownKey(key.value, node, at.path));
  }
  const places = new Map<string, Place>();
  const values: Record<string, unknown> = {};
  for (const [key, of] of Object.entries(node.keys)) {
    const entry = entries.get(key);
    const path = join(at.path, key);
    if (entry === undefined || isLeftEmpty(of, entry.value)) {
      values[key] = absent(of, { ...at, path }, x);
    } else {
      const isAboutKey = of.kind === 'legacy' || of.kind === 'reserved';
      const valueAt = place(isAboutKey ? entry.key : entry.value, path);
      places.set(key, valueAt);
      values[key] = read(of, entry.value, valueAt, x) ?? of.default;
    }
  }
  x.places.add(values, at, places);
  return values;
}

/** `models:` with nothing behind it is as good as no `models`. */
function isLeftEmpty(node: SchemaNode, tree: Tree): boolean {
  const holds = node.kind === 'object' || node.kind === 'list' || node.kind === 'map';
  return (holds || node.kind === 'named') && isNull(tree);
}

const isNull = (tree: Tree): boolean => tree.kind === 'scalar' && tree.value === null;

function absent(node: SchemaNode, at: Place, x: Reading): unknown {
  if (node.kind === 'object') return readObject(node, emptyMap(at), at, x);
  if (node.kind !== 'list' && node.kind !== 'map') return node.default;
  return Array.isArray(node.default) ? [...node.default] : node.default;
}

const emptyMap = ({ line, column }: Place): MapTree => ({
  kind: 'map',
  entries: new Map(),
  line,
  column,
  size: 1,
});

function readList(node: ListNode, tree: Tree, at: Place, x: Reading): unknown {
  if (tree.kind !== 'list') return wrongType('a list', tree, at, x);
  return readItems(node.of, tree.items, at, x);
}

function readItems(of: SchemaNode, items: readonly Tree[], at: Place, x: Reading): unknown[] {
  const places = new Map<string, Place>();
  const values: unknown[] = [];
  for (const [index, item] of items.entries()) {
    const itemAt = place(item, `${at.path}[${index}]`);
    const value = read(of, item, itemAt, x);
    if (value === undefined) continue;
    places.set(String(values.length), itemAt);
    values.push(value);
  }
  x.places.add(values, at, places);
  return values;
}

function readNamed(node: NamedNode, tree: Tree, at: Place, x: Reading): unknown {
  if (tree.kind === 'list') return readItems(node.of, tree.items, at, x);
  if (tree.kind !== 'map') return wrongType('a list', tree, at, x);
  const items = [...tree.entries.values()].map((entry) => named(entry, x));
  return readItems(node.of, items, at, x);
}

/** The item of a mapping entry, with the key as its `name`. */
function named({ key, value }: Entry, x: Reading): Tree {
  if (value.kind !== 'map' && !isNull(value)) return value;
  const entries = new Map(value.kind === 'map' ? value.entries : []);
  const own = entries.get('name')?.value;
  if (own !== undefined && (own.kind !== 'scalar' || own.value !== key.value)) {
    x.faults.error(place(own, ''), 'this name is not the key that the entry stands under');
  }
  const name: Entry = { key: { ...key, value: 'name' }, value: key };
  entries.set('name', name);
  return { kind: 'map', entries, line: key.line, column: key.column, size: value.size };
}

function readMap(node: MapNode, tree: Tree, at: Place, x: Reading): unknown {
  if (tree.kind !== 'map') return wrongType('a mapping', tree, at, x);
  const places = new Map<string, Place>();
  const values: { key: string; value: unknown }[] = [];
  for (const { key, value } of tree.entries.values()) {
    const found = read(node.of, value, place(value, `${at.path}[${values.length}]`), x);
    if (found === undefined) continue;
    places.set(String(values.length), place(key, at.path));
    values.push({ key: key.value, value: found });
  }
  x.places.add(values, at, places);
  return values;
}

function readEither(node: EitherNode, tree: Tree, at: Place, x: Reading): unknown {
  if (tree.kind === 'list') return wrongType('a string or a mapping', tree, at, x);
  return read(tree.kind === 'map' ? node.map : node.scalar, tree, at, x);
}

function readSeveral(node: SeveralNode, tree: Tree, at: Place, x: Reading): unknown {
  if (tree.kind === 'map') return wrongType('a single value or a list', tree, at, x);
  if (tree.kind === 'list') return readItems(node.of, tree.items, at, x);
  const value = read(node.of, tree, at, x);
  return value === undefined ? undefined : [value];
}

type FilledNode = Parameters<typeof readScalar>[0];

function readFilled(node: FilledNode, tree: Tree, at: Place, x: Reading): unknown {
  const filled = fill(tree, at, x);
  if (filled === undefined) return undefined;
  const { text, names, missing } = filled;
  if (missing.length > 0) {
    for (const name of missing) {
      x.faults.error(at, `the variable ${name} is not set and has no default`);
    }
    return undefined;
  }
  if (node.kind === 'string' && node.sensitive && typeof text === 'string') x.faults.hide(text);
  const result = readScalar(node, text, names.length > 0);
  if (result.warning !== undefined) x.faults.warn(at, result.warning);
  if (result.fault !== undefined) x.faults.error(at, result.fault);
  return result.value;
}

function readSecret(tree: Tree, at: Place, x: Reading): Secret | undefined {
  if (isNull(tree)) return { text: '', names: [] };
  const filled = fill(tree, at, x);
  if (filled === undefined) return undefined;
  if (typeof filled.text !== 'string') {
    x.faults.error(at, 'wants a string: put the value in quotes');
    return undefined;
  }
  const text = filled.missing.length > 0 ? '' : filled.text.trim();
  x.faults.hide(text);
  return { text, names: filled.names };
}

interface Filled {
  readonly text: ScalarTree['value'];
  readonly names: readonly string[];
  readonly missing: readonly string[];
}

function fill(tree: Tree, at: Place, x: Reading): Filled | undefined {
  if (tree.kind !== 'scalar') return wrongType('a single value', tree, at, x);
  if (typeof tree.value !== 'string') return { text: tree.value, names: [], missing: [] };
  const { text, names, missing, malformed } = interpolate(tree.value, x.env);
  if (malformed === undefined) return { text, names, missing };
  x.faults.error(at, malformed);
  return undefined;
}

function wrongType(wanted: string, tree: Tree, at: Place, x: Reading): undefined {
  const names = { list: 'a list', map: 'a mapping', scalar: 'a single value' };
  const found = isNull(tree) ? 'nothing' : names[tree.kind];
  x.faults.error(at, `wants ${wanted}, found ${found}`);
}
