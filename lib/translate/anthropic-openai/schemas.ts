/**
 * Which words of a JSON schema may a provider see?
 *
 * Some refuse a request for keywords they do not know (WIRE.md §E.5). Must stay true: a word is
 * dropped only where it is a keyword; a property that is called "pattern", and values under `enum`,
 * `const` or `default`, are data and stay. The client's schema is never changed, but copied.
 */
import type { JsonObject } from '../../wire/anthropic-request.ts';
import { isObject } from './checks.ts';

/** Keywords whose value maps names to schemas. */
const MAPS = new Set([
  'properties',
  'patternProperties',
  '$defs',
  'definitions',
  'dependentSchemas',
  'dependencies',
]);

/** Keywords whose value is a schema or an array of schemas. */
const SCHEMAS = new Set([
  'items',
  'prefixItems',
  'additionalItems',
  'unevaluatedItems',
  'contains',
  'additionalProperties',
  'unevaluatedProperties',
  'propertyNames',
  'allOf',
  'anyOf',
  'oneOf',
  'not',
  'if',
  'then',
  'else',
  'contentSchema',
]);

/** A copy of the schema without the dropped keywords, at every depth. */
export function cleanSchema(schema: JsonObject, dropped: ReadonlySet<string>): JsonObject {
  const clean: Record<string, unknown> = {};
  for (const key in schema) {
    // `__proto__` as a key would set the copy's prototype: it is no keyword, so it goes.
    if (dropped.has(key) || key === '__proto__') continue;
    clean[key] = cleanKeyword(key, schema[key], dropped);
  }
  return clean;
}

function cleanKeyword(key: string, value: unknown, dropped: ReadonlySet<string>): unknown {
  if (SCHEMAS.has(key)) {
    return Array.isArray(value)
      ? value.map((item) => cleanAny(item, dropped))
      : cleanAny(value, dropped);
  }
  return MAPS.has(key) && isObject(value) ? cleanMap(value, dropped) : value;
}

/** `true`, `false` and lists of names stand where schemas do. */
function cleanAny(value: unknown, dropped: ReadonlySet<string>): unknown {
  return isObject(value) ? cleanSchema(value, dropped) : value;
}

function cleanMap(map: JsonObject, dropped: ReadonlySet<string>): JsonObject {
  const clean: Record<string, unknown> = {};
  for (const name in map) {
    if (name !== '__proto__') clean[name] = cleanAny(map[name], dropped);
  }
  return clean;
}

/** A tool's parameters: always an object type with properties, which strict providers insist on. */
export function parametersOf(
  schema: JsonObject | null | undefined,
  dropped: ReadonlySet<string>,
): JsonObject {
  const clean = cleanSchema(schema ?? {}, dropped);
  return {
    ...clean,
    type: 'object',
    properties: isObject(clean.properties) ? clean.properties : {},
  };
}
