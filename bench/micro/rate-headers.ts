/** RATE HEADERS. What an answer's headers say about quotas; read once per answer. */
import assert from 'node:assert/strict';
import { readRateHeaders } from '../../lib/quotas/rate-headers.ts';
import type { Case } from '../case.ts';

const NOW_MS = 1_790_000_000_000;

const PLAIN = {
  date: 'Mon, 23 Nov 2026 04:00:00 GMT',
  'content-type': 'application/json',
  'content-length': '1024',
  connection: 'keep-alive',
  'x-request-id': 'f1c0a1b2',
};

const CEREBRAS = {
  ...PLAIN,
  'x-ratelimit-limit-requests-day': '14400',
  'x-ratelimit-limit-tokens-minute': '150000',
  'x-ratelimit-remaining-requests-day': '14399',
  'x-ratelimit-remaining-tokens-minute': '149000',
  'x-ratelimit-reset-requests-day': '33011.38',
  'x-ratelimit-reset-tokens-minute': '11.38',
};

const row = (variant: string, headers: Readonly<Record<string, string>>, found: number): Case => ({
  name: `rate headers: ${variant}`,
  unit: 'answer',
  operations: 1,
  bytes: 0,
  setup: () => () => readRateHeaders(headers, NOW_MS),
  check: (result) => assert.equal(Array.isArray(result) && result.length, found),
});

export const cases: readonly Case[] = [
  row('two quotas, as Cerebras sends them', CEREBRAS, 2),
  row('none', PLAIN, 0),
];
