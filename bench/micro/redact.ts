/** REDACT. Every text of a log line passes it; nearly all of them hold no secret. */
import assert from 'node:assert/strict';
import { makeRedactor, REDACTED } from '../../lib/telemetry/redact.ts';
import type { Case } from '../case.ts';

const SECRETS = Array.from(
  { length: 16 },
  (_, key) => `csk-${'0123456789abcdef'.repeat(2)}-${key}`,
);
const CLEAN = 'Key "work" of provider cerebras: requests per minute, room again in 12 s';
const FULL = `Wrong API key provided: ${SECRETS[3]}. You can find your API key in the console.`;

const row = (variant: string, text: string, want: (told: string) => boolean): Case => ({
  name: `redact: ${variant}`,
  unit: 'text',
  operations: 1,
  bytes: text.length,
  setup() {
    const redact = makeRedactor(SECRETS);
    return () => redact(text);
  },
  check: (result) => assert.ok(want(String(result)), String(result)),
});

export const cases: readonly Case[] = [
  row('no secret in it', CLEAN, (told) => told === CLEAN),
  row('one secret in it', FULL, (told) => told.includes(REDACTED) && !told.includes('cdef')),
];
