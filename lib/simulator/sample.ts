/** What is the smallest value that fits a JSON schema? For forced tool calls and JSON answers. */
import { fields, list } from './request.ts';

/** Deeper than this a value is an empty object: schemas can be recursive. */
const MAX_DEPTH = 8;

/** Never throws; an unknown or missing schema gives an empty object. */
export function sample(schema: unknown, depth = 0): unknown {
  const all = fields(schema);
  if (depth > MAX_DEPTH) return {};
  if ('const' in all) return all.const;
  if ('default' in all) return all.default;
  const [first] = list(all.enum);
  if (first !== undefined) return first;
  const [branch] = [...list(all.anyOf), ...list(all.oneOf), ...list(all.allOf)];
  if (branch !== undefined) return sample(branch, depth + 1);
  const type = Array.isArray(all.type) ? all.type[0] : all.type;
  switch (type) {
    case 'string':
      return 'simulated';
    case 'integer':
    case 'number':
      return typeof all.minimum === 'number' ? all.minimum : 1;
    case 'boolean':
      return true;
    case 'null':
      return null;
    case 'array':
      return typeof all.minItems === 'number' ? [sample(all.items, depth + 1)] : [];
    default:
      return sampleObject(all, depth);
  }
}

function sampleObject(schema: Readonly<Record<string, unknown>>, depth: number): unknown {
  const properties = fields(schema.properties);
  const wanted = Array.isArray(schema.required) ? schema.required : Object.keys(properties);
  return Object.fromEntries(
    wanted.map((name) => [String(name), sample(properties[String(name)], depth + 1)]),
  );
}
