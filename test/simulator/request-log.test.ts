/** Does the log keep the newest, count all, and forget on demand? */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type OpenEntry, RequestLog } from '../../lib/simulator/request-log.ts';

const ENTRY: Omit<OpenEntry, 'seq'> = {
  atMs: 0,
  method: 'POST',
  path: '/',
  key: 'k',
  org: 'o',
  model: 'm',
  stream: false,
  requestBytes: 0,
  status: 0,
  fault: undefined,
  outcome: 'open',
  promptTokens: 0,
  cachedTokens: 0,
  completionTokens: 0,
  headers: undefined,
  body: undefined,
};

for (const { capacity, requests, want } of [
  { capacity: 3, requests: 2, want: [1, 2] },
  { capacity: 3, requests: 3, want: [1, 2, 3] },
  { capacity: 3, requests: 8, want: [6, 7, 8] },
  { capacity: 0, requests: 8, want: [] },
]) {
  test(`log of ${capacity} after ${requests}`, () => {
    const log = new RequestLog(capacity);
    for (let n = 0; n < requests; n++) log.open(ENTRY);
    assert.deepEqual(
      log.entries().map(({ seq }) => seq),
      want,
    );
    assert.equal(log.stats().requests, requests);
  });
}

test('an entry ends once', () => {
  const log = new RequestLog(5);
  const [first, second] = [log.open(ENTRY), log.open(ENTRY)];
  first.status = 200;
  log.close(first, 'done');
  log.close(first, 'gone');
  assert.equal(first.outcome, 'done');
  const { byStatus, inFlight, peakInFlight } = log.stats();
  assert.deepEqual([byStatus, inFlight, peakInFlight], [{ 200: 1 }, 1, 2]);
  log.clear();
  assert.deepEqual([log.entries(), log.stats().inFlight], [[], 1]);
  log.close(second, 'gone');
  assert.equal(log.stats().inFlight, 0);
});
