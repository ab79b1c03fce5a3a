import assert from 'node:assert/strict';
import { test } from 'node:test';
import { formatDuration, parseDurationMs, parseSizeBytes } from '../../lib/config/units.ts';

for (const { given, want } of [
  { given: '500ms', want: 500 },
  { given: '30s', want: 30_000 },
  { given: '1.5s', want: 1_500 },
  { given: '10m', want: 600_000 },
  { given: '1h', want: 3_600_000 },
  { given: '1d', want: 86_400_000 },
  { given: '2 S', want: 2_000 },
  { given: 30, want: 30_000 },
  { given: 0.25, want: 250 },
  { given: '30', want: 30_000 },
  { given: 0, want: 0 },
  { given: -1, want: undefined },
  { given: '1w', want: undefined },
  { given: '1constructor', want: undefined },
  { given: 'soon', want: undefined },
  { given: '', want: undefined },
  { given: Number.POSITIVE_INFINITY, want: undefined },
]) {
  test(`duration: ${given}`, () => assert.equal(parseDurationMs(given), want));
}

for (const { given, want } of [
  { given: '32MiB', want: 33_554_432 },
  { given: '1MB', want: 1_000_000 },
  { given: '512KiB', want: 524_288 },
  { given: '0.5kib', want: 512 },
  { given: '1GiB', want: 1_073_741_824 },
  { given: '10B', want: 10 },
  { given: 1_234, want: 1_234 },
  { given: '1234', want: 1_234 },
  { given: '5 apples', want: undefined },
]) {
  test(`size: ${given}`, () => assert.equal(parseSizeBytes(given), want));
}

for (const { ms, want } of [
  { ms: 86_400_000, want: '1d' },
  { ms: 90_000, want: '90s' },
  { ms: 300_000, want: '5m' },
  { ms: 1_500, want: '1500ms' },
  { ms: 0, want: '0ms' },
]) {
  test(`duration in words: ${want}`, () => {
    assert.equal(formatDuration(ms), want);
    assert.equal(parseDurationMs(want), ms);
  });
}
