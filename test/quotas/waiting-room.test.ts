import assert from 'node:assert/strict';
import test from 'node:test';
import {
  AGEING_MS,
  type Place,
  type WaitingClass,
  WaitingRoom,
} from '../../lib/quotas/waiting-room.ts';

const FAR_MS = 1e9;

interface Wish {
  readonly line?: string;
  readonly session?: string;
  readonly class?: WaitingClass;
  readonly deadlineMs?: number;
  readonly again?: boolean;
}

function enter(room: WaitingRoom<string>, item: string, nowMs: number, wish: Wish = {}) {
  const about = { line: 'm', session: 's', class: 'main' as const, deadlineMs: FAR_MS, ...wish };
  return room.enter(item, about, nowMs) as Place<string>;
}

/** Lets everyone in and returns the order. */
function drain(room: WaitingRoom<string>, nowMs: number): string {
  const order: string[] = [];
  room.admit(nowMs, (item) => {
    order.push(item);
    return 0;
  });
  return order.join(' ');
}

test('one session is served in the order of entering', () => {
  const room = new WaitingRoom<string>(9);
  for (const [at, item] of ['a', 'b', 'c'].entries()) enter(room, item, at);
  assert.equal(drain(room, 10), 'a b c');
  assert.equal(room.depth, 0);
});

test('sessions of a class take turns, however much one of them asks', () => {
  const room = new WaitingRoom<string>(9);
  for (const item of ['a1', 'a2', 'a3', 'a4']) enter(room, item, 0, { session: 'a' });
  for (const item of ['b1', 'b2']) enter(room, item, 1, { session: 'b' });
  assert.equal(drain(room, 10), 'a1 b1 a2 b2 a3 a4');
});

test('who came back is before all others, and costs its session no turn', () => {
  const room = new WaitingRoom<string>(9);
  for (const item of ['a1', 'a2']) enter(room, item, 0, { session: 'a' });
  enter(room, 'b1', 1, { session: 'b' });
  for (const item of ['x', 'y']) {
    enter(room, item, 2, { session: 'a', class: 'background', again: true });
  }
  const gone = enter(room, 'z', 2, { session: 'c', again: true });
  assert.equal(room.leave(gone), true);
  assert.equal(room.leave(gone), false);
  assert.equal(room.depth, 5);
  assert.equal(drain(room, 10), 'x y a1 b1 a2');
  assert.equal(room.depth, 0);
});

test('who comes back is looked at at once', () => {
  const room = new WaitingRoom<string>(9);
  enter(room, 'large', 0);
  assert.equal(
    room.admit(0, () => 500),
    0,
  );
  assert.equal(room.nextWakeMs(), 500);
  enter(room, 'back', 1, { again: true });
  assert.equal(drain(room, 1), 'back large');
});

test('main goes before subagent, subagent before background', () => {
  const room = new WaitingRoom<string>(9);
  enter(room, 'back', 0, { class: 'background' });
  enter(room, 'sub', 1, { class: 'subagent' });
  enter(room, 'main', 2);
  assert.equal(drain(room, 10), 'main sub back');
});

test('nobody starves: what has waited long enough goes first', () => {
  const room = new WaitingRoom<string>(9);
  enter(room, 'back', 0, { class: 'background' });
  enter(room, 'early', 2 * AGEING_MS - 1);
  enter(room, 'late', 2 * AGEING_MS + 1, { session: 't' });
  assert.equal(drain(room, 2 * AGEING_MS + 2), 'early back late');
});

test('a steady stream of main requests leaves background a place after its ageing', () => {
  const room = new WaitingRoom<string>(9);
  enter(room, 'back', 0, { class: 'background' });
  let servedMs = -1;
  for (let nowMs = 0; servedMs < 0 && nowMs < 10 * AGEING_MS; nowMs += 100) {
    enter(room, `m${nowMs}`, nowMs, { session: `s${nowMs}` });
    let served = '';
    room.admit(nowMs, (item) => {
      if (served !== '') return nowMs + 100;
      served = item;
      return 0;
    });
    if (served === 'back') servedMs = nowMs;
  }
  assert.ok(servedMs >= 2 * AGEING_MS && servedMs <= 2 * AGEING_MS + 200, `${servedMs}`);
});

