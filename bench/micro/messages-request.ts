/** MESSAGES REQUEST. A whole Anthropic body read, checked and put in a provider's words. */
import assert from 'node:assert/strict';
import { messages } from '../../lib/routes/messages.ts';
import { parseMessages } from '../../lib/translate/anthropic-openai/parse.ts';
import { toChatCompletion } from '../../lib/translate/anthropic-openai/request.ts';
import type { Case } from '../case.ts';
import { CONTEXT, TURN } from '../surroundings.ts';

/** They are remembered when they come again. */
const TIMES_UNTIL_KNOWN = 2;

export const cases: readonly Case[] = [
  {
    name: 'messages request: translate, 50 KB',
    unit: 'body',
    operations: 1,
    bytes: TURN.length,
    setup: () => () => toChatCompletion(parseMessages(TURN), CONTEXT).body,
    check(result) {
      const body = JSON.parse(String(result));
      assert.equal(body.model, 'zai-glm-4.6');
      assert.ok(body.messages.length >= 6 && body.tools.length > 10);
    },
  },
  {
    name: 'messages request: translate, tools known, 50 KB',
    unit: 'body',
    operations: 1,
    bytes: TURN.length,
    setup() {
      const asked = () => messages.read(TURN, '').attempt('openai', CONTEXT).payload;
      for (let time = 0; time < TIMES_UNTIL_KNOWN; time++) asked();
      return asked;
    },
    check(result) {
      const { body } = toChatCompletion(parseMessages(TURN), CONTEXT);
      assert.deepEqual(JSON.parse(String(result)), JSON.parse(body));
    },
  },
  {
    name: 'messages request: JSON.parse + stringify alone, 50 KB',
    unit: 'body',
    operations: 1,
    bytes: TURN.length,
    setup: () => () => JSON.stringify(JSON.parse(TURN.toString())),
    check: (result) => assert.deepEqual(JSON.parse(String(result)), JSON.parse(TURN.toString())),
  },
];
