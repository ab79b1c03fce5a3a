import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readErrorText } from '../../lib/quotas/error-text.ts';

for (const { body, message = '', codes, status = 0 } of [
  {
    body: '{"error":{"message":"m","type":"t","code":"c"}}',
    message: 'm',
    codes: ['c', 't'],
  },
  { body: '{"error":{"message":"m","code":1302}}', message: 'm', codes: ['1302'] },
  { body: '{"message":"m","type":"t","code":"c"}', message: 'm', codes: ['c', 't'] },
  { body: '{"error":"text"}', message: 'text', codes: [] },
  { body: '{"error":{"message":"m"},"status_code":503}', message: 'm', codes: [], status: 503 },
  { body: '{"code":429,"message":"m"}', message: 'm', codes: ['429'], status: 429 },
  { body: '{"status":"UNAVAILABLE","message":"m"}', message: 'm', codes: ['UNAVAILABLE'] },
  { body: '{"error":{"message":"[1313][x]"}}', message: '[1313][x]', codes: ['1313'] },
  {
    body: '{"error":{"type":"t","message":"[1313][x]"}}',
    message: '[1313][x]',
    codes: ['t', '1313'],
  },
  { body: '{"error":{"message":"at messages[1001]"}}', message: 'at messages[1001]', codes: [] },
  {
    body: '{"error":{"code":"1214","message":"[1001] is illegal"}}',
    message: '[1001] is illegal',
    codes: ['1214'],
  },
  { body: '[{"error":{"message":"listed","code":"c"}}]', message: 'listed', codes: ['c'] },
  { body: '', codes: [] },
  { body: 'plain\n text', message: 'plain text', codes: [] },
]) {
  test(`error text: ${body}`, () => {
    const found = readErrorText(body);
    assert.deepEqual([found.message, found.codes, found.status], [message, codes, status]);
    assert.equal(found.code, codes[0] ?? '');
    assert.ok(found.searched.startsWith(message));
  });
}
