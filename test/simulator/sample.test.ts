/** Does the smallest value fit its schema? */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { sample } from '../../lib/simulator/sample.ts';

for (const { name, schema, want } of [
  { name: 'no schema', schema: undefined, want: {} },
  { name: 'string', schema: { type: 'string' }, want: 'simulated' },
  { name: 'enum', schema: { enum: ['low', 'high'] }, want: 'low' },
  { name: 'const', schema: { const: null }, want: null },
  { name: 'default', schema: { type: 'string', default: 'x' }, want: 'x' },
  { name: 'number with a minimum', schema: { type: 'integer', minimum: 7 }, want: 7 },
  { name: 'several types', schema: { type: ['boolean', 'null'] }, want: true },
  { name: 'a branch', schema: { anyOf: [{ type: 'null' }, { type: 'string' }] }, want: null },
  { name: 'array', schema: { type: 'array', items: { type: 'string' } }, want: [] },
  {
    name: 'array with a least size',
    schema: { type: 'array', minItems: 1, items: { type: 'number' } },
    want: [1],
  },
  {
    name: 'only what is required',
    schema: {
      type: 'object',
      properties: { a: { type: 'string' }, b: { type: 'number' } },
      required: ['a'],
    },
    want: { a: 'simulated' },
  },
  { name: 'all, when nothing is required', schema: { properties: { a: {} } }, want: { a: {} } },
]) {
  test(`sample: ${name}`, () => assert.deepEqual(sample(schema), want));
}

test('a schema without end ends', () => {
  const endless: Record<string, unknown> = { type: 'object' };
  endless.properties = { again: endless };
  assert.ok(JSON.stringify(sample(endless)).length < 200);
});
