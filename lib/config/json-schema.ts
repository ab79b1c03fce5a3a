/** The schema table as a JSON Schema, so that editors complete and check what the program does. */
import { ABOVE_ZERO, type NumberNode, type ObjectNode, type SchemaNode } from './nodes.ts';

export type JsonSchema = { readonly [key: string]: unknown };

/** Any value may be written as a string with a `${NAME}` in it. */
const INTERPOLATED: JsonSchema = { type: 'string', pattern: '\\$\\{' };

const DURATION = {
  type: ['string', 'number'],
  pattern: '^\\d+(\\.\\d+)?\\s*(ms|s|m|h|d)?$|\\$\\{',
};
const SIZE = { type: ['string', 'number'], pattern: '^\\d+(\\.\\d+)?\\s*([KMG]?i?B)?$|\\$\\{' };

/** The JSON Schema of a node: its description, its default and what it accepts. */
export function toJsonSchema(node: SchemaNode): JsonSchema {
  const fallback = node.default === undefined ? {} : { default: node.default };
  return { description: node.doc, ...accepted(node), ...fallback };
}

function accepted(node: SchemaNode): JsonSchema {
  switch (node.kind) {
    case 'object':
      return objectSchema(node);
    case 'named':
      return {
        anyOf: [listOf(node.of), { type: 'object', additionalProperties: nested(node.of) }],
      };
    case 'list':
      return { type: ['array', 'null'], items: toJsonSchema(node.of) };
    case 'map':
      return { type: ['object', 'null'], additionalProperties: toJsonSchema(node.of) };
    case 'either':
      return { anyOf: [toJsonSchema(node.scalar), toJsonSchema(node.map)] };
    case 'several':
      return { anyOf: [toJsonSchema(node.of), listOf(node.of)] };
    case 'number':
      return numberSchema(node);
    case 'boolean':
      return { anyOf: [{ type: 'boolean' }, INTERPOLATED] };
    case 'word':
      return { anyOf: [{ enum: [...node.words, ...Object.keys(node.former)] }, INTERPOLATED] };
    case 'duration':
      return { ...DURATION, minimum: 0 };
    case 'size':
      return { ...SIZE, minimum: node.min, maximum: node.max };
    case 'string':
      return { type: 'string' };
    case 'secret':
      return { type: ['string', 'null'] };
    case 'legacy':
      return { deprecated: true };
    case 'reserved':
      return { description: `Reserved for a later version: ${node.doc}`, not: {} };
    default:
      return node satisfies never;
  }
}

const listOf = (of: SchemaNode): JsonSchema => ({ type: 'array', items: toJsonSchema(of) });

const nested = (of: SchemaNode): JsonSchema => ({ anyOf: [toJsonSchema(of), { type: 'null' }] });

function objectSchema(node: ObjectNode): JsonSchema {
  const properties = Object.entries(node.keys).map(([key, of]) => [key, toJsonSchema(of)]);
  return {
    type: ['object', 'null'],
    properties: Object.fromEntries(properties),
    additionalProperties: false,
  };
}

function numberSchema(node: NumberNode): JsonSchema {
  const least = node.min === ABOVE_ZERO ? { exclusiveMinimum: 0 } : { minimum: node.min };
  const number = { type: node.whole ? 'integer' : 'number', ...least, maximum: node.max };
  const words = node.words.length === 0 ? [] : [{ enum: node.words }];
  return { anyOf: [number, ...words, INTERPOLATED] };
}
