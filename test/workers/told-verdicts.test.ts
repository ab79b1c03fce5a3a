import assert from 'node:assert/strict';
import test from 'node:test';
import type { Bucket } from '../../lib/quotas/bucket.ts';
import type { Verdict } from '../../lib/quotas/cooldown-rules.ts';
import { ToldVerdicts } from '../../lib/workers/told-verdicts.ts';

const verdict = (reason: string) => ({ reason }) as Verdict;

test('what is set is told, what is heard or taken over is not', () => {
  const told: string[] = [];
  const verdicts = new ToldVerdicts([[1 as Bucket, verdict('first')]], (bucket, { reason }) => {
    told.push(`${bucket} ${reason}`);
  });
  verdicts.set(2 as Bucket, verdict('here')).hear(3 as Bucket, verdict('elsewhere'));
  assert.deepEqual(told, ['2 here']);
  assert.deepEqual(
    [...verdicts].map(([, { reason }]) => reason),
    ['first', 'here', 'elsewhere'],
  );
  verdicts.replace([[4 as Bucket, verdict('new')]]);
  assert.deepEqual([[...verdicts.keys()], told.length], [[4], 1]);
});
