/** What to say about a key that the schema does not know at that place. */
import type { ObjectNode, SchemaNode } from './nodes.ts';
import { ROOT } from './schema.ts';
import { closest } from './suggest.ts';

/** Longer or odder words than any key could be a secret in the wrong place: not quoted. */
const QUOTABLE = /^[a-z][a-z_-]{0,39}\d{0,2}$/i;

/** The message for an unknown key of `node`, which stands at `path` (empty: the top level). */
export function unknownKey(key: string, node: ObjectNode, path: string): string {
  const name = QUOTABLE.test(key) ? `unknown key "${key}"` : 'unknown key';
  const guess = suggestion(key, node);
  const hint = guess === undefined ? '' : `; did you mean "${guess}"?`;
  return `${name} ${path === '' ? 'at the top level' : `in ${path}`}${hint}`;
}

function suggestion(key: string, node: ObjectNode): string | undefined {
  const hint = Object.hasOwn(node.hints, key) ? node.hints[key] : undefined;
  return (
    hint ?? pathTo(key, node) ?? closest(key, Object.keys(node.keys)) ?? pathTo(key, ROOT, true)
  );
}

/** The dotted path below `node` of a key with exactly this name; at any depth when `deep`. */
function pathTo(key: string, node: ObjectNode, deep = false): string | undefined {
  const inner = Object.entries(node.keys).map(([name, of]) => [name, innerObject(of)] as const);
  for (const [name, of] of inner) {
    if (of !== undefined && Object.hasOwn(of.keys, key)) return `${name}.${key}`;
  }
  if (!deep) return undefined;
  for (const [name, of] of inner) {
    const found = of === undefined ? undefined : pathTo(key, of, true);
    if (found !== undefined) return `${name}.${found}`;
  }
  return undefined;
}

function innerObject(node: SchemaNode): ObjectNode | undefined {
  if (node.kind === 'object') return node;
  if (node.kind === 'either') return node.map;
  return node.kind === 'list' || node.kind === 'named' ? innerObject(node.of) : undefined;
}
