/** Which words of a schema a provider gets to see. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { cleanSchema, parametersOf } from '../../../lib/translate/anthropic-openai/schemas.ts';

const DROPPED = new Set(['$schema', 'pattern', 'format', 'minItems']);

for (const { name, given, want } of [
  { name: 'at the top', given: { $schema: 'x', type: 'object' }, want: { type: 'object' } },
  {
    name: 'in a property, not the property itself',
    given: { properties: { pattern: { type: 'string', pattern: 'a' } } },
    want: { properties: { pattern: { type: 'string' } } },
  },
  {
    name: 'under every word that holds schemas',
    given: {
      items: { format: 'x' },
      prefixItems: [{ format: 'x' }, true],
      contains: { format: 'x' },
      additionalProperties: { format: 'x' },
      propertyNames: { pattern: 'x' },
      allOf: [{ pattern: 'x' }],
      anyOf: [{ pattern: 'x' }],
      oneOf: [{ pattern: 'x' }],
      not: { pattern: 'x' },
      if: { pattern: 'x' },
      else: { pattern: 'x' },
      $defs: { pattern: { minItems: 1 } },
      definitions: { format: { minItems: 1 } },
      patternProperties: { '^a': { format: 'x' } },
      dependentSchemas: { a: { format: 'x' } },
      dependencies: { a: { format: 'x' }, format: ['b'] },
    },
    want: {
      items: {},
      prefixItems: [{}, true],
      contains: {},
      additionalProperties: {},
      propertyNames: {},
      allOf: [{}],
      anyOf: [{}],
      oneOf: [{}],
      not: {},
      if: {},
      else: {},
      $defs: { pattern: {} },
      definitions: { format: {} },
      patternProperties: { '^a': {} },
      dependentSchemas: { a: {} },
      dependencies: { a: {}, format: ['b'] },
    },
  },
  {
    name: 'values are data',
    given: {
      enum: [{ pattern: 1 }],
      const: { format: 1 },
      default: { minItems: 1 },
      examples: [{ pattern: 1 }],
      required: ['pattern'],
    },
    want: {
      enum: [{ pattern: 1 }],
      const: { format: 1 },
      default: { minItems: 1 },
      examples: [{ pattern: 1 }],
      required: ['pattern'],
    },
  },
  {
    name: 'words in the wrong place are let through',
    given: { properties: 'none', items: 3, anyOf: { pattern: 'x' }, $defs: [1] },
    want: { properties: 'none', items: 3, anyOf: {}, $defs: [1] },
  },
]) {
  test(`schemas: ${name}`, () => {
    const before = JSON.stringify(given);
    assert.deepEqual(cleanSchema(given, DROPPED), want);
    assert.equal(JSON.stringify(given), before, 'the given schema is unchanged');
  });
}

test('schemas: a key called __proto__ changes no prototype', () => {
  const given = JSON.parse('{"__proto__":{"x":1},"properties":{"__proto__":{"y":1},"a":{}}}');
  const clean = cleanSchema(given, DROPPED);
  assert.equal(Object.getPrototypeOf(clean), Object.prototype);
  assert.equal(Object.getPrototypeOf(clean.properties), Object.prototype);
  assert.deepEqual(JSON.parse(JSON.stringify(clean)), { properties: { a: {} } });
});

for (const { name, given, want } of [
  { name: 'no schema', given: undefined, want: { type: 'object', properties: {} } },
  { name: 'null', given: null, want: { type: 'object', properties: {} } },
  { name: 'another type', given: { type: 'string' }, want: { type: 'object', properties: {} } },
  {
    name: 'one that is complete keeps its order',
    given: { properties: { a: {} }, type: 'object' },
    want: { properties: { a: {} }, type: 'object' },
  },
]) {
  test(`parameters of a tool: ${name}`, () => {
    assert.equal(JSON.stringify(parametersOf(given, DROPPED)), JSON.stringify(want));
  });
}
