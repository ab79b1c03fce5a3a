/** Are errors told from answers, and is their status found? */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { MAX_ERROR_BODY_BYTES } from '../../lib/limits.ts';
import { bodyFault, errorIn, fault } from '../../lib/translate/upstream-fault.ts';

for (const { text, status } of [
  { text: '{"error":{"code":"1302","message":"x"}}', status: 0 },
  { text: '{"error":{"code":1302,"message":"x"}}', status: 0 },
  { text: '{"error":{"code":503}}', status: 503 },
  { text: '{"error":{"code":"429","message":"x"}}', status: 429 },
  { text: '{"error":"x","http_status":502}', status: 502 },
  { text: '{"error":{"message":"x"},"status_code":429}', status: 429 },
  { text: '{"error":"x"}', status: 0 },
  { text: '{"type":"error","error":{"type":"overloaded_error"}}', status: 529 },
  { text: '{"type":"error","error":{"type":"constructor"}}', status: 0 },
  { text: '{"message":"x","type":"t","param":"quota","code":"queue_exceeded"}', status: 0 },
  { text: '{"code":500,"msg":"404 NOT_FOUND","success":false}', status: 500 },
]) {
  test(`error: ${text}`, () => assert.deepEqual(errorIn(text), { kind: 'error', status, text }));
}

for (const text of [
  '{"error":null,"choices":[]}',
  '{"error":"","choices":[]}',
  '{"message":"x","type":"t","choices":[]}',
  '{"message":"x","code":1,"data":[]}',
  '{"message":{"role":"assistant"},"type":"message_start"}',
  '{"message":"x"}',
  '{"object":"response","error":{"message":"x"}}',
  '{}',
  '[{"error":{"message":"x"}}]',
  'null',
  '"error"',
  '<html>',
  '',
]) {
  test(`no error: ${text}`, () => {
    assert.equal(errorIn(text), null);
    assert.equal(bodyFault(text).kind, 'nonsense');
  });
}

test('the text of a fault is cut', () => {
  assert.equal(fault('cut', 'x'.repeat(1_000_000)).text.length, MAX_ERROR_BODY_BYTES);
});
