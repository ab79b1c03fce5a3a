/** JSON SPLICE. The model replaced in the bytes of a body; parsing it all is the yardstick. */
import assert from 'node:assert/strict';
import { readChatRequest, rewrite } from '../../lib/translate/openai-openai/request.ts';
import type { Case } from '../case.ts';
import { chatBody } from '../surroundings.ts';

const KIB = 1_024;

function splice(sizeKib: number, modelAt: 'front' | 'end'): Case {
  const body = chatBody(sizeKib * KIB, modelAt);
  return {
    name: `json splice: ${sizeKib} KB, model at the ${modelAt}`,
    unit: 'body',
    operations: 1,
    bytes: body.length,
    setup: () => () => rewrite(readChatRequest(body), 'zai-glm-4.6', false),
    check: (result) =>
      assert.deepEqual(JSON.parse(String(result)), {
        ...JSON.parse(body.toString()),
        model: 'zai-glm-4.6',
      }),
  };
}

function parse(sizeKib: number): Case {
  const body = chatBody(sizeKib * KIB, 'front');
  return {
    name: `json splice: JSON.parse + stringify alone, ${sizeKib} KB`,
    unit: 'body',
    operations: 1,
    bytes: body.length,
    setup: () => () => JSON.stringify({ ...JSON.parse(body.toString()), model: 'zai-glm-4.6' }),
    check: (result) => assert.equal(JSON.parse(String(result)).model, 'zai-glm-4.6'),
  };
}

export const cases: readonly Case[] = [
  splice(1, 'front'),
  splice(1, 'end'),
  parse(1),
  splice(100, 'front'),
  splice(100, 'end'),
  parse(100),
];
