import assert from 'node:assert/strict';
import test from 'node:test';
import { Breakers } from '../lib/breakers.ts';
import { BREAKER_FAULTS, FIRST_REST_MS } from '../lib/limits.ts';
import type { Bucket } from '../lib/quotas/bucket.ts';
import { newLease } from '../lib/quotas/lease.ts';
import { QuotaTable } from '../lib/quotas/quota-table.ts';

const NOW = 1_700_000_000_000;
const KEY = 0 as Bucket;
const PATH = Int32Array.of(KEY);

function make() {
  const limits = {
    requestsPerMinute: 0,
    tokensPerMinute: 0,
    requestsPerDay: 0,
    tokensPerDay: 0,
    maxConcurrent: 0,
  };
  const quotas = new QuotaTable([limits], { bornMs: NOW });
  return { quotas, breakers: new Breakers(quotas) };
}

test('breaker: faults in a row open the circuit, and only in a row', () => {
  const { breakers, quotas } = make();
  for (let fault = 1; fault < BREAKER_FAULTS; fault++) assert.equal(breakers.fault(KEY, NOW), 0);
  breakers.answered(KEY);
  for (let fault = 1; fault < BREAKER_FAULTS; fault++) assert.equal(breakers.fault(KEY, NOW), 0);
  assert.equal(quotas.stateOf(KEY, NOW), 'ready');
  assert.equal(breakers.fault(KEY, NOW), NOW + FIRST_REST_MS);
  assert.equal(quotas.stateOf(KEY, NOW), 'cooling');
});

test('breaker: after the rest one probe goes out; its fault opens it for longer, its answer closes', () => {
  const { breakers, quotas } = make();
  for (let fault = 0; fault < BREAKER_FAULTS; fault++) breakers.fault(KEY, NOW);
  const later = NOW + FIRST_REST_MS + 1;
  const [probe, second] = [newLease(), newLease()];
  assert.ok(quotas.tryReserve(PATH, later, 0, probe));
  assert.ok(!quotas.tryReserve(PATH, later, 0, second), 'one probe at a time');
  quotas.settle(PATH, probe, later, 0);
  assert.ok(breakers.fault(KEY, later) - later > FIRST_REST_MS, 'the rest doubles');
  const last = later + 10 * FIRST_REST_MS;
  assert.ok(quotas.tryReserve(PATH, last, 0, probe));
  quotas.answered(PATH, probe);
  breakers.answered(KEY);
  quotas.settle(PATH, probe, last, 0);
  assert.equal(breakers.faultsInARow(KEY), 0);
  assert.equal(quotas.stateOf(KEY, last), 'ready');
});
