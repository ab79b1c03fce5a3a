import assert from 'node:assert/strict';
import test from 'node:test';
import {
  counted,
  FIRST_TOKENS_QUOTA,
  MAX_VALUE,
  QUOTAS,
  windowOf,
} from '../../lib/quotas/rate-reading.ts';

test('every quota has the window and the unit of its name', () => {
  const windowsMs = { minute: 60_000, hour: 3_600_000, day: 86_400_000 };
  for (const [at, quota] of QUOTAS.entries()) {
    const [unit, window] = quota.split('_') as [string, keyof typeof windowsMs];
    assert.equal(windowOf(at), windowsMs[window], quota);
    assert.equal(unit === 'tokens', at >= FIRST_TOKENS_QUOTA, quota);
  }
});

for (const { value, want } of [
  { value: 0, want: 0 },
  { value: 12.9, want: 12 },
  { value: MAX_VALUE - 1, want: MAX_VALUE - 1 },
  { value: MAX_VALUE, want: undefined },
  { value: -1, want: undefined },
  { value: Number.NaN, want: undefined },
  { value: undefined, want: undefined },
]) {
  test(`a count: ${value}`, () => assert.equal(counted(value), want));
}
