/** ESTIMATE TOKENS. How many tokens has this prompt? Asked once per request. */
import assert from 'node:assert/strict';
import { estimateMessages } from '../../lib/quotas/estimate-tokens.ts';
import { parseMessages } from '../../lib/translate/anthropic-openai/parse.ts';
import type { Case } from '../case.ts';
import { TURN } from '../surroundings.ts';

export const cases: readonly Case[] = [
  {
    name: 'estimate tokens: 50 KB',
    unit: 'body',
    operations: 1,
    bytes: TURN.length,
    setup() {
      const request = parseMessages(TURN);
      return () => estimateMessages(request);
    },
    check(result) {
      const tokens = Number(result);
      assert.ok(tokens > TURN.length / 10 && tokens < TURN.length / 2, String(tokens));
    },
  },
];