test('a line without room is tried once, and again at the moment it named', () => {
  const room = new WaitingRoom<string>(9);
  for (const item of ['a', 'b', 'c']) enter(room, item, 0);
  enter(room, 'x', 0, { line: 'other' });
  const tried: string[] = [];
  const tryOne = (item: string) => {
    tried.push(item);
    return item === 'x' ? 0 : 500;
  };
  assert.equal(room.admit(0, tryOne), 1);
  assert.deepEqual(tried, ['a', 'x']);
  assert.equal(room.nextWakeMs(), 500);
  assert.equal(room.admit(499, tryOne), 0);
  assert.deepEqual(tried, ['a', 'x']);
  room.admit(500, tryOne);
  assert.deepEqual(tried, ['a', 'x', 'a']);
});

test('a stir makes every line look at once', () => {
  const room = new WaitingRoom<string>(9);
  enter(room, 'a', 0);
  room.admit(0, () => Number.POSITIVE_INFINITY);
  assert.equal(room.nextWakeMs(), FAR_MS);
  room.stir();
  assert.equal(room.nextWakeMs(), 0);
  assert.equal(drain(room, 1), 'a');
});

test('who comes before the one that was refused makes the line look again', () => {
  const room = new WaitingRoom<string>(9);
  enter(room, 'large', 0, { class: 'subagent' });
  room.admit(0, () => 5_000);
  enter(room, 'behind', 1, { class: 'subagent' });
  assert.equal(room.nextWakeMs(), 5_000);
  enter(room, 'main', 2);
  assert.equal(room.nextWakeMs(), 0);
});

test('leaving is at once, once, and lets the next one look', () => {
  const room = new WaitingRoom<string>(9);
  const first = enter(room, 'a', 0);
  enter(room, 'b', 0);
  room.admit(0, () => 5_000);
  assert.equal(room.leave(first), true);
  assert.equal(room.leave(first), false);
  assert.equal(room.depth, 1);
  assert.equal(drain(room, 1), 'b');
});

test('an admitted one cannot leave', () => {
  const room = new WaitingRoom<string>(9);
  const place = enter(room, 'a', 0);
  drain(room, 0);
  assert.equal(room.leave(place), false);
  assert.equal(room.depth, 0);
});

test('a full room takes nobody', () => {
  const room = new WaitingRoom<string>(1);
  const place = enter(room, 'a', 0);
  assert.equal(enter(room, 'b', 0), undefined);
  room.leave(place);
  assert.notEqual(enter(room, 'b', 0), undefined);
});

test('deadlines come in order, whatever the order of entering', () => {
  const room = new WaitingRoom<string>(99);
  for (const deadlineMs of [50, 10, 40, 20, 30]) enter(room, `${deadlineMs}`, 0, { deadlineMs });
  room.admit(0, () => Number.POSITIVE_INFINITY);
  assert.equal(room.nextWakeMs(), 10);
  const expired: string[] = [];
  room.expire(35, (item) => expired.push(item));
  assert.deepEqual(expired, ['10', '20', '30']);
  assert.equal(room.depth, 2);
  assert.equal(room.depthOf('m'), 2);
});

test('ten thousand that wait all hang up, and nothing stays', () => {
  const room = new WaitingRoom<string>(10_000);
  const places = Array.from({ length: 10_000 }, (_, i) =>
    enter(room, `${i}`, i, { session: `${i % 97}`, line: `${i % 3}`, deadlineMs: FAR_MS - i }),
  );
  room.admit(0, () => Number.POSITIVE_INFINITY);
  for (const place of places.reverse()) assert.equal(room.leave(place), true);
  assert.equal(room.depth, 0);
  assert.equal(room.nextWakeMs(), Number.POSITIVE_INFINITY);
  assert.equal(drain(room, 1), '');
});
