/** Are idle connections given out newest first, bounded in number, and closed in time? */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { MAX_FREE_SOCKETS } from '../../../lib/limits.ts';
import { Pool, type Pooled, Pools } from '../../../lib/transports/native/pool.ts';
import { originOf } from '../../support/upstream.ts';

class Idle implements Pooled {
  idleUntilMs = 0;
  open = true;
  ended = false;

  destroy(): void {
    this.ended = true;
  }
}

test('the connection used last is used next; those that are not open are left out', () => {
  const pool = new Pool<Idle>('h');
  const [old, dead, fresh] = [new Idle(), new Idle(), new Idle()];
  for (const each of [old, dead, fresh]) pool.put(each, 10_000);
  dead.open = false;
  assert.deepEqual([pool.take(), pool.take(), pool.take()], [fresh, old, undefined]);
  pool.endIdle();
});

test('no more are kept than a bound says', () => {
  const pool = new Pool<Idle>('h');
  const all = Array.from({ length: MAX_FREE_SOCKETS + 1 }, () => new Idle());
  for (const each of all) pool.put(each, 10_000);
  assert.deepEqual(
    all.filter(({ ended }) => ended),
    [all.at(-1)],
  );
  pool.endIdle();
  assert.ok(all.every(({ ended }) => ended));
  assert.equal(pool.take(), undefined);
});

test('each is closed when its time is over, and those taken meanwhile are not', async () => {
  const pool = new Pool<Idle>('h');
  const [long, taken, short] = [new Idle(), new Idle(), new Idle()];
  pool.put(long, 60_000);
  pool.put(short, 30);
  pool.put(taken, 20);
  assert.equal(pool.take(), taken);
  const removed = new Idle();
  pool.put(removed, 10);
  pool.remove(removed);
  for (let turn = 0; turn < 500 && !short.ended; turn++) {
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
  const ended = [long, taken, short, removed].map((each) => each.ended);
  assert.deepEqual(ended, [false, false, true, false]);
  pool.endIdle();
});

test('one pool an address, whichever origin names it', () => {
  const pools = new Pools<Idle>();
  assert.equal(pools.of(originOf(1)), pools.of(originOf(1)));
  assert.notEqual(pools.of(originOf(1)), pools.of(originOf(2)));
  assert.notEqual(pools.of(originOf(1)), pools.of(originOf(1, { protocol: 'https:' })));
});
