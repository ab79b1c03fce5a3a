/** LOG. The line that each request leaves behind. */
import assert from 'node:assert/strict';
import { makeLog } from '../../lib/telemetry/log.ts';
import { makeRedactor } from '../../lib/telemetry/redact.ts';
import type { Case } from '../case.ts';

const SECRETS = Array.from({ length: 8 }, (_, key) => `secret-of-key-number-${key}`);

/** As settle.ts gives them. */
const fieldsOf = (id: number) => ({
  request_id: `req_bQ3kz8Vw1Xy0${String(id).padStart(8, '0')}`,
  endpoint: 'openai',
  asked_model: 'glm-4.6',
  provider: 'zai',
  model: 'glm-4.6',
  key: 'first',
  status: 200,
  attempts: 1,
  wait_ms: 0,
  ttfb_ms: 412,
  duration_ms: 431,
  input_tokens: 21_305,
  output_tokens: 212,
  cached_tokens: 18_432,
  bytes_in: 98_304,
  bytes_out: 1_024,
  stream: false,
  error: undefined,
  fault: undefined,
});

export const cases: readonly Case[] = [
  {
    name: 'log: the line of a request',
    unit: 'line',
    operations: 1,
    bytes: 0,
    setup() {
      let last = '';
      let id = 0;
      const log = makeLog({
        level: 'info',
        format: 'json',
        redact: makeRedactor(SECRETS),
        write: (line) => {
          last = line;
        },
        now: () => 1_790_000_000_000 + id,
      });
      return () => {
        id += 1;
        log.info('request', fieldsOf(id));
        return last;
      };
    },
    check: (result) => assert.equal(JSON.parse(String(result)).bytes_in, 98_304),
  },
];
